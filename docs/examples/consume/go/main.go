// Consume triggers from Go with franz-go, and tell the engine what became of them.
//
//	go run . 127.0.0.1:9092 retention.triggers retention.touchpoints
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is what a sender needs of a record of the triggers topic; docs/contracts/triggers.schema.json has all fields.
type Record struct {
	Type      string `json:"type"`
	ID        string `json:"id"`
	Customer  string `json:"customer"`
	Action    string `json:"action"`
	Channel   string `json:"channel"`
	ExpiresAt int64  `json:"expires_at"`
	Trigger   string `json:"trigger"`
	Reason    string `json:"reason"`
}

type sender struct {
	client *kgo.Client
	topic  string
	seen   map[string]bool // of a service of yours: a table, written with the message
}

func (s *sender) report(ctx context.Context, what string, trigger Record) error {
	event, err := json.Marshal(map[string]any{
		"specversion": "1.0",
		"type":        what,
		"id":          trigger.ID + ":" + what, // of the fact: published twice it counts once
		"source":      "https://sender.example/go",
		"subject":     trigger.Customer,
		"time":        time.Now().UTC().Format(time.RFC3339Nano),
		"data":        map[string]string{"trigger_id": trigger.ID, "channel": trigger.Channel},
	})
	if err != nil {
		return err
	}
	record := &kgo.Record{Topic: s.topic, Key: []byte(trigger.Customer), Value: event}
	return s.client.ProduceSync(ctx, record).FirstErr()
}

func (s *sender) handle(ctx context.Context, record Record) error {
	switch record.Type {
	case "trigger":
		if s.seen[record.ID] { // at least once: a trigger may come again
			return nil
		}
		s.seen[record.ID] = true
		if record.ExpiresAt <= time.Now().UnixMilli() {
			return s.report(ctx, "offer_expired", record)
		}
		say(map[string]string{"send": record.Action, "to": record.Customer, "by": record.Channel}) // here: send it
		return s.report(ctx, "offer_sent", record)
	case "withdrawal":
		// Whoever has not sent that trigger yet drops it, and reports `offer_withdrawn`. Here all are sent at once.
		say(map[string]string{"withdrawn": record.Trigger, "why": record.Reason})
	default: // "stopped" (an operator's order), "unsent": for who holds triggers back
	}
	return nil
}

func say(line map[string]string) {
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func argument(index int, otherwise string) string {
	if len(os.Args) > index {
		return os.Args[index]
	}
	return otherwise
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: consume SERVERS TRIGGERS TOUCHPOINTS [IDLE_SECONDS] [GROUP]")
	}
	idle, err := strconv.ParseFloat(argument(4, "0"), 64)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Args[1], ",")...),
		kgo.ConsumerGroup(argument(5, "sender-go")),
		kgo.ConsumeTopics(os.Args[2]),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	s := &sender{client, os.Args[3], map[string]bool{}}
	for last := time.Now(); ctx.Err() == nil && (idle == 0 || time.Since(last).Seconds() < idle); {
		poll, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		fetches := client.PollFetches(poll)
		cancel()
		for _, found := range fetches.Records() {
			var record Record
			if err := json.Unmarshal(found.Value, &record); err != nil {
				log.Fatalf("%s[%d]@%d: %v", found.Topic, found.Partition, found.Offset, err)
			}
			if err := s.handle(ctx, record); err != nil {
				log.Fatal(err) // nothing of this poll is committed: it comes again
			}
			last = time.Now()
		}
		if err := client.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
			log.Fatal(err)
		}
	}
}
