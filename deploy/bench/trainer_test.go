//go:build servers

package bench

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"complaints/internal/complaintfile"
	"complaints/internal/lake"
	"complaints/schema"
)

var (
	trainerRows = flag.Int("rows", 200_000, "rows of silver that the trainer is measured on")
	trainerData = flag.String("complaints", "../../producer/sample/complaints.csv.gz", "complaints whose words are changed to make them")
)

// BenchmarkTrainer fills silver with complaints that are those of a file again
// and again, with a fifth of their words changed, and runs the trainer on it.
func BenchmarkTrainer(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "trainer")
	if out, err := exec.Command("go", "build", "-o", program, "../../trainer").CombinedOutput(); err != nil {
		b.Fatalf("build the trainer: %v\n%s", err, out)
	}
	store, err := lake.Open(b.Context(), lake.Config{URL: "file://" + dir + "/lake"})
	if err != nil {
		b.Fatal(err)
	}
	bytesOfText := fillSilver(b, store, *trainerRows)
	b.Logf("%d rows, %d MB of text", *trainerRows, bytesOfText>>20)
	for b.Loop() {
		cmd := exec.Command(program, "run", "--quiet", "--lake", "file://"+dir+"/lake")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		peak := make(chan int64)
		go func() { peak <- peakAnonymous(ctx, cmd.Process.Pid) }()
		err := cmd.Wait()
		cancel()
		anonymous := <-peak
		if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
			b.Fatalf("the trainer ended with %v:\n%s", err, out.String())
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range append(lines[:1], lines[len(lines)-2:]...) {
			b.Log(line)
		}
		b.ReportMetric(float64(anonymous>>20), "MB-anonymous")
		b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "CPU-s")
	}
}

// peakAnonymous is the most memory of its own that a process has until ctx ends:
// without pages of files, which the kernel gives back when it needs them.
func peakAnonymous(ctx context.Context, pid int) (peak int64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return peak
		case <-tick.C:
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(status), "RssAnon:")
		fields := strings.Fields(after)
		if len(fields) > 0 {
			kb, _ := strconv.ParseInt(fields[0], 10, 64)
			peak = max(peak, kb<<10)
		}
	}
}

// fillSilver writes rows to silver, 20,000 an object, and returns the bytes of
// their texts.
func fillSilver(b *testing.B, store lake.Store, rows int) (size int64) {
	b.Helper()
	const perObject, topicID = 20_000, "0123456789abcdef0123456789abcdef"
	const day = schema.Day("2026-11-01")
	g := newGenerator(b)
	for start := int64(0); start < int64(rows); start += perObject {
		next := min(start+perObject, int64(rows))
		list := make([]schema.SilverRow, 0, perObject)
		for o := start; o < next; o++ {
			list = append(list, g.row(int(o)))
			size += int64(len(list[len(list)-1].Narrative))
		}
		link := &schema.Claim{Layer: schema.Silver, Topic: "complaints.classified", TopicID: topicID, Start: start, Next: next, Rows: map[schema.Day]int64{day: next - start}}
		body, err := lake.WriteParquet(list, nil, lake.FooterOf(link, day))
		if err != nil {
			b.Fatal(err)
		}
		if err := store.PutNew(b.Context(), link.ObjectKey(day), body, nil); err != nil {
			b.Fatal(err)
		}
	}
	return size
}

// generator makes complaints of others.
type generator struct {
	base    [][]string // words of the base texts
	product []string
	pool    map[string][]string // words of a product's texts, as often as they come
	rng     *rand.Rand
}

func newGenerator(b *testing.B) *generator {
	b.Helper()
	g := &generator{pool: map[string][]string{}, rng: rand.New(rand.NewPCG(7, 7))}
	r, err := complaintfile.Open(*trainerData)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return g
		}
		if _, ok := errors.AsType[*complaintfile.RowError](err); ok {
			continue
		}
		if err != nil {
			b.Fatal(err)
		}
		product := row.Complaint.Product
		_, ok := schema.Bureau().Code(product)
		words := strings.Fields(row.Complaint.Narrative)
		if !ok || len(words) < 5 {
			continue
		}
		g.base, g.product = append(g.base, words), append(g.product, product)
		g.pool[product] = append(g.pool[product], words...)
	}
}

// row is complaint number n, which came in the week n of a year. One word in five
// is another of the same category, one in a hundred is misspelt.
func (g *generator) row(n int) schema.SilverRow {
	i := g.rng.IntN(len(g.base))
	product := g.product[i]
	var text strings.Builder
	for _, w := range g.base[i] {
		switch x := g.rng.IntN(100); {
		case x < 20:
			w = g.pool[product][g.rng.IntN(len(g.pool[product]))]
		case x == 20:
			w += string(rune('a'+g.rng.IntN(26))) + string(rune('a'+g.rng.IntN(26)))
		}
		text.WriteString(w)
		text.WriteByte(' ')
	}
	date := int32(20_000 + n*364 / *trainerRows)
	return schema.SilverRow{
		ComplaintID: strconv.Itoa(n), DateReceived: &date, Narrative: text.String(), Product: &product, ModelVersion: "none",
	}
}
