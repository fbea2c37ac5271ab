package complaintfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"complaints/schema"
)

func addFiles(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.[cjt]s*")
	if err != nil {
		f.Fatal(err)
	}
	cases, err := filepath.Glob("testdata/cases/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, cases...) {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// Whatever comes in, reading ends, what it gives is UTF-8, and it does not
// depend on how the bytes arrive.
func FuzzReader(f *testing.F) {
	addFiles(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := dumpBytes(t, b, "f")
		if !utf8.ValidString(whole) {
			t.Errorf("what was read is not UTF-8: %q", whole)
		}
		r, err := NewReader(onlyRead{bytes.NewReader(b), 3}, "f")
		if err != nil {
			if !strings.HasPrefix(whole, "cannot be read") && !bytes.HasPrefix(b, []byte("PK")) {
				t.Errorf("from a pipe: %v; whole: %q", err, whole)
			}
			return
		}
		if pieces := dump(t, r); pieces != whole && !bytes.HasPrefix(b, []byte("PK")) {
			t.Errorf("three bytes at a time %q, whole %q", pieces, whole)
		}
	})
}

// What encoding/csv reads without a complaint is read the same here.
func FuzzCSV(f *testing.F) {
	addFiles(f)
	f.Add([]byte("narrative,id\n\"a\n\"\"b\"\"\",1\n\n,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := append([]byte("narrative,state\n"), b...)
		if bytes.ContainsAny(b, "\r") || !utf8.Valid(b) {
			return // encoding/csv drops carriage returns from values
		}
		want, err := csv.NewReader(bytes.NewReader(in)).ReadAll()
		if err != nil {
			return
		}
		r, err := NewReader(bytes.NewReader(in), "f")
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range want[1:] {
			if namesText(usual, record) {
				return // a header in the middle is no row
			}
			row, err := r.Next()
			if err != nil {
				t.Fatalf("%v, want %q", err, record)
			}
			narrative, state := row.Complaint.Narrative, row.Complaint.State
			if narrative != absent(record[0], false) || state != absent(record[1], true) {
				t.Fatalf("got %q, %q, want %q", narrative, state, record)
			}
		}
		if row, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("one more: %+v, %v", row, err)
		}
	})
}

// absent is what a value becomes that stands for nothing.
func absent(s string, trim bool) string {
	v := strings.TrimSpace(s)
	if schema.IsAbsent(v) {
		return ""
	}
	if trim {
		return v
	}
	return s
}

// JSON lines that encoding/json takes give one row each, or one broken row.
func FuzzJSON(f *testing.F) {
	addFiles(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var in bytes.Buffer
		lines := 0
		for line := range bytes.Lines(b) {
			var compact bytes.Buffer
			// A list of rows within an object is read as such.
			if json.Valid(line) && !bytes.Contains(line, []byte("[")) && bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) && json.Compact(&compact, line) == nil {
				in.Write(append(compact.Bytes(), '\n'))
				lines++
			}
		}
		if lines == 0 {
			return
		}
		r, err := NewReader(&in, "f")
		if err != nil && strings.Contains(err.Error(), "by columns") {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		for i := range lines {
			if row, err := r.Next(); err != nil {
				var broken *RowError
				if !errors.As(err, &broken) || broken.Line != i+1 {
					t.Fatalf("line %d: %v", i+1, err)
				}
			} else if row.Line != i+1 {
				t.Fatalf("line %d, want %d", row.Line, i+1)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}
