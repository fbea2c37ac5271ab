package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/consumer/verify"
	"complaints/internal/lake"
	"complaints/schema"
)

func TestVerifyReportsBrokenChains(t *testing.T) {
	wantFaults(t, []harm{
		{"an object that is gone", func(e *environment) {
			e.remove(e.files("gold/", "part-00000-00000000000000000000")[0])
		}, map[verify.Kind]int64{verify.Gap: -1}},
		{"an object of the last link that is gone", func(e *environment) {
			e.removeLastObjects()
			e.commitSink(0, 0) // it was not committed yet
		}, nil},
		{"an object of the last link that is gone after the commit", func(e *environment) {
			e.removeLastObjects()
		}, map[verify.Kind]int64{verify.Gap: -1}},
		{"an object that no link claims", func(e *environment) {
			path := e.files("gold/", "part-00001")[0]
			e.write(strings.Replace(path, "part-00001", "part-00009", 1), e.read(path))
		}, map[verify.Kind]int64{verify.Orphan: 1}},
		{"an object of a day that the link does not claim", func(e *environment) {
			path := e.files("gold/", "part-00001")[0]
			other := strings.Replace(path, filepath.Base(filepath.Dir(path)), "dt=2001-01-01", 1)
			e.write(other, e.read(path))
		}, map[verify.Kind]int64{verify.Orphan: 1}},
		{"a link that is gone", func(e *environment) {
			e.remove(e.files("chain/gold/", "/1/")[1])
		}, map[verify.Kind]int64{verify.Gap: -1, verify.Orphan: -1}},
		{"an object of labels that is gone", func(e *environment) {
			e.remove(e.files("labels/", "part-00000-00000000000000000000")[0])
		}, map[verify.Kind]int64{verify.Gap: -1}},
		{"labels that the group passed and no claim has", func(e *environment) {
			e.label(0, 10)
			e.Commit(sinkGroup, e.topics.Labels, 0, 41)
		}, map[verify.Kind]int64{verify.Gap: 10}},
		{"a link that is no JSON", func(e *environment) {
			e.write(e.files("chain/gold/", "/1/")[1], []byte("{"))
		}, map[verify.Kind]int64{verify.Gap: -1, verify.Orphan: -1, verify.Damaged: 1}},
	})
}

// removeLastObjects removes the objects of the last claim that has some, and the claims of markers alone behind it.
func (e *environment) removeLastObjects() {
	e.t.Helper()
	for _, path := range slices.Backward(e.files("chain/gold/", "/0/")) {
		var claim schema.Claim
		if err := json.Unmarshal(e.read(path), &claim); err != nil {
			e.t.Fatal(err)
		}
		if len(claim.Rows) == 0 {
			e.remove(path)
			continue
		}
		for day := range claim.Rows {
			e.remove(filepath.Join(e.dir, claim.ObjectKey(day)))
		}
		return
	}
}

func TestVerifyReportsDamagedObjects(t *testing.T) {
	wantFaults(t, []harm{
		{"an object with damaged bytes", func(e *environment) {
			path := e.files("gold/", ".parquet")[0]
			body := e.read(path)
			for i := range 200 {
				body[len(body)/4+i] ^= 0xff
			}
			e.write(path, body)
		}, map[verify.Kind]int64{verify.Damaged: 1}},
		{"half an object", func(e *environment) {
			path := e.files("gold/", ".parquet")[0]
			e.write(path, e.read(path)[:500])
		}, map[verify.Kind]int64{verify.Damaged: 1}},
		{"an object that another overwrote", func(e *environment) {
			all := e.files("gold/", "part-00001")
			e.write(all[0], e.read(all[1]))
		}, map[verify.Kind]int64{verify.Damaged: 1}},
		{"rows twice, in an object that fits its link", func(e *environment) {
			e.rewrite(func(rows []schema.GoldRow) []schema.GoldRow {
				rows[1].KafkaOffset = rows[0].KafkaOffset
				return rows
			})
		}, map[verify.Kind]int64{verify.Repeat: 1, verify.Gap: 1}},
		{"a row of another day", func(e *environment) {
			e.rewrite(func(rows []schema.GoldRow) []schema.GoldRow {
				rows[1].KafkaTimestamp = 0
				return rows
			})
		}, map[verify.Kind]int64{verify.Damaged: 1}},
		{"a row too few", func(e *environment) {
			e.rewrite(func(rows []schema.GoldRow) []schema.GoldRow { return rows[1:] })
		}, map[verify.Kind]int64{verify.Damaged: 1}},
	})
}

// rewrite changes the rows of an object and leaves its footer as it was.
func (e *environment) rewrite(change func([]schema.GoldRow) []schema.GoldRow) {
	e.t.Helper()
	path := e.files("gold/", "part-00000-00000000000000000000")[0]
	body := e.read(path)
	f, err := lake.OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		e.t.Fatal(err)
	}
	var rows []schema.GoldRow
	if err := lake.EachRow(f, func(row *schema.GoldRow) error {
		rows = append(rows, *row)
		return nil
	}); err != nil {
		e.t.Fatal(err)
	}
	footer := map[string]string{}
	for _, key := range []string{
		lake.FooterLayer, lake.FooterTopic, lake.FooterTopicID, lake.FooterPartition, lake.FooterStart,
		lake.FooterNext, lake.FooterDay, lake.FooterRows, lake.FooterClaim,
	} {
		footer[key] = f.Footer(key)
	}
	body, err = lake.WriteParquet(change(rows), nil, footer)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write(path, body)
}

// What the sink has committed is in every layer, though nothing in the lake is left to say so.
func TestVerifyReportsAPartitionThatIsGoneFromTheLake(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	for _, file := range append(e.files("chain/gold", "/0/"), e.files("gold/complaints", "part-00000-")...) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	report := e.verify()
	other := func(f verify.Fault) bool { return f.Kind != verify.Gap || !strings.HasPrefix(f.Where, "chain/gold/") }
	if report.OK || report.Counts[verify.Gap] < 80 || slices.ContainsFunc(report.Faults, other) {
		t.Errorf("%v, %v", report.Counts, report.Faults)
	}
}

// Names that no program makes end no check: it reports them and gets on.
func TestVerifyReportsForeignNamesInAChain(t *testing.T) {
	e := newEnvironment(t)
	e.fill()
	links := e.files("chain", "gold")
	folder := filepath.Dir(links[0])
	for _, name := range []string{"~$link.json", "übrig.json", "README"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	report, err := verify.Run(ctx, verify.Config{KafkaOpts: e.Opts, Topics: e.topics, Group: group, Store: e.store, Layers: []schema.Layer{schema.Gold}, Stall: 5 * time.Second})
	if err != nil || report.Counts[verify.Damaged] != 3 {
		t.Errorf("%v, %v", report.Counts, err)
	}
}
