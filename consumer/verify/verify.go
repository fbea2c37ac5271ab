// Package verify proves on a running system that no message was lost or
// repeated between the topics and in the lake.
//
// In come the topics, the offsets of the classify group, and the lake; nothing
// is changed. Out comes a [Report]. A crash loses the report alone.
//
// What is compared is fixed before it is read: first the committed offsets of
// the group, then the ends of the outputs, then the outputs up to there, so that
// all results of what was committed are among them. Of the lake the offsets of the
// sink's group are read first, then the chains, and then the topic up to the ends of
// both: a layer that is behind the group lacks something, even if it has no link at
// all. So a system that goes on meanwhile changes nothing.
//
//	verify.go   order of the checks
//	report.go   what was found
//	results.go  topics: each message has one result
//	chains.go   lake: links and their objects
//	objects.go  lake: the rows of an object
//	gold.go     results that only gold has
//	strays.go   lake: objects that no link claims
//	topics.go   reading topics up to a mark
//	offsets.go  sets of offsets
package verify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
)

// Config is what is checked.
type Config struct {
	KafkaOpts []kgo.Opt // how to reach the cluster
	Topics    schema.Topics
	Group     string         // of the role classify
	Store     lake.Store     // nil: the lake is not checked
	Layers    []schema.Layer // of the lake, that a sink writes
	SinkGroup string         // of the role sink, whose offsets no layer may be behind; "": that is not checked

	// BronzeFor is after how long objects of bronze may be removed, counted from
	// their day; 0: never.
	BronzeFor time.Duration

	// Stall is how long a topic may bring nothing below its end before the
	// check gives up; default one minute. An open transaction holds readers
	// up until its timeout.
	Stall time.Duration
	// Progress, if set, is called now and then with a line about what is done.
	Progress func(string)
	Logger   *slog.Logger
}

// run is one verification.
type run struct {
	cfg    Config
	client *kgo.Client
	admin  *kadm.Client
	ids    map[string]string // topic → id, 32 hex digits
	report *Report
	said   time.Time // when progress was last told
}

// Run checks the topics and the lake. The error says that something could not
// be checked; what is wrong with what was checked is in the report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if cfg.Stall == 0 {
		cfg.Stall = time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	began := time.Now()
	client, err := kgo.NewClient(cfg.KafkaOpts...)
	if err != nil {
		return Report{}, fmt.Errorf("verify: kafka client: %w", err)
	}
	defer client.Close()
	r := &run{cfg: cfg, client: client, admin: kadm.NewClient(client), ids: map[string]string{}, report: newReport(), said: began}
	if err := r.all(ctx); err != nil {
		return *r.report, fmt.Errorf("verify: %w", err)
	}
	r.report.Seconds = time.Since(began).Seconds()
	r.report.OK = len(r.report.Counts) == 0
	return *r.report, nil
}

func (r *run) all(ctx context.Context) error {
	for _, topic := range []string{r.cfg.Topics.Complaints, r.cfg.Topics.Classified, r.cfg.Topics.DeadLetter} {
		id, _, err := kafka.TopicID(ctx, r.client, topic)
		if err != nil {
			return err
		}
		r.ids[topic] = id
	}
	if err := r.results(ctx); err != nil {
		return err
	}
	if r.cfg.Store == nil {
		return nil
	}
	for _, topic := range []string{r.cfg.Topics.Complaints, r.cfg.Topics.Classified} {
		var layers []schema.Layer
		for _, layer := range r.cfg.Layers {
			if r.topicOf(layer) == topic {
				layers = append(layers, layer)
			}
		}
		if len(layers) == 0 {
			continue
		}
		if err := r.layersOf(ctx, topic, layers); err != nil {
			return err
		}
	}
	for topic, was := range r.ids {
		id, _, err := kafka.TopicID(ctx, r.client, topic)
		if err != nil {
			return err
		}
		if id != was {
			return fmt.Errorf("topic %s was recreated meanwhile: it had the id %s; run verify again", topic, was)
		}
	}
	return nil
}

// topicOf says which topic a layer is of.
func (r *run) topicOf(layer schema.Layer) string {
	if layer == schema.Bronze {
		return r.cfg.Topics.Complaints
	}
	return r.cfg.Topics.Classified
}

// has says whether a layer of the lake is checked.
func (r *run) has(layer schema.Layer) bool {
	if r.cfg.Store == nil {
		return false
	}
	return slices.Contains(r.cfg.Layers, layer)
}

const progressEvery = 5 * time.Second

func (r *run) progress(format string, args ...any) {
	if r.cfg.Progress == nil || time.Since(r.said) < progressEvery {
		return
	}
	r.said = time.Now()
	r.cfg.Progress(fmt.Sprintf(format, args...))
}
