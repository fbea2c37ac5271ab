package dataset

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"complaints/schema"
)

// KeepSample takes about n complaints out of the list, by whole groups of
// near-copies, with the list's own mix of categories. It prefers complaints with
// all their facts, so that reports by state and company have something to show.
func KeepSample(t *schema.Taxonomy, all []schema.Complaint, n int, seed uint64) (sample, rest []schema.Complaint) {
	type cell struct {
		category int
		bare     bool
	}
	members := map[uint64][]int{}
	perCategory := map[int]int{}
	known := 0
	for i := range all {
		c, ok := t.Code(all[i].Product)
		if !ok {
			continue
		}
		known++
		perCategory[c]++
		g := schema.NearCopyHash(all[i].Narrative)
		members[g] = append(members[g], i)
	}
	room := map[cell]int{}
	for c, k := range perCategory {
		want := n * k / max(known, 1)
		room[cell{c, true}] = int(float64(want) * bareShare)
		room[cell{c, false}] = want - room[cell{c, true}]
	}
	groups := make([]uint64, 0, len(members))
	for g := range members {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b uint64) int { return cmp.Compare(Mix(a^Mix(seed)), Mix(b^Mix(seed))) })
	taken := make([]bool, len(all))
	for _, g := range groups {
		need := map[cell]int{}
		for _, i := range members[g] {
			c, _ := t.Code(all[i].Product)
			need[cell{c, bare(&all[i])}]++
		}
		fits := true
		for c, k := range need {
			fits = fits && room[c] >= k
		}
		if !fits {
			continue
		}
		for c, k := range need {
			room[c] -= k
		}
		for _, i := range members[g] {
			taken[i] = true
		}
	}
	for i := range all {
		if taken[i] {
			sample = append(sample, all[i])
		} else {
			rest = append(rest, all[i])
		}
	}
	return sample, rest
}

func bare(c *schema.Complaint) bool {
	return c.ComplaintID == "" || c.DateReceived == "" || c.Company == "" || c.State == ""
}

// WriteSample writes complaints as the Bureau's CSV export has them.
func WriteSample(path string, sample []schema.Complaint) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := csv.NewWriter(z)
	var head []string
	for _, c := range bureauColumns {
		head = append(head, c.name)
	}
	if err := w.Write(head); err != nil {
		return err
	}
	for i := range sample {
		row := make([]string, len(bureauColumns))
		for k, c := range bureauColumns {
			row[k] = *c.field(&sample[i])
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return errors.Join(w.Error(), z.Close())
}

// bureauColumns are the columns of the Bureau's CSV export, in its order.
var bureauColumns = []struct {
	name  string
	field func(*schema.Complaint) *string
}{
	{"Date received", func(c *schema.Complaint) *string { return &c.DateReceived }},
	{"Product", func(c *schema.Complaint) *string { return &c.Product }},
	{"Sub-product", func(c *schema.Complaint) *string { return &c.SubProduct }},
	{"Issue", func(c *schema.Complaint) *string { return &c.Issue }},
	{"Sub-issue", func(c *schema.Complaint) *string { return &c.SubIssue }},
	{"Consumer complaint narrative", func(c *schema.Complaint) *string { return &c.Narrative }},
	{"Company public response", func(c *schema.Complaint) *string { return &c.CompanyPublicResponse }},
	{"Company", func(c *schema.Complaint) *string { return &c.Company }},
	{"State", func(c *schema.Complaint) *string { return &c.State }},
	{"ZIP code", func(c *schema.Complaint) *string { return &c.ZipCode }},
	{"Tags", func(c *schema.Complaint) *string { return &c.Tags }},
	{"Consumer consent provided?", func(c *schema.Complaint) *string { return &c.ConsumerConsentProvided }},
	{"Submitted via", func(c *schema.Complaint) *string { return &c.SubmittedVia }},
	{"Date sent to company", func(c *schema.Complaint) *string { return &c.DateSentToCompany }},
	{"Company response to consumer", func(c *schema.Complaint) *string { return &c.CompanyResponse }},
	{"Timely response?", func(c *schema.Complaint) *string { return &c.Timely }},
	{"Consumer disputed?", func(c *schema.Complaint) *string { return &c.ConsumerDisputed }},
	{"Complaint ID", func(c *schema.Complaint) *string { return &c.ComplaintID }},
}

// Complaints are complaints in memory, as a source.
type Complaints []schema.Complaint

func (Complaints) String() string { return "complaints" }

// Read hands every example to use.
func (c Complaints) Read(_ context.Context, t *schema.Taxonomy, _ Progress, use func(Example)) (rows int, err error) {
	for i := range c {
		if e, ok := newExample(t, &c[i]); ok {
			e.Place.Offset = int64(i)
			use(e)
		}
	}
	return len(c), nil
}

// Examples are all examples, copies among them.
func (c Complaints) Examples(t *schema.Taxonomy) []Example {
	var out []Example
	_, _ = c.Read(context.Background(), t, nil, func(e Example) { out = append(out, e) })
	return out
}

// bareShare is the share of sample rows that only have a product and a text.
const bareShare = 0.2
