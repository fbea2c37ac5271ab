package erase

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/internal/registry"
	"complaints/schema"
)

// Remain is a place that an erasure does not reach.
type Remain struct {
	Where string `json:"where"`
	What  string `json:"what"`
	Until string `json:"until"`
}

// kafkaTimeout is how long Kafka may take to say how long it keeps messages.
const kafkaTimeout = 10 * time.Second

// Remains says what an erasure does not reach, and until when. Kafka is asked for the
// retention of its topics where opts are not nil.
func Remains(ctx context.Context, cfg Config, report *Report, topics schema.Topics, opts []kgo.Opt) ([]Remain, error) {
	all := topicsRemain(ctx, topics, opts)
	if len(report.Objects) > 0 {
		all = append(all, Remain{
			fmt.Sprintf("%d objects", len(report.Objects)), "their versions of before, where the bucket keeps old versions",
			"the bucket's lifecycle rule removes them; 7 days by the template",
		})
	}
	models, err := registry.List(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	for _, m := range models {
		if !m.BuiltIn {
			all = append(all, Remain{schema.ModelPrefix(m.Version), "counts of words, and maybe the text among its probes, if it was trained on it", "removed by hand, when another serves"})
		}
	}
	if report.Predictions > 0 {
		all = append(all, Remain{schema.Predictions + "/", "what models said, without ids and texts", "removed by hand"})
	}
	return all, nil
}

func topicsRemain(ctx context.Context, topics schema.Topics, opts []kgo.Opt) (all []Remain) {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	for _, name := range []string{topics.Complaints, topics.Classified, topics.DeadLetter, topics.Labels} {
		all = append(all, Remain{"topic " + name, "its messages", until(ctx, name, opts)})
	}
	return all
}

// until says when a topic has lost what it has now.
func until(ctx context.Context, topic string, opts []kgo.Opt) string {
	if opts == nil {
		return "its retention removes them; Kafka was not asked"
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err.Error()
	}
	defer client.Close()
	keeps, err := kafka.Retention(ctx, client, topic)
	switch {
	case err != nil:
		return fmt.Sprintf("its retention removes them; Kafka could not be asked: %v", err)
	case keeps < 0:
		return "they are deleted by hand: the topic keeps them without a limit"
	}
	return fmt.Sprintf("about %s, or later by as long as a segment takes to fill", time.Now().Add(keeps).UTC().Format(time.RFC3339))
}
