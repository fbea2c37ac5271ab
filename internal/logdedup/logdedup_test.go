package logdedup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"complaints/internal/logdedup"
)

// line is what these tests look at.
type line struct {
	Level      string `json:"level"`
	Msg        string `json:"msg"`
	Partition  int    `json:"partition"`
	Suppressed int    `json:"suppressed"`
}

func linesOf(t *testing.T, log *bytes.Buffer) (all []line) {
	t.Helper()
	for text := range strings.Lines(log.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, l)
	}
	return all
}

func TestARepeatedWarningIsWrittenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(logdedup.Warnings(slog.NewJSONHandler(&out, nil)))
		for n := range 181 { // three minutes, a second each
			log.With("partition", n%3).Warn("trying again", "err", errors.New("away"))
			if n%60 == 30 {
				log.Warn("cannot look at the topics")
			}
			time.Sleep(time.Second)
		}
		got := linesOf(t, &out)
		written, suppressed, other := 0, 0, 0
		for _, l := range got {
			if l.Msg == "trying again" {
				written++
				suppressed += l.Suppressed
			} else {
				other++
			}
		}
		if written != 4 || suppressed != 181-4 || other != 3 {
			t.Errorf("%d lines that stand for %d more, and %d of another message; want 4 for 177, and 3: %v", written, suppressed, other, got)
		}
		if got[0].Suppressed != 0 {
			t.Errorf("the first line says that %d were left out", got[0].Suppressed)
		}
	})
}

func TestInformationAndErrorsAreAlwaysWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(logdedup.Warnings(slog.NewJSONHandler(&out, nil)))
		for range 5 {
			log.Info("flushed")
			log.WithGroup("part").Error("the loss is accepted")
			log.Debug("not wanted")
		}
		if got := linesOf(t, &out); len(got) != 10 {
			t.Errorf("%d lines, want 10: %v", len(got), got)
		}
	})
}
