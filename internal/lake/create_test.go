package lake_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
)

// Whatever becomes of a put, the caller knows whether its object stands there.
func TestPutOnce(t *testing.T) {
	const key, ours = "models/one.json", "ours"
	none, lost, stored, fails := laketest.None, laketest.Lost, laketest.ErroredButStored, laketest.Fails
	for name, c := range map[string]struct {
		before string           // what stands there
		puts   []laketest.Fault // of each attempt; the last goes on
		look   laketest.Fault
		want   error // nil: ours stands there
		tried  int
	}{
		"plain":                      {puts: []laketest.Fault{none}, tried: 1},
		"refused":                    {puts: []laketest.Fault{fails}, want: laketest.ErrInjected, tried: 1},
		"the answer is lost":         {puts: []laketest.Fault{stored}, tried: 1},
		"lost before it was stored":  {puts: []laketest.Fault{lost, lost, none}, tried: 3},
		"lost again and again":       {puts: []laketest.Fault{lost}, want: lake.ErrAmbiguous, tried: 5},
		"it cannot be looked at":     {puts: []laketest.Fault{stored}, look: fails, want: laketest.ErrInjected, tried: 1},
		"our own was there":          {before: ours, puts: []laketest.Fault{none}, tried: 1},
		"another's was there":        {before: "another's", puts: []laketest.Fault{none}, want: lake.ErrExists, tried: 1},
		"lost, and another's stands": {before: "another's", puts: []laketest.Fault{lost}, want: lake.ErrExists, tried: 1},
	} {
		t.Run(name, func(t *testing.T) {
			store := laketest.Open(t)
			if c.before != "" {
				if err := store.PutNew(t.Context(), key, []byte(c.before), nil); err != nil {
					t.Fatal(err)
				}
			}
			tried := 0
			faulty := laketest.Faulty{Store: store, Choose: func(_ context.Context, op, _ string) laketest.Fault {
				if op != "PutNew" {
					return c.look
				}
				tried++
				return c.puts[min(tried, len(c.puts))-1]
			}}
			err := lake.PutOnce(t.Context(), faulty, key, []byte(ours))
			if !errors.Is(err, c.want) || tried != c.tried {
				t.Fatalf("%v after %d puts, want %v after %d", err, tried, c.want, c.tried)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			if body, _, get := store.Get(t.Context(), key); err == nil && (get != nil || string(body) != ours) {
				t.Errorf("%q stands there, %v", body, get)
			}
		})
	}
}
