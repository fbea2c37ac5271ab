package sink

import (
	"io"

	"complaints/internal/kafka"
	"complaints/schema"
)

// Record is a committed record of a topic.
type Record = kafka.Record

// Header is a header of a record.
type Header = kafka.Header

// Output is a layer and the topic that it is made of, one row a record.
type Output struct {
	Name  schema.Layer
	Topic string
	Rows  Rows
}

// Rows makes and checks the objects of a layer.
type Rows interface {
	// Encode returns the object of the records of a claim and a day, and a function
	// that is called once it is in the lake. The same records give the same rows.
	Encode(c *schema.Claim, day schema.Day, records []Record) (body []byte, stored func(), err error)
	// Check opens an encoded object again and compares it with the records that it
	// was made of.
	Check(body []byte, c *schema.Claim, day schema.Day, records []Record) error
	// Belongs returns an error unless a stored object is that of the claim and the day.
	Belongs(r io.ReaderAt, size int64, c *schema.Claim, day schema.Day) error
}
