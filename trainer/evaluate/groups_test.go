package evaluate

import (
	"fmt"
	"strings"
	"testing"

	"complaints/internal/classifier"
	"complaints/schema"
	"complaints/trainer/dataset"
)

func TestGroups(t *testing.T) {
	var rows []Prediction
	for i := range 60 {
		e := &dataset.Example{Text: strings.Repeat("x", 100+10*i), Product: fmt.Sprint("product ", i%2), Place: dataset.Place{Offset: int64(100 + i)}}
		if i < 30 {
			e.Date, e.Fields, e.Place.Offset = "2019-05-01", classifier.Fields{Company: "bank"}, 1
		}
		j := predicts(0, 0, 0.9)
		if i < 10 {
			j = predicts(0, 1, 0.6)
		}
		j.Example, j.NeedsReview = e, i%3 == 0
		rows = append(rows, j)
	}
	got := map[string]Group{}
	for _, g := range Groups(schema.Bureau(), rows) {
		got[g.By+" "+g.Name] = g
	}
	for name, want := range map[string]struct {
		rows     int
		accuracy float64
	}{
		" all rows": {60, 50.0 / 60}, "year 2019": {30, 20.0 / 30}, "year no date": {30, 1}, "company named": {30, 20.0 / 30}, "company not named": {30, 1},
		"product product 0": {30, 25.0 / 30}, "part of the file 1 of 5": {30, 20.0 / 30}, "length of the text below  500 bytes": {30, 1},
	} {
		if g := got[name]; g.Rows != want.rows || !near(g.Accuracy, want.accuracy) {
			t.Errorf("%q has %d rows with accuracy %v, want %+v", name, g.Rows, g.Accuracy, want)
		}
	}
	if _, there := got["length of the text below  200 bytes"]; there {
		t.Error("a group of 10 rows has a line")
	}
	if all := got[" all rows"]; !near(all.Answered, 40.0/60) || !near(all.Right, 34.0/40) {
		t.Errorf("%v of the rows need no review, %v of them right; want 40 of 60 and 34 of 40", all.Answered, all.Right)
	}
	var out strings.Builder
	if err := PrintGroups(&out, Groups(schema.Bureau(), rows)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != len(got)+1 {
		t.Errorf("%d lines for %d groups", n, len(got))
	}
}
