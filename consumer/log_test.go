package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// logLine is what these tests look at.
type logLine struct {
	Level     string   `json:"level"`
	Msg       string   `json:"msg"`
	Topic     string   `json:"topic"`
	Partition *int     `json:"partition"`
	Layer     string   `json:"layer"`
	DT        string   `json:"dt"`
	Rows      int64    `json:"rows"`
	Bytes     int      `json:"bytes"`
	Seconds   *float64 `json:"seconds"`
	Version   string   `json:"model_version"`
}

func linesOf(t *testing.T, log string) (all []logLine) {
	t.Helper()
	for text := range strings.Lines(log) {
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q is no line of JSON: %v", text, err)
		}
		all = append(all, l)
	}
	return all
}

// TestLogOfARun reads all that a run logs at its most talkative: a line an object and a line a model, and never a word of
// what a complaint says, be it classified, dead-lettered or no complaint at all.
func TestLogOfARun(t *testing.T) {
	dir := t.TempDir()
	const secret = "quagga"
	publishTexts(t, dir,
		`{"complaint_id":"1-`+secret+`","narrative":"A debt collector calls me about the `+secret+` debt."}`,
		`{"narrative":"`+secret+` XXXX", "date_received":"`+secret+`", "company":{"`+secret+`":1}}`,
		`{"narrative":{"`+secret+`":1}}`,
		`{"narrative":"XXXX"}`,
		secret,
	)
	var log bytes.Buffer
	err := run(t.Context(), []string{
		"--embedded", "--embedded-addr", freeAddr(t), "--data", dir, "--roles", "classify,sink", "--exit-when-idle", "--idle-for", "4s",
		"--log-level", "debug",
	}, io.Discard, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if i := strings.Index(log.String(), secret); i >= 0 {
		t.Errorf("the log tells of a complaint: %s", log.String()[max(0, i-200):i+100])
	}
	rows, models := map[string]int64{}, 0
	for _, l := range linesOf(t, log.String()) {
		switch l.Msg {
		case "flushed":
			if l.Level != "INFO" || l.Topic == "" || l.Partition == nil || l.DT == "" || l.Bytes == 0 || l.Seconds == nil {
				t.Errorf("%+v lacks something", l)
			}
			rows[l.Layer] += l.Rows
		case "model serves":
			models++
			if l.Version == "" {
				t.Errorf("%+v names no version", l)
			}
		}
	}
	if want := summaryOf(t, dir); rows["bronze"] != 5 || rows["silver"] != 2 || rows["gold"] != want.Rows || models != 1 {
		t.Errorf("lines of flushes have the rows %v, and %d tell of a model; want 5 in bronze, 2 in silver, %d in gold, one model\n%s", rows, models, want.Rows, log.String())
	}
}

// TestTheLogRepeatsNoWarning stands for all loops that try again: they warn, and the logger counts.
func TestTheLogRepeatsNoWarning(t *testing.T) {
	var out bytes.Buffer
	log := newLogger("info", &out)
	for n := range 100 {
		log.Warn("trying again", "attempt", n, "err", errors.New("away"))
	}
	if lines := linesOf(t, out.String()); len(lines) != 1 {
		t.Errorf("%d lines, want 1: %s", len(lines), fmt.Sprint(lines))
	}
}
