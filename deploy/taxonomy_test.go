//go:build servers

package deploy

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"complaints/deploy/athena"
	"complaints/deploy/servers"
	"complaints/schema"
)

// queues are those of a bank that sorts its tickets by who works on them, by how the products of the sample begin.
var queues = []struct{ product, queue string }{
	{"Credit reporting", "Bureau desk"},
	{"Debt collection", "Collections"},
	{"Mortgage", "Home loans"},
	{"Student loan", "Home loans"},
	{"Credit card", "Cards"},
	{"Prepaid card", "Cards"},
	{"Checking", "Accounts"},
	{"Bank account", "Accounts"},
	{"Money transfer", "Payments"},
	{"Virtual", "Payments"},
	{"", "Consumer loans"},
}

// tickets are the complaints of the sample, with a queue in the place of the product.
func tickets(t *testing.T) []schema.Complaint {
	t.Helper()
	all := readSample(t)
	for i := range all {
		for _, q := range queues {
			if strings.HasPrefix(all[i].Product, q.product) {
				all[i].Product = q.queue
				break
			}
		}
		all[i].DateReceived = "" // all of them come now
	}
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// TestOtherCategories goes from a file of tickets with columns and queues of its own to gold, through the weekly loop, and to
// another taxonomy and back.
func TestOtherCategories(t *testing.T) {
	t.Parallel()
	s := startLoop(t)
	all := tickets(t)
	file := filepath.Join(t.TempDir(), "tickets.csv")
	writeTickets(t, file, all[:400])

	model := filepath.Join(t.TempDir(), "model")
	foreground(t, s.env, program(t, "trainer"), "train", "--data", file, "--text-column", "body", "--label-column", "queue", "--min-class-rows=3", "--folds=2", "--out", model, "--quiet")
	said := foreground(t, s.env, program(t, "trainer"), "publish", model)
	version, _, _ := strings.Cut(said, " ")
	if !strings.Contains(said, "7 categories") {
		t.Fatalf("publish says %s", said)
	}
	s.waitServes(version)
	s.publish(all)
	s.waitGold(len(all))
	s.wantCategories(version, "tickets-", []string{"Accounts", "Bureau desk", "Cards", "Collections", "Consumer loans", "Home loans", "Payments"})
	foreground(t, s.env, program(t, "consumer"), "verify", "--wait=30s")

	better, status := s.train("--min-class-rows=5", "--recall-margin=0.3", "--max-ece=0.15") // the smallest queues have a dozen test rows
	if status != 0 || better.Verdict != "promoted" {
		t.Fatalf("the weekly training ended with status %d: %s", status, better.Why)
	}
	s.waitServes(better.Version)

	two := filepath.Join(t.TempDir(), "two.json")
	if err := os.WriteFile(two, []byte(`{"name": "two", "categories": [
		{"name": "Credit", "labels": ["Bureau desk", "Collections"]},
		{"name": "Money", "labels": ["Accounts", "Cards", "Consumer loans", "Home loans", "Payments"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if refused, status := s.train("--taxonomy", two); status != 3 || !strings.Contains(refused.Why, "--new-taxonomy") {
		t.Errorf("a training across taxonomies ended with status %d: %s", status, refused.Why)
	}
	other, status := s.train("--taxonomy", two, "--new-taxonomy", "--seed=2", "--min-class-rows=5", "--max-ece=0.15")
	if status != 0 {
		t.Fatalf("the training of the new taxonomy ended with status %d: %s", status, other.Why)
	}
	s.waitServes(other.Version)
	s.publish(renumbered(all[:200], "again-"))
	s.waitGold(len(all) + 200)
	s.wantCategories(other.Version, "two-", []string{"Credit", "Money"})
	foreground(t, s.env, program(t, "consumer"), "verify", "--wait=30s")

	foreground(t, s.env, program(t, "trainer"), "rollback")
	s.waitServes(better.Version)
	s.publish(renumbered(all[:200], "back-"))
	s.waitGold(len(all) + 400)
	s.wantCategories(better.Version, "tickets-", nil)
	foreground(t, s.env, program(t, "consumer"), "verify", "--wait=30s")
	if summary := foreground(t, s.env, program(t, "consumer"), "summary"); !strings.Contains(summary, "Money") || !strings.Contains(summary, "Bureau desk") {
		t.Errorf("the summary is\n%s", summary)
	}
	page := filepath.Join(t.TempDir(), "report.html")
	foreground(t, s.env, program(t, "trainer"), "report", "--out", page, "--quiet")
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "Home loans") {
		t.Errorf("the report does not show the queues: %v", err)
	}
	s.askTrino()
}

// askTrino reads the map of gold as Athena does.
func (s *loopEnv) askTrino() {
	s.t.Helper()
	trino := servers.Trino(s.t, s.s3)
	tables, err := athena.Tables()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, table := range tables {
		if table.Name == string(schema.Gold) {
			trino.Query(s.t, table.TrinoDDL("s3://"+s.s3.Bucket))
		}
	}
	rows := trino.Query(s.t, `SELECT count(*), min(probabilities['Home loans']) > 0, count(*) FILTER (WHERE probabilities['Home loans'] = probability)
		FROM gold WHERE category = 'Home loans' AND taxonomy LIKE 'tickets-%'`)
	if n, ok := rows[0][0], rows[0][1]; fmt.Sprint(n) == "0" || ok != true || fmt.Sprint(rows[0][2]) != fmt.Sprint(n) {
		s.t.Errorf("Trino answers %v", rows[0])
	}
}

// wantCategories checks the rows of gold of a model version; nil: any of its taxonomy.
func (s *loopEnv) wantCategories(version, taxonomy string, want []string) {
	s.t.Helper()
	found := map[string]bool{}
	if err := s.eachGold(func(row *schema.GoldRow) error {
		if row.ModelVersion != version {
			return nil
		}
		found[row.Category] = true
		if row.Taxonomy == nil || !strings.HasPrefix(*row.Taxonomy, taxonomy) || row.TrueCategory == nil || len(row.Probabilities.Entries) < 2 {
			return fmt.Errorf("a row of %s is %+v", version, row)
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 || want != nil && !slices.Equal(names, want) {
		s.t.Errorf("gold of %s has the categories %q, want %q", version, names, want)
	}
}

func renumbered(complaints []schema.Complaint, prefix string) []schema.Complaint {
	out := slices.Clone(complaints)
	for i := range out {
		out[i].ComplaintID = fmt.Sprint(prefix, i)
	}
	return out
}

func writeTickets(t *testing.T, path string, complaints []schema.Complaint) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"ticket", "body", "queue"}}
	for i := range complaints {
		rows = append(rows, []string{fmt.Sprint(i), complaints[i].Narrative, complaints[i].Product})
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
