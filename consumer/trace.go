package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"complaints/consumer/trace"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/internal/mapping"
	"complaints/schema"
)

func runTrace(ctx context.Context, cfg *traceConfig, stdout, stderr io.Writer) error {
	store, err := lake.OpenExisting(ctx, cfg.Lake)
	if err != nil {
		return err
	}
	fields, err := mapping.Load(cfg.Mapping)
	if err != nil {
		return fmt.Errorf("--mapping: %w", err)
	}
	schemas, err := cfg.Registry.Open()
	if err != nil {
		return err
	}
	asked := trace.Config{
		Store: store, Mapping: fields, Topics: schema.TopicNames(cfg.Topics.TopicPrefix), ComplaintID: cfg.ComplaintID,
		Days: cfg.Day, All: cfg.All, Text: cfg.Text,
	}
	if schemas != nil {
		asked.Schemas = schemas
	}
	if !cfg.LakeOnly {
		if asked.KafkaOpts, err = cfg.Kafka.Options(); err != nil {
			return err
		}
		asked.KafkaOpts = append(asked.KafkaOpts, kafka.WithLogger(newLogger(cfg.LogLevel, stderr)))
	}
	report, err := trace.Run(ctx, asked)
	if err != nil {
		return err
	}
	if cfg.JSON {
		return json.NewEncoder(stdout).Encode(report)
	}
	report.Print(stdout)
	return nil
}
