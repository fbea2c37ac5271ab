package complaintfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func BenchmarkCSV(b *testing.B) {
	row := "2016-01-26,Debt collection,,,,\"" + strings.Repeat("They call me \"\"every\"\" day. ", 30) + "\",,ACME,CA,94087,,,Web,2016-01-26,Closed,Yes,No,1759465\n"
	file := []byte("Date received,Product,Sub-product,Issue,Sub-issue,Consumer complaint narrative,Company public response,Company,State,ZIP code,Tags,Consumer consent provided?,Submitted via,Date sent to company,Company response to consumer,Timely response?,Consumer disputed?,Complaint ID\n" +
		strings.Repeat(row, 1000))
	benchmark(b, file)
}

func BenchmarkJSONLines(b *testing.B) {
	benchmark(b, []byte(strings.Repeat(`{"complaint_id":"1759465","date_received":"2016-01-26","narrative":"`+strings.Repeat(`They call me \"every\" day. `, 30)+`","state":"CA","zip_code":"94087"}`+"\n", 1000)))
}

func benchmark(b *testing.B, file []byte) {
	b.Helper()
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file), "f")
		for err == nil {
			if _, err = r.Next(); err == nil {
				rows++
			}
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}
