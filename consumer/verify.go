package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"complaints/consumer/verify"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errFaults ends the command with a status that is not 0; what is wrong stands in
// the report.
var errFaults = errors.New("something was lost, repeated or damaged: see the report")

func runVerify(ctx context.Context, cfg *verifyConfig, stdout, stderr io.Writer) error {
	opts, err := cfg.Kafka.Options()
	if err != nil {
		return err
	}
	store, err := lake.Open(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	topics := schema.TopicNames(cfg.Topics.TopicPrefix)
	if cfg.Wait > 0 {
		if err := waitCaughtUp(ctx, cfg, opts, topics); err != nil {
			return err
		}
	}
	report, err := verify.Run(ctx, verify.Config{
		KafkaOpts: opts, Topics: topics, Group: cfg.classifyGroup(), Store: store, Layers: cfg.Layers, SinkGroup: cfg.sinkGroup(),
		BronzeFor: time.Duration(cfg.BronzeDays) * 24 * time.Hour,
		Progress:  func(line string) { fmt.Fprintln(stderr, line) },
		Logger:    newLogger(cfg.LogLevel, stderr),
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

// waitCaughtUp waits until both groups have committed all that is there.
func waitCaughtUp(ctx context.Context, cfg *verifyConfig, opts []kgo.Opt, topics schema.Topics) error {
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, cfg.Wait)
	defer cancel()
	for _, g := range []struct{ group, topic string }{
		{cfg.classifyGroup(), topics.Complaints},
		{cfg.sinkGroup(), topics.Complaints}, // bronze
		{cfg.sinkGroup(), topics.Classified},
	} {
		if g.group == cfg.sinkGroup() && g.topic == topics.Complaints && !slices.Contains(cfg.Layers, schema.Bronze) {
			continue
		}
		for {
			lag, err := kafka.Lag(ctx, cl, g.group, g.topic)
			if err == nil && lag.Total() == 0 {
				break
			}
			select {
			case <-ctx.Done():
				return errors.Join(fmt.Errorf("after --wait %s group %s still has %d offsets of %s to do", cfg.Wait, g.group, lag.Total(), g.topic), err)
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	return nil
}
