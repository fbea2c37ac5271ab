//go:build servers && failpoint

package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"complaints/deploy/athena"
	"complaints/deploy/servers"
	"complaints/schema"
)

// TestReadersAgree writes the three layers, kills the writer on the way, and wants
// DuckDB and Trino to count what consumer verify counts.
func TestReadersAgree(t *testing.T) {
	w := newSharedEnv(t)
	f := fault{name: "readers", run: func(s *rowEnv) error {
		return errors.Join(killAt("sink/after-claim")(s), s.members(1), s.sleep(2*time.Second))
	}}
	o := w.perform(t.Context(), f, w.program)
	if err := o.failure(); err != nil {
		t.Fatal(err)
	}
	var report struct {
		Layers []struct {
			Layer schema.Layer `json:"layer"`
			Rows  int64        `json:"rows"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(o.report, &report); err != nil {
		t.Fatalf("%v in %s", err, o.report)
	}
	trino := servers.Trino(t, w.s3)
	tables, err := athena.Tables()
	if err != nil {
		t.Fatal(err)
	}
	ddl := map[schema.Layer]string{}
	for _, table := range tables {
		ddl[schema.Layer(table.Name)] = table.TrinoDDL("s3://" + w.s3.Bucket + "/" + nameOf(f.name))
	}
	if len(report.Layers) != 4 {
		t.Fatalf("verify reports %d layers: %s", len(report.Layers), o.report)
	}
	for _, l := range report.Layers {
		if l.Layer == schema.Labels { // nobody labels anything here
			continue
		}
		if l.Rows == 0 {
			t.Errorf("verify counts no rows in %s", l.Layer)
		}
		// Rows, and how many records they are of.
		const counts = "SELECT count(*), count(DISTINCT kafka_partition * 1000000000000 + kafka_offset) FROM "
		want := fmt.Sprintf("[%d %d]", l.Rows, l.Rows)
		trino.Query(t, ddl[l.Layer])
		if got := fmt.Sprint(trino.Query(t, counts+string(l.Layer))[0]); got != want {
			t.Errorf("Trino counts %s rows and records in %s, verify %s", got, l.Layer, want)
		}
		files := filepath.Join(w.s3.Dir, w.s3.Bucket, nameOf(f.name), string(l.Layer), schema.Dataset, "*", "*.parquet")
		if got := fmt.Sprint(servers.DuckDB(t, counts+"read_parquet('"+files+"', hive_partitioning = true)")[0]); got != want {
			t.Errorf("DuckDB counts %s rows and records in %s, verify %s", got, l.Layer, want)
		}
		t.Logf("%s: %d rows by verify, Trino and DuckDB", l.Layer, l.Rows)
	}
}
