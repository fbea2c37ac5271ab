// Package verify proves on a running system that no message was lost or
// repeated between the topics and in the lake.
//
// In come the topics, the offsets of the groups, and the lake; nothing is
// changed. Out comes a [Report]. A crash loses the report alone.
//
// What is compared is fixed before it is read: first the committed offsets of
// the groups and the chains of the lake, then the ends of the topics, then the
// topics up to there, so that all results of what was committed and all records
// of what was claimed are among them. So a system that goes on meanwhile changes
// nothing.
//
// A proof is never about nothing: a group without offsets, a lake without chains
// of these topics, results of messages past the committed offsets, and what
// retention removed before it was read are faults like a lost record.
//
//	verify.go     order of the steps
//	report.go     what was found
//	print.go      the report as text
//	commits.go    committed offsets of the groups
//	claims.go     lake: claims, read and put into chains
//	topics.go     what a reader of committed records sees of the topics
//	results.go    topics: each message has one result
//	removed.go    what retention removed, as bronze and gold have it
//	layers.go     lake: each record has one row
//	objects.go    lake: the rows of an object
//	orphans.go    lake: objects that no chain knows
//	offsets.go    sets of offsets
package verify

import (
	"cmp"
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
	// CommitWait is how long the committed offset of a result that stands in a
	// topic may take to be seen; default 15 seconds.
	CommitWait time.Duration
	// Progress, if set, is called now and then with a line about what is done.
	Progress func(string)
	Logger   *slog.Logger
}

// run is one verification.
type run struct {
	cfg        Config
	client     *kgo.Client
	admin      *kadm.Client
	report     *Report
	ids        map[string]string // topic → id, 32 hex digits
	partitions map[partitionID]*partition
	noCommits  bool      // the classify group has no committed offset of the complaints
	removed    bool      // retention has removed results that gold does not have
	said       time.Time // when progress was last told
}

// partitionID names a partition of a topic of an id.
type partitionID struct {
	topicID string
	number  int32
}

// partition is one partition of a topic, and what is compared with it.
type partition struct {
	partitionID
	run        *run
	topic      string
	bounds     kafka.Bounds // 0 where the topic is no more
	commit     int64        // of the classify group, of the complaints; -1: none
	latest     int64        // the same, read again once the outputs were read
	sinkCommit int64        // of the sink's group: no layer may be behind it
	visible    *offsets     // records that a reader of committed records sees
	found      *offsets     // of the complaints: messages that have a result
	dead       *offsets     // of these: whose result is a dead letter
	chains     []*chain     // of the layers of its topic
}

func (p *partition) String() string { return fmt.Sprintf("%s/%d", p.topic, p.number) }

// Run checks the topics and the lake. The error says that something could not
// be checked; what is wrong with what was checked is in the report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	cfg.Stall = cmp.Or(cfg.Stall, time.Minute)
	cfg.CommitWait = cmp.Or(cfg.CommitWait, 15*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	began := time.Now()
	client, err := kgo.NewClient(cfg.KafkaOpts...)
	if err != nil {
		return Report{}, fmt.Errorf("verify: kafka client: %w", err)
	}
	defer client.Close()
	r := &run{
		cfg: cfg, client: client, admin: kadm.NewClient(client), report: newReport(),
		ids: map[string]string{}, partitions: map[partitionID]*partition{}, said: began,
	}
	for _, step := range []func(context.Context) error{
		r.findTopics,
		r.readCommits, // before the outputs: what is below them has its result there
		r.readChains,  // before the topics: what they cover is there
		r.readOutputs,
		r.readSources,
		r.readCommitsAgain, // what the outputs hold was committed by now
		r.compareResults,
		r.checkLayers,
		r.checkTopicIDs,
	} {
		if err := step(ctx); err != nil {
			return *r.report, fmt.Errorf("verify: %w", err)
		}
	}
	r.report.Seconds = time.Since(began).Seconds()
	r.report.conclude()
	return *r.report, nil
}

// findTopics asks for the ids of the topics and their partitions.
func (r *run) findTopics(ctx context.Context) error {
	for _, topic := range r.topics() {
		id, partitions, err := kafka.TopicID(ctx, r.client, topic)
		if err != nil {
			return err
		}
		r.ids[topic] = id
		for n := range int32(partitions) {
			r.partition(topic, partitionID{id, n})
		}
	}
	return nil
}

func (r *run) topics() []string {
	topics := []string{r.cfg.Topics.Complaints, r.cfg.Topics.Classified, r.cfg.Topics.DeadLetter}
	if r.has(schema.Labels) {
		topics = append(topics, r.cfg.Topics.Labels)
	}
	return topics
}

// partition returns a partition, new if it was not known.
func (r *run) partition(topic string, id partitionID) *partition {
	p := r.partitions[id]
	if p == nil {
		p = &partition{
			partitionID: id, run: r, topic: topic, commit: -1, latest: -1,
			visible: newOffsets(), found: newOffsets(), dead: newOffsets(),
		}
		r.partitions[id] = p
	}
	return p
}

// partitionsOf returns the partitions of a topic as it is now, in order.
func (r *run) partitionsOf(topic string) []*partition {
	var all []*partition
	for id, p := range r.partitions {
		if id.topicID == r.ids[topic] {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *partition) int { return cmp.Compare(a.number, b.number) })
	return all
}

// checkTopicIDs refuses a proof about topics that were recreated meanwhile.
func (r *run) checkTopicIDs(ctx context.Context) error {
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

// has says whether a layer of the lake is checked.
func (r *run) has(layer schema.Layer) bool {
	return r.cfg.Store != nil && slices.Contains(r.cfg.Layers, layer)
}

const progressEvery = 5 * time.Second

func (r *run) progress(format string, args ...any) {
	if r.cfg.Progress == nil || time.Since(r.said) < progressEvery {
		return
	}
	r.said = time.Now()
	r.cfg.Progress(fmt.Sprintf(format, args...))
}
