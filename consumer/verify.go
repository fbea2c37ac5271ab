package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"complaints/consumer/classify"
	"complaints/consumer/verify"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errFaults ends the command with a status that is not 0; what is wrong stands in
// the report.
var errFaults = errors.New("something was lost, repeated or damaged, or there was nothing to compare: see the report")

func runVerify(ctx context.Context, cfg *verifyConfig, stdout, stderr io.Writer) error {
	opts, err := cfg.Kafka.Options()
	if err != nil {
		return err
	}
	store, err := lake.OpenExisting(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	log := newLogger(cfg.LogLevel, stderr)
	opts = append(opts, kafka.WithLogger(log))
	topics, err := prepareVerify(ctx, cfg, opts)
	if err != nil {
		return err
	}
	report, err := verify.Run(ctx, verify.Config{
		KafkaOpts: opts, Topics: topics, Group: cfg.classifyGroup(), Store: store, Layers: cfg.Layers, SinkGroup: cfg.sinkGroup(),
		BronzeFor: time.Duration(cfg.BronzeDays) * 24 * time.Hour,
		Progress:  func(line string) { fmt.Fprintln(stderr, line) },
		Logger:    log,
	})
	if err != nil {
		return err
	}
	if cfg.JSON {
		err = json.NewEncoder(stdout).Encode(report)
	} else {
		report.Print(stdout)
	}
	if err == nil && !report.OK {
		err = errFaults
	}
	return err
}

// prepareVerify finds the topics, and waits until both groups have committed all
// that is there now if that is asked for.
func prepareVerify(ctx context.Context, cfg *verifyConfig, opts []kgo.Opt) (schema.Topics, error) {
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return schema.Topics{}, err
	}
	defer cl.Close()
	topics, err := kafka.FindTopics(ctx, cl, cfg.Topics.TopicPrefix)
	if err != nil || cfg.Wait == 0 {
		return topics, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Wait)
	defer cancel()
	err = cfg.waitFor(ctx, cl, cfg.classifyGroup(), topics.Complaints)
	for _, layer := range cfg.Layers {
		if err == nil {
			err = cfg.waitFor(ctx, cl, cfg.sinkGroup(), topics.Of(layer))
		}
	}
	return topics, err
}

// waitFor waits until a group has committed all that a topic holds.
func (cfg *verifyConfig) waitFor(ctx context.Context, cl *kgo.Client, group, topic string) error {
	var lag kafka.Lags
	var failed error // of the last attempt to ask
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if lag, failed = kafka.Lag(ctx, cl, group, topic); failed == nil && lag.Total() > 0 {
			return struct{}{}, errBehind
		}
		return struct{}{}, failed
	}, backoff.WithBackOff(backoff.NewConstantBackOff(200*time.Millisecond)), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return fmt.Errorf("after --wait %s group %s still has %d offsets of %s to do: %w", cfg.Wait, group, lag.Total(), topic, errors.Join(err, failed))
	}
	return nil
}

// errBehind says that a group has not committed all.
var errBehind = errors.New("the group is behind")

// removed counts the messages that stood in a hole of the complaints, as bronze has them.
func (a *app) removed(ctx context.Context, h classify.Hole) (messages int64, known bool, err error) {
	if a.store == nil {
		return 0, false, nil
	}
	return verify.CountRows(ctx, a.store, schema.Bronze, verify.Range{TopicID: h.TopicID, Partition: h.Partition, From: h.From, Next: h.Next})
}
