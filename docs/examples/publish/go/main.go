// Publish touchpoints from Go with the CloudEvents SDK and franz-go.
//
//	go run . 127.0.0.1:9092 retention.touchpoints binary
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

func event(kind, id, customer string, data any) cloudevents.Event {
	made := cloudevents.NewEvent()
	made.SetType(kind)
	made.SetID(id)
	made.SetSource("https://shop.example/go")
	made.SetSubject(customer)
	made.SetTime(time.Now())
	if err := made.SetData(cloudevents.ApplicationJSON, data); err != nil {
		log.Fatal(err)
	}
	return made
}

// record in structured mode has the whole event as its value, in binary mode the data alone, and the rest as headers.
// The key is the customer: it decides the partition.
func record(made cloudevents.Event, mode string) *kgo.Record {
	found := &kgo.Record{Key: []byte(made.Subject())}
	header := func(name, value string) {
		found.Headers = append(found.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	if mode != "binary" {
		value, err := json.Marshal(made)
		if err != nil {
			log.Fatal(err)
		}
		found.Value = value
		header("content-type", cloudevents.ApplicationCloudEventsJSON)
		return found
	}
	found.Value = made.Data()
	header("content-type", made.DataContentType())
	header("ce_specversion", made.SpecVersion())
	header("ce_id", made.ID())
	header("ce_source", made.Source())
	header("ce_type", made.Type())
	header("ce_subject", made.Subject())
	header("ce_time", made.Time().UTC().Format(time.RFC3339Nano))
	return found
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: publish SERVERS TOPIC [structured|binary] [RUN]")
	}
	servers, topic, mode := os.Args[1], os.Args[2], "structured"
	if len(os.Args) > 3 {
		mode = os.Args[3]
	}
	// Of the fact: an order's own number, so that what is published twice counts once. Here each run has new orders.
	run := uuid.NewString()[:8]
	if len(os.Args) > 4 {
		run = os.Args[4]
	}
	// franz-go partitions by murmur2, as Java; of Sarama and segmentio/kafka-go that is not the default.
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	records := []*kgo.Record{
		record(event("purchase", "order-"+run, "anna", map[string]any{"amount": 59.9, "currency": "EUR"}), mode),
		record(event("nps", "answer-"+run, "jürgen", map[string]any{"score": 9}), mode),
		record(event("visit", "visit-"+run, "zoë", map[string]any{"channel": "web"}), mode),
	}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d sent to %s, %s\n", len(records), topic, mode)
}
