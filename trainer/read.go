package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"complaints/schema"
)

// readComplaints reads files of complaints, one after the other.
func readComplaints(paths []string) ([]schema.Complaint, error) {
	var all []schema.Complaint
	for _, p := range paths {
		one, err := readFile(p)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// examplesOf keeps the complaints with a text and a known category.
func examplesOf(complaints []schema.Complaint) []example {
	out := make([]example, 0, len(complaints))
	for i := range complaints {
		if e, ok := newExample(&complaints[i]); ok {
			out = append(out, e)
		}
	}
	return out
}

func readFile(path string) ([]schema.Complaint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	rows := csv.NewReader(r)
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []schema.Complaint
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		var c schema.Complaint
		for _, col := range bureauColumns {
			for i, h := range head {
				if h == col.name {
					*col.field(&c) = row[i]
				}
			}
		}
		out = append(out, c)
	}
}
