package schema_test

import (
	"maps"
	"strings"
	"testing"

	"complaints/schema"
)

func TestDeadLetterSource(t *testing.T) {
	headers := map[string]string{
		schema.HeaderSourceTopic: "complaints", schema.HeaderSourceTopicID: topicID, schema.HeaderSourcePartition: "7",
		schema.HeaderSourceOffset: "4294967296", schema.HeaderSourceTimestamp: "-62135596800001",
	}
	got, err := schema.DeadLetterSource(func(name string) string { return headers[name] })
	want := schema.Source{Topic: "complaints", TopicID: topicID, Partition: 7, Offset: 1 << 32, Timestamp: -62135596800001}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for name, bad := range map[string]string{
		schema.HeaderSourcePartition: "4294967296", schema.HeaderSourceOffset: "", schema.HeaderSourceTimestamp: "yesterday",
	} {
		h := maps.Clone(headers)
		h[name] = bad
		if _, err := schema.DeadLetterSource(func(name string) string { return h[name] }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is %q: error %v, want one that names it", name, bad, err)
		}
	}
}
