//go:build servers

package deploy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"complaints/deploy/servers"
	"complaints/internal/complaintfile"
	"complaints/internal/lake"
	"complaints/schema"
)

// TestTheWeeklyLoop runs the whole story: the words of complaints change, the model in service gets worse, a training on
// what the stream has brought repairs it while the consumers run, a worse one is refused, and one that was forced is taken back.
func TestTheWeeklyLoop(t *testing.T) {
	t.Parallel()
	s := startLoop(t)
	complaints := inOtherWords(t)
	s.publish(complaints[:5000])
	builtIn := s.waitGold(5000)
	if len(builtIn) != 1 {
		t.Fatalf("before the first training gold has the versions %v", builtIn)
	}

	foreground(t, s.env, program(t, "consumer"), "verify", "--wait=30s") // silver too

	first, status := s.train("--rescore")
	if status != 0 || first.Verdict != "promoted" || first.Rows.Train < 3000 || first.Gate.MacroF1 <= first.Gate.ChampionMacroF1 {
		t.Fatalf("the first training ended with status %d: %+v", status, first)
	}
	s.wantInMLflow(first.Version)
	if n := s.predicted(first.Version); n != 5000 {
		t.Errorf("%d stored complaints were classified again, want 5000", n)
	}
	s.waitServes(first.Version)
	s.publish(complaints[5000:5500])
	gold := s.waitGold(5500)
	if gold[first.Version].rows != 500 {
		t.Errorf("after the swap gold has %v, want 500 rows of %s", gold, first.Version)
	}
	t.Logf("right before: %.3f; after: %.3f", builtIn[first.Champion].share(), gold[first.Version].share())
	if before, after := builtIn[first.Champion].share(), gold[first.Version].share(); after < before+0.05 {
		t.Errorf("%.3f were right before and %.3f after", before, after)
	}

	serves := s.champion()
	worse := s.file(exchanged(complaints[:5000]))
	refused, status := s.train("--data", worse)
	if status != 3 || refused.Verdict != "rejected" || refused.Champion != first.Version {
		t.Errorf("the worse training ended with status %d: %s, %s", status, refused.Verdict, refused.Why)
	}
	if now := s.champion(); now != serves {
		t.Errorf("a training that was refused changed the champion from %s to %s", serves, now)
	}
	s.wantInMLflow(first.Version)
	forced, status := s.train("--data", worse, "--force", "--reason", "a drill")
	if status != 0 || forced.Verdict != "promoted" {
		t.Fatalf("the forced training ended with status %d: %s", status, forced.Why)
	}
	s.wantInMLflow(forced.Version)
	s.waitServes(forced.Version)
	s.publish(complaints[5500:5700])
	if gold := s.waitGold(5700); gold[forced.Version].rows != 200 || gold[first.Version].rows != 500 {
		t.Errorf("while the forced model serves gold has %v", gold)
	}

	foreground(t, s.env, program(t, "trainer"), "rollback", "--reason", "the drill is over")
	s.wantInMLflow(first.Version)
	s.waitServes(first.Version)
	s.publish(complaints[5700:5900])
	if gold := s.waitGold(5900); gold[first.Version].rows != 700 {
		t.Errorf("after the way back gold has %v", gold)
	}
	foreground(t, s.env, program(t, "consumer"), "verify", "--wait=30s")
	if list := foreground(t, s.env, program(t, "trainer"), "models"); !strings.Contains(list, "*  "+first.Version) || !strings.Contains(list, "the drill is over") || strings.Count(list, "\n") != 7 { // the built-in model is one of them
		t.Errorf("the models are\n%s", list)
	}
}

// loopEnv is a test environment: two consumers on real servers, which run from the start of the test to its end.
type loopEnv struct {
	t         *testing.T
	env       []string
	store     lake.Store
	s3        *servers.S3Server
	mlflow    string   // its URL
	consumers []string // where each serves HTTP
}

func startLoop(t *testing.T) *loopEnv {
	kafka, s3, mlflow := servers.Kafka(t), servers.VersityGW(t), servers.MLflow(t)
	s := &loopEnv{t: t, s3: s3, mlflow: mlflow.URL, env: append(s3.Env(), "COMPLAINTS_MLFLOW="+mlflow.URL, "COMPLAINTS_BROKERS="+kafka.Brokers[0], "COMPLAINTS_LAKE=s3://"+s3.Bucket, "COMPLAINTS_S3_ENDPOINT="+s3.URL, "COMPLAINTS_PARTITIONS=4")}
	var err error
	if s.store, err = lake.Open(t.Context(), lake.Config{URL: "file://" + filepath.Join(s3.Dir, s3.Bucket)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		addr := freeAddr(t)
		background(t, "consumer "+name, append(s.env, "COMPLAINTS_HTTP_ADDR="+addr), program(t, "consumer"), "--instance", name, "--roles", "classify,sink",
			"--allow-bootstrap", "--model-poll=500ms", "--idle-flush=500ms", "--roll-age=2s", "--batch-records=500")
		waitFor(t, "consumer "+name, func() error { return get(t.Context(), "http://"+addr+"/readyz") })
		s.consumers = append(s.consumers, addr)
	}
	return s
}

// file writes complaints as JSON lines.
func (s *loopEnv) file(complaints []schema.Complaint) string {
	s.t.Helper()
	f, err := os.Create(filepath.Join(s.t.TempDir(), "complaints.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	w := json.NewEncoder(f)
	for i := range complaints {
		if err := w.Encode(&complaints[i]); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
	return f.Name()
}

func (s *loopEnv) publish(complaints []schema.Complaint) {
	s.t.Helper()
	foreground(s.t, s.env, program(s.t, "producer"), s.file(complaints))
}

// loopVerdict is what trainer run --json prints last, as far as the test looks at it.
type loopVerdict struct {
	Verdict  string `json:"verdict"`
	Why      string `json:"why"`
	Version  string `json:"version"`
	Champion string `json:"champion"`
	Rows     struct {
		Train int `json:"train"`
	} `json:"rows"`
	Gate struct {
		MacroF1         float64 `json:"macro_f1"`
		ChampionMacroF1 float64 `json:"champion_macro_f1"`
	} `json:"gate"`
}

// train runs the trainer and returns its verdict and exit status.
func (s *loopEnv) train(args ...string) (v loopVerdict, status int) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), program(s.t, "trainer"), append([]string{"run", "--json", "--quiet"}, args...)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isOurs), s.env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		stderr := ""
		if exit != nil {
			stderr = string(exit.Stderr)
		}
		s.t.Fatalf("the trainer printed %s\n%s", out, stderr)
	}
	s.t.Log(lines[len(lines)-2])
	return v, cmd.ProcessState.ExitCode()
}

// predicted is how many rows the predictions of a version have.
func (s *loopEnv) predicted(version string) (rows int64) {
	s.t.Helper()
	for page, err := range lake.Pages(s.t.Context(), s.store, schema.PredictionPrefix(version)) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, info := range page {
			if err := lake.WithParquet(s.t.Context(), s.store, info.Key, func(f *lake.ParquetFile) error {
				rows += f.Rows()
				return nil
			}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return rows
}

// wantInMLflow checks that MLflow's alias is on a version, approved.
func (s *loopEnv) wantInMLflow(version string) {
	s.t.Helper()
	body, err := getBody(s.t.Context(), s.mlflow+"/api/2.0/mlflow/registered-models/alias?name=complaints&alias=champion")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, want := range []string{`"value": "` + version + `"`, `"value": "approved"`} {
		if !strings.Contains(body, want) {
			s.t.Errorf("MLflow's champion has no %s: %s", want, body)
		}
	}
}

// waitServes waits until all consumers say that they serve a version.
func (s *loopEnv) waitServes(version string) {
	s.t.Helper()
	for _, addr := range s.consumers {
		waitFor(s.t, version+" to serve at "+addr, func() error {
			metrics, err := getBody(s.t.Context(), "http://"+addr+"/metrics")
			if err == nil && !strings.Contains(metrics, `complaints_model_info{version="`+version+`"} 1`) {
				err = errors.New("another one serves")
			}
			return err
		})
	}
}

func getBody(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	return string(all), err
}

// tally counts rows of gold.
type tally struct{ rows, right int }

func (c tally) share() float64 { return float64(c.right) / float64(max(c.rows, 1)) }

// waitGold waits until gold has n rows, and counts them by model version.
func (s *loopEnv) waitGold(n int) map[string]tally {
	s.t.Helper()
	var found map[string]tally
	waitFor(s.t, fmt.Sprintf("%d rows of gold", n), func() error {
		found = map[string]tally{}
		total := 0
		err := s.eachGold(func(row *schema.GoldRow) error {
			total++
			c := found[row.ModelVersion]
			c.rows++
			if row.TrueCategory != nil && *row.TrueCategory == row.Category {
				c.right++
			}
			found[row.ModelVersion] = c
			return nil
		})
		if err == nil && total != n {
			err = fmt.Errorf("%d rows", total)
		}
		return err
	})
	return found
}

func (s *loopEnv) eachGold(each func(*schema.GoldRow) error) error {
	ctx := s.t.Context()
	days, err := lake.Days(ctx, s.store, schema.Gold)
	if err != nil {
		return err
	}
	for _, day := range days {
		keys, err := lake.EachOnce(ctx, s.store, schema.Gold, day)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := lake.EachRowOf(ctx, s.store, key, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// champion is the content of the pointer.
func (s *loopEnv) champion() string {
	s.t.Helper()
	body, _, err := s.store.Get(s.t.Context(), schema.ChampionKey)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// inOtherWords are 5,900 complaints, the sample's again and again, as they might be when the words have changed: most long
// words are others, and each time round the sentences come in another order, so that none is a copy. They have no dates, for
// all of them come now.
func inOtherWords(t *testing.T) []schema.Complaint {
	t.Helper()
	sample := readSample(t)
	rng := rand.New(rand.NewPCG(5, 5))
	var out []schema.Complaint
	for round := 0; len(out) < 5900; round++ {
		for i := range sample {
			c := sample[i]
			sentences := strings.SplitAfter(changeWords(c.Narrative), ". ")
			if round > 0 {
				rng.Shuffle(len(sentences), func(a, b int) { sentences[a], sentences[b] = sentences[b], sentences[a] })
			}
			c.Narrative = strings.Join(sentences, "")
			c.ComplaintID, c.DateReceived = fmt.Sprintf("%d-%d", round, i), ""
			out = append(out, c)
		}
	}
	rng.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	return out[:5900]
}

func readSample(t *testing.T) []schema.Complaint {
	t.Helper()
	r, err := complaintfile.Open("../producer/sample/complaints.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var out []schema.Complaint
	for {
		row, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			t.Fatal(err)
		case strings.Trim(row.Complaint.Narrative, "X \n") != "": // one has masks alone, and is no complaint
			out = append(out, row.Complaint)
		}
	}
}

// changeWords turns two of three long words around, the same ones in every text.
func changeWords(text string) string {
	s := bufio.NewScanner(strings.NewReader(text))
	s.Split(bufio.ScanWords)
	s.Buffer(nil, len(text)+1)
	var out []string
	for s.Scan() {
		word := []rune(s.Text())
		h := fnv.New32a()
		_, _ = io.WriteString(h, strings.ToLower(string(word)))
		if len(word) > 3 && h.Sum32()%3 != 0 && !strings.ContainsAny(string(word), "X0123456789{") {
			slices.Reverse(word)
		}
		out = append(out, string(word))
	}
	return strings.Join(out, " ")
}

// exchanged gives the complaints each other's products.
func exchanged(complaints []schema.Complaint) []schema.Complaint {
	out := slices.Clone(complaints)
	rand.New(rand.NewPCG(6, 6)).Shuffle(len(out), func(i, j int) { out[i].Product, out[j].Product = out[j].Product, out[i].Product })
	return out
}
