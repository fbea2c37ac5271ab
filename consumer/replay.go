package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/consumer/replay"
	"complaints/internal/kafka"
)

func runReplay(ctx context.Context, cfg *replayConfig, stdout, stderr io.Writer) error {
	log := newLogger(cfg.LogLevel, stderr)
	opts, err := cfg.Kafka.Options()
	if err != nil {
		return err
	}
	opts = append(opts, kafka.WithLogger(log))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	topics, err := kafka.ReadTopics(ctx, client, cfg.Topics.TopicPrefix)
	client.Close()
	if err != nil {
		return err
	}
	counts, err := replay.Run(ctx, replay.Config{
		KafkaOpts: opts, Topics: topics, Group: cfg.Group, Reasons: cfg.Reasons, MaxAttempts: cfg.MaxAttempts,
		DryRun: cfg.DryRun, Logger: log,
	})
	if cfg.JSON {
		if jsonErr := json.NewEncoder(stdout).Encode(counts); err == nil {
			err = jsonErr
		}
		return err
	}
	verb := "replayed"
	if cfg.DryRun {
		verb = "to replay"
	}
	for _, c := range counts {
		if c.Found > 0 {
			fmt.Fprintf(stdout, "%-14s %d found, %d %s, %d came too often, %d do not fit\n", c.Reason, c.Found, c.Replayed, verb, c.Exhausted, c.TooLarge)
		}
	}
	return err
}
