package main

import (
	"bytes"
	"strings"
	"testing"

	"complaints/internal/kafka/kafkatest"
)

// A misspelt prefix is an error that names what is missing, and makes no topics of that name.
func TestReplayCreatesNoTopics(t *testing.T) {
	c := kafkatest.Start(t)
	for _, args := range [][]string{{"--dry-run"}, {}} {
		var out bytes.Buffer
		args = append([]string{"replay-dead-letters", "--brokers", c.ListenAddrs()[0], "--topic-prefix", "typo."}, args...)
		err := run(t.Context(), args, &out, &out)
		if err == nil || !strings.Contains(err.Error(), "typo.complaints, typo.complaints.classified, typo.complaints.labels, typo.complaints.dead-letter") {
			t.Errorf("%v: err = %v, want the topics that are missing", args, err)
		}
		if there, err := c.Admin.ListTopics(t.Context()); err != nil || len(there) > 0 {
			t.Errorf("%v: the topics %v were created, %v", args, there.Names(), err)
		}
	}
}
