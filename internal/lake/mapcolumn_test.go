package lake

import (
	"bytes"
	"reflect"
	"testing"
)

type mapEntry struct {
	Key   string  `parquet:"key,dict"`
	Value float64 `parquet:"value"`
}

type mapRow struct {
	ID            int64 `parquet:"id"`
	Probabilities struct {
		Entries []mapEntry `parquet:"key_value"`
	} `parquet:"probabilities"`
	Name *string `parquet:"name,optional,dict"`
}

func TestMapColumn(t *testing.T) {
	rows := make([]mapRow, 3)
	for i := range rows {
		rows[i].ID = int64(i)
		for k := range i {
			rows[i].Probabilities.Entries = append(rows[i].Probabilities.Entries, mapEntry{[]string{"Loans", "Cards"}[k], float64(k) / 2})
		}
	}
	body, err := WriteParquet(rows, []string{"id"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := OpenParquet(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var got []mapRow
	if err := EachRow(f, func(r *mapRow) error { got = append(got, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	rows[0].Probabilities.Entries = []mapEntry{} // what the reader makes of none
	if !reflect.DeepEqual(got, rows) {
		t.Errorf("read %+v, want %+v", got, rows)
	}
}
