package sink

import (
	"context"
	"strings"
	"testing"

	"complaints/schema"
)

// putCounter is a store that counts the objects that are put into it.
type putCounter struct {
	store
	puts int
}

func (p *putCounter) PutNew(context.Context, string, []byte, map[string]string) error {
	p.puts++
	return nil
}

// faultyRows encodes other records than it is given, or damages what comes of them.
type faultyRows struct {
	Rows
	choose func([]Record) []Record
	damage func([]byte) []byte
}

func (f faultyRows) Encode(c *schema.Claim, day schema.Day, records []Record) ([]byte, func(), error) {
	body, stored, err := f.Rows.Encode(c, day, f.choose(records))
	return f.damage(body), stored, err
}

func TestAnObjectIsCheckedBeforeItIsPut(t *testing.T) {
	all := func(r []Record) []Record { return r }
	whole := func(b []byte) []byte { return b }
	for name, c := range map[string]struct {
		choose func([]Record) []Record
		damage func([]byte) []byte
		puts   int
	}{
		"as it should be": {all, whole, 1},
		"a row is gone":   {func(r []Record) []Record { return r[:len(r)-1] }, whole, 0},
		"a row is twice":  {func(r []Record) []Record { return append([]Record{r[0]}, r[:len(r)-1]...) }, whole, 0},
		"it is cut off":   {all, func(b []byte) []byte { return b[:len(b)/2] }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			store := &putCounter{}
			layer := output(t, schema.Bronze)
			layer.Rows = faultyRows{layer.Rows, c.choose, c.damage}
			chain := &chain{store: store, layer: layer, topicID: strings.Repeat("0a", 16), partition: 3}
			var records []Record
			for offset := range int64(5) {
				records = append(records, Record{Offset: offset, Value: []byte("{}")})
			}
			claim := chain.newClaim(0, 5)
			day := schema.DayOf(0)
			claim.Rows[day] = 5
			_, _, err := chain.putDay(t.Context(), claim, day, records, newMetrics(nil, []Output{layer}).of(schema.Bronze))
			if (err == nil) != (c.puts == 1) || store.puts != c.puts {
				t.Errorf("%d puts, want %d: %v", store.puts, c.puts, err)
			}
		})
	}
}
