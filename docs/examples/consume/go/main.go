// Consume triggers from Go with franz-go, and tell the engine what became of them.
//
//	go run . 127.0.0.1:9092 retention.triggers retention.touchpoints
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
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
	Purpose   string `json:"purpose"`
	Time      int64  `json:"time"`
	ExpiresAt int64  `json:"expires_at"`
	Trigger   string `json:"trigger"`
	Reason    string `json:"reason"`
}

type sender struct {
	client *kgo.Client
	topic  string
	worker string          // http://HOST:PORT of any worker; empty: nobody is asked
	sent   map[string]bool // of a service of yours: a table, written with the message
	seen   map[string]bool // reported as well
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

// What is fresh may be sent; of what has waited for ten minutes, such as a new group reads, a worker is asked: it may have
// been withdrawn or stopped by a record further on. Without an answer marketing is not sent.
func (s *sender) maySend(ctx context.Context, trigger Record) bool {
	if time.Now().UnixMilli()-trigger.Time <= 600_000 {
		return true
	}
	purpose := trigger.Purpose
	if purpose == "" {
		purpose = map[bool]string{true: "care", false: "marketing"}[trigger.Action == "care"]
	}
	valid, reason, ok := s.answer(ctx, trigger)
	if !ok || reason == "unknown" {
		return purpose != "marketing"
	}
	return valid || (reason == "erased" && purpose == "legal")
}

func (s *sender) answer(ctx context.Context, trigger Record) (valid bool, reason string, ok bool) {
	if s.worker == "" {
		return
	}
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	query := url.Values{"customer": {trigger.Customer}, "trigger": {trigger.ID}}
	request, err := http.NewRequestWithContext(wait, http.MethodGet, s.worker+"/valid?"+query.Encode(), nil)
	if err != nil {
		return
	}
	given, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	defer given.Body.Close()
	var told struct {
		Valid  bool   `json:"valid"`
		Reason string `json:"reason"`
	}
	if given.StatusCode != http.StatusOK || json.NewDecoder(given.Body).Decode(&told) != nil {
		return
	}
	return told.Valid, told.Reason, true
}

func (s *sender) act(ctx context.Context, trigger Record) error {
	if trigger.ExpiresAt <= time.Now().UnixMilli() {
		return s.report(ctx, "offer_expired", trigger)
	}
	if !s.maySend(ctx, trigger) {
		return s.report(ctx, "offer_withdrawn", trigger)
	}
	if !s.sent[trigger.ID] {
		say(map[string]string{"send": trigger.Action, "to": trigger.Customer, "by": trigger.Channel}) // here: send it
		s.sent[trigger.ID] = true
	}
	return s.report(ctx, "offer_sent", trigger)
}

func (s *sender) handle(ctx context.Context, record Record) error {
	switch record.Type {
	case "trigger":
		if s.seen[record.ID] { // at least once: a trigger may come again
			return nil
		}
		if err := s.act(ctx, record); err != nil {
			return err
		}
		s.seen[record.ID] = true // after the report: without it the record comes again
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
	s := &sender{client, os.Args[3], os.Getenv("RETENTION_WORKER"), map[string]bool{}, map[string]bool{}}
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
