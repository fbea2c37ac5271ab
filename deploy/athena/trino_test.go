//go:build servers

package athena

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"complaints/consumer/compact"
	"complaints/deploy/servers"
	"complaints/schema"
)

// The lake of the test: a fortnight, as the queries expect it.
const (
	lastDay    = "2026-11-20"
	dayCount   = 14
	rowsOfADay = 5_000
	topicID    = "0123456789abcdef0123456789abcdef"
	scoredBy   = "v2" // the model of the predictions
)

// TestAthenaOnTrino runs the definitions, views and queries on Trino, the engine inside of Athena, over an S3 server.
func TestAthenaOnTrino(t *testing.T) { //nolint:tparallel // one server's memory is no place for queries side by side
	t.Parallel()
	s3 := servers.VersityGW(t)
	began := time.Now()
	fillLake(t, s3)
	t.Logf("the lake took %s", time.Since(began))
	trino := servers.Trino(t, s3)
	tables, err := Tables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		trino.Query(t, table.TrinoDDL("s3://"+s3.Bucket))
	}
	for _, view := range views {
		b, err := os.ReadFile(filepath.Join("views", view+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		trino.Query(t, string(b))
	}
	t.Logf("with Trino and its tables %s", time.Since(began))
	t.Run("every column is read", func(t *testing.T) { readsAll(t, trino, tables) })
	t.Run("a complaint counts once", func(t *testing.T) { countsOnce(t, trino) })
	t.Run("the newest label wins", func(t *testing.T) { readsNewestLabels(t, trino) })
	t.Run("a compacted day is read once", func(t *testing.T) { readsDaysOnce(t, trino) })
	t.Run("queries", func(t *testing.T) { answersAll(t, trino) })
	t.Run("bytes", func(t *testing.T) { scansLittle(t, trino) })
}

func number(t *testing.T, trino *servers.TrinoServer, statement string) string {
	t.Helper()
	rows := trino.Query(t, statement)
	if len(rows) != 1 || len(rows[0]) != 1 {
		t.Fatalf("%s: %v, want one value", statement, rows)
	}
	return fmt.Sprint(rows[0][0])
}

// readsAll finds a column whose type is not that of the files: only reading shows it.
func readsAll(t *testing.T, trino *servers.TrinoServer, tables []Table) {
	if got, want := number(t, trino, "SELECT count(*) FROM gold"), fmt.Sprint(dayCount*rowsOfADay); got != want {
		t.Errorf("gold has %s rows, want %s", got, want)
	}
	of := fmt.Sprintf(" WHERE dt = '%s' AND ", lastDay)
	for _, statement := range []string{
		"SELECT count(*) FROM gold" + of + "element_at(extra, 'branch') = 'NY'", "SELECT count(*) FROM gold" + of + "element_at(probabilities, 'Loans') >= 0",
	} {
		if got := number(t, trino, statement); got != fmt.Sprint(rowsOfADay-1) {
			t.Errorf("%s: %s, want %d", statement, got, rowsOfADay-1)
		}
	}
	if got := number(t, trino, "SELECT count(*) FROM silver"+of+"json_extract_scalar(extra, '$.branch') = 'NY'"); got == "0" {
		t.Error("silver's extra is no JSON with the branch")
	}
	for _, table := range tables {
		counts := make([]string, len(table.Columns))
		for i, c := range table.Columns {
			counts[i] = "count(" + c.Name + ")"
		}
		row := trino.Query(t, fmt.Sprintf("SELECT %s FROM %s WHERE dt = '%s'%s", strings.Join(counts, ", "), table.Name, lastDay, table.ofModel()))[0]
		for i, n := range row {
			if fmt.Sprint(n) == "0" {
				t.Errorf("column %s.%s is always NULL", table.Name, table.Columns[i].Name)
			}
		}
	}
}

// ofModel is the condition that a table needs whose versions are not listed.
func (t Table) ofModel() string {
	if len(t.Keys) > 1 {
		return " AND model = '" + scoredBy + "'"
	}
	return ""
}

// countsOnce: each day but the last repeats the complaints of the first, and one record is no complaint.
func countsOnce(t *testing.T, trino *servers.TrinoServer) {
	rows := trino.Query(t, "SELECT count(*), count(DISTINCT complaint_id), min(dt), max(dt) FROM gold_latest")
	if got := fmt.Sprint(rows[0]); got != fmt.Sprintf("[%d %d %s %s]", rowsOfADay-1, rowsOfADay-1, lastDay, lastDay) {
		t.Errorf("gold_latest: %s, want %d complaints of the last day", got, rowsOfADay-1)
	}
	if got := number(t, trino, "SELECT sum(complaints) FROM daily_counts"); got != fmt.Sprint(rowsOfADay-1) {
		t.Errorf("daily_counts sums to %s", got)
	}
	if got, want := number(t, trino, "SELECT count(*) FROM needs_review"), number(t, trino, "SELECT sum(to_review) FROM daily_counts"); got != want || got == "0" {
		t.Errorf("needs_review has %s rows, daily_counts says %s", got, want)
	}
}

// readsNewestLabels: each day but the last repeats the labels of the first, one record is none, and one label was withdrawn.
func readsNewestLabels(t *testing.T, trino *servers.TrinoServer) {
	rows := trino.Query(t, "SELECT count(*), count(DISTINCT complaint_id), min(dt), max(dt) FROM labels_latest")
	if got := fmt.Sprint(rows[0]); got != fmt.Sprintf("[%d %d %s %s]", withText-2, withText-2, lastDay, lastDay) {
		t.Errorf("labels_latest: %s, want %d labels of the last day", got, withText-2)
	}
}

// readsDaysOnce: the last day lies in the plain table and in the daily one, as consumer compact leaves it.
func readsDaysOnce(t *testing.T, trino *servers.TrinoServer) {
	for _, c := range []struct {
		layer schema.Layer
		rows  int
	}{{schema.Gold, dayCount * rowsOfADay}, {schema.Silver, daysWithText * withText}, {schema.Labels, daysWithText * withText}} {
		trino.Query(t, compact.View(c.layer, []schema.Day{lastDay}))
		all := trino.Query(t, fmt.Sprintf("SELECT count(*), count(DISTINCT kafka_offset) FROM %s_all", c.layer))
		if got, want := fmt.Sprint(all[0]), fmt.Sprintf("[%d %d]", c.rows, c.rows); got != want {
			t.Errorf("%s_all has rows and offsets %s, want %s", c.layer, got, want)
		}
		if n := number(t, trino, fmt.Sprintf("SELECT count(*) FROM %s_daily", c.layer)); n == "0" {
			t.Errorf("%s_daily is empty, so that nothing was shown", c.layer)
		}
	}
}

func answersAll(t *testing.T, trino *servers.TrinoServer) {
	names, texts := statements(t, "queries")
	for i, text := range texts {
		rows := trino.Query(t, text)
		if len(rows) == 0 {
			t.Errorf("query %s finds nothing", names[i])
			continue
		}
		t.Logf("%s: %d rows, the first %.120s", names[i], len(rows), fmt.Sprint(rows[0]))
	}
}

// scansLittle compares what is read of a day and a state with what is read of all. Athena bills these bytes.
func scansLittle(t *testing.T, trino *servers.TrinoServer) {
	const columns = "SELECT company, count(*), avg(probability) FROM gold "
	all := scanned(t, trino.URL, columns+"GROUP BY company")
	day := scanned(t, trino.URL, columns+"WHERE dt = '"+lastDay+"' GROUP BY company")
	state := scanned(t, trino.URL, columns+"WHERE dt = '"+lastDay+"' AND state = 'CA' GROUP BY company")
	both := scanned(t, trino.URL, columns+"WHERE dt = '"+lastDay+"' AND state = 'CA' AND category = 'Loans' GROUP BY company")
	t.Logf("bytes scanned: all %d; one day %d (%.1f%%); one day and state %d (%.1f%%); one day, state and category %d (%.1f%%)",
		all, day, percent(day, all), state, percent(state, all), both, percent(both, all))
	if day*(dayCount-1) > all {
		t.Errorf("one day of %d scans %d of %d bytes: partitions are not pruned", dayCount, day, all)
	}
	// State and category prune row groups, of which an object of this size has one: those figures are only printed.
}

func percent(part, whole int64) float64 { return 100 * float64(part) / float64(whole) }

// scanned runs a statement and gives the bytes that it read from the store.
func scanned(t *testing.T, url, statement string) int64 {
	t.Helper()
	next, method, body := url+"/v1/statement", http.MethodPost, statement
	for {
		req, err := http.NewRequestWithContext(t.Context(), method, next, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Trino-User", "test")
		req.Header.Set("X-Trino-Catalog", "hive")
		req.Header.Set("X-Trino-Schema", "default")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			NextURI string          `json:"nextUri"`
			Error   json.RawMessage `json:"error"`
			Stats   struct {
				PhysicalInputBytes int64 `json:"physicalInputBytes"`
			} `json:"stats"`
		}
		err = errors.Join(json.NewDecoder(resp.Body).Decode(&page), resp.Body.Close())
		if err != nil || page.Error != nil {
			t.Fatalf("%s: %v %s", statement, err, page.Error)
		}
		if page.NextURI == "" {
			return page.Stats.PhysicalInputBytes
		}
		next, method, body = page.NextURI, http.MethodGet, ""
	}
}
