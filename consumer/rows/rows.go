// Package rows makes the objects of the lake's layers, one row a record.
//
// In come the records of a topic that a claim covers on one day, or objects that
// were made of such. Out goes one Parquet object in memory, opened again and compared
// with what it was made of. Nothing here knows a store, a clock or Kafka, so there is
// nothing to lose in a crash: the same records give the same rows, but for what a
// challenger says, which may be another model by then.
//
//	rows.go        what a layer's format does
//	table.go       records to rows to an object, and its check
//	rewrite.go     objects to one object: merged, or with a complaint erased
//	bronze.go      messages as they came
//	silver.go      complaints with their text, typed, tidied and masked
//	gold.go        complaints for reports; challenger.go: what another model says of them
//	labels.go      what people say of complaints
//	extra.go       what is no field of a complaint
//	columns.go     texts that repeat from row to row
//	tidy.go        white space, invisible characters, references of HTML
//	mask.go        personal data; masknumber.go: numbers of people
package rows

import (
	"cmp"
	"fmt"
	"io"

	"github.com/prometheus/client_golang/prometheus"

	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
)

// Format makes, checks and rewrites the objects of a layer.
type Format interface {
	// Encode returns the object of the records of a claim and a day. Stored is never
	// nil; it counts what is in the object, and is called when that is in the lake.
	Encode(c *schema.Claim, day schema.Day, records []kafka.Record) (body []byte, stored func(), err error)
	// Check opens an encoded object again and compares it with the records that it
	// was made of.
	Check(body []byte, c *schema.Claim, day schema.Day, records []kafka.Record) error
	// Belongs returns an error unless a stored object is that of the claim and the day.
	Belongs(r io.ReaderAt, size int64, c *schema.Claim, day schema.Day) error
	// Merge returns one object with the rows of many, sorted as each of them is. It
	// is opened again and compared with what went in. The claim, of which Merge sets
	// the rows, and the day go into its footer.
	Merge(files []*lake.ParquetFile, c *schema.Claim, day schema.Day) ([]byte, error)
	// Mentions returns the numbers, from 0, of the rows of an object that are of the
	// complaints of the ids. See [lake.RowsAt].
	Mentions(f *lake.ParquetFile, ids IDs) ([]int64, error)
	// Erase returns an object of the layer, or one that Merge made of such, with the
	// rows of complaints emptied, and how many those are; nil if there is none. The
	// rows keep their offsets, and the object its footer, which says too how many
	// rows were erased. It is opened again and compared with what it was made of.
	Erase(body []byte, ids IDs) (erased []byte, rows int, err error)
}

// Config is what formats need beside the records. The zero value asks no challenger
// and registers no metrics.
type Config struct {
	Challenger *classifier.Holder // scores the rows of gold; it may change at any time, and be empty
	Registerer prometheus.Registerer
	Extra      []string        // what gold has of what is no field, by names
	Mapping    *schema.Mapping // of bronze's messages, to find those of a complaint; nil: by the fields' own names
}

// Of returns the format of a layer.
func Of(layer schema.Layer, cfg Config) (Format, error) {
	switch layer {
	case schema.Bronze:
		return bronze(cmp.Or(cfg.Mapping, schema.BureauMapping())), nil
	case schema.Silver:
		return silver(cfg.Registerer), nil
	case schema.Gold:
		return gold(cfg.Challenger, cfg.Extra, cfg.Registerer), nil
	case schema.Labels:
		return labels(), nil
	}
	return nil, fmt.Errorf("layer %q: want bronze, silver, gold or labels", layer)
}
