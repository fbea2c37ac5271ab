package erase_test

import (
	"strings"
	"testing"

	"complaints/consumer/erase"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
	"complaints/internal/lake/laketest"
	"complaints/internal/registry"
	"complaints/schema"
)

func TestRemainsSaysUntilWhen(t *testing.T) {
	cluster, store := kafkatest.Start(t), laketest.Open(t)
	topics, err := kafka.EnsureTopics(t.Context(), cluster.Client, kafka.TopicConfig{Partitions: 1, Replication: -1})
	if err != nil {
		t.Fatal(err)
	}
	version, parts := classifiertest.Bundle(t, "published", nil)
	if err := registry.Publish(t.Context(), store, version, parts); err != nil {
		t.Fatal(err)
	}
	report := &erase.Report{Objects: []erase.Object{{Key: "a", Rows: 1}}, Predictions: 1}
	remains, err := erase.Remains(t.Context(), erase.Config{Store: store}, report, topics.Topics, cluster.Opts)
	if err != nil {
		t.Fatal(err)
	}
	until := map[string]string{}
	for _, r := range remains {
		until[r.Where] = r.Until
	}
	for where, want := range map[string]string{
		"topic complaints": "about 20", "topic complaints.dead-letter": "without a limit", "1 objects": "lifecycle",
		schema.ModelPrefix(version): "by hand", "predictions/": "by hand",
	} {
		if !strings.Contains(until[where], want) {
			t.Errorf("%s remains until %q, want %q", where, until[where], want)
		}
	}
}
