package wireformat

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/avro/atype"
)

// avroReader reads by the schema that a message was written with; there is no other to resolve it to.
func avroReader(text string, references []file) (reader, error) {
	types := new(avro.SchemaCache)
	for _, r := range references {
		if _, err := types.Parse(r.text, avroOptions...); err != nil {
			return nil, fmt.Errorf("reference %s: %w", r.name, err)
		}
	}
	s, err := types.Parse(text, avroOptions...)
	if err != nil {
		return nil, err
	}
	return func(payload []byte) ([]byte, error) {
		var value any
		rest, err := s.Decode(payload, &value)
		if err != nil {
			return nil, err
		}
		if len(rest) > 0 {
			return nil, fmt.Errorf("%d bytes follow the value", len(rest))
		}
		return appendJSON(value)
	}, nil
}

// avroOptions read what Avro calls logical types as people write them. Debezium and Connect name some of theirs in a property
// of the schema alone.
var avroOptions = []avro.SchemaOpt{
	avro.WithLaxNames(nil), // of tables and columns, which may be anything
	logical(atype.Decimal, func(v any, s *avro.SchemaNode) (any, error) {
		b, ok := v.([]byte)
		if !ok {
			return nil, avro.ErrSkipCustomType
		}
		return decimal(b, s.Scale)
	}),
	logical(atype.Date, times(day)),
	logical(atype.TimeMillis, times(func(n int64) string { return clock(time.UnixMilli(n)) })),
	logical(atype.TimeMicros, times(func(n int64) string { return clock(time.UnixMicro(n)) })),
	logical(atype.TimestampMillis, times(func(n int64) string { return instant(time.UnixMilli(n)) })),
	logical(atype.TimestampMicros, times(func(n int64) string { return instant(time.UnixMicro(n)) })),
	logical(atype.TimestampNanos, times(func(n int64) string { return instant(time.Unix(0, n)) })),
	logical(atype.LocalTimestampMillis, times(func(n int64) string { return local(time.UnixMilli(n)) })),
	logical(atype.LocalTimestampMicros, times(func(n int64) string { return local(time.UnixMicro(n)) })),
	logical(atype.LocalTimestampNanos, times(func(n int64) string { return local(time.Unix(0, n)) })),
	avro.WithCustomType(avro.CustomType{AvroType: atype.Int, Decode: debezium}),
	avro.WithCustomType(avro.CustomType{AvroType: atype.Long, Decode: debezium}),
}

func logical(name string, decode func(any, *avro.SchemaNode) (any, error)) avro.SchemaOpt {
	return avro.WithCustomType(avro.CustomType{LogicalType: name, Decode: decode})
}

// times makes a decoder of a number of days, or of parts of a second.
func times(format func(int64) string) func(any, *avro.SchemaNode) (any, error) {
	return func(v any, _ *avro.SchemaNode) (any, error) {
		switch n := v.(type) {
		case int32:
			return format(int64(n)), nil
		case int64:
			return format(n), nil
		}
		return nil, avro.ErrSkipCustomType
	}
}

func debezium(v any, s *avro.SchemaNode) (any, error) {
	name, _ := s.Props["connect.name"].(string)
	switch name {
	case "io.debezium.time.Date":
		return times(day)(v, s)
	case "io.debezium.time.Timestamp":
		return times(func(n int64) string { return instant(time.UnixMilli(n)) })(v, s)
	case "io.debezium.time.MicroTimestamp":
		return times(func(n int64) string { return instant(time.UnixMicro(n)) })(v, s)
	case "io.debezium.time.NanoTimestamp":
		return times(func(n int64) string { return instant(time.Unix(0, n)) })(v, s)
	}
	return nil, avro.ErrSkipCustomType
}

func day(n int64) string         { return time.Unix(n*24*60*60, 0).UTC().Format(time.DateOnly) }
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
func local(t time.Time) string   { return t.UTC().Format("2006-01-02T15:04:05.999999999") }
func clock(t time.Time) string   { return t.UTC().Format("15:04:05.999999999") }

// The largest decimal whose digits are written out: more is no amount of money, and costs time.
const (
	maxDecimalBytes = 128
	maxDecimalScale = 400
)

// decimal is a whole number in two's complement, the highest byte first, of which scale digits stand behind the point.
func decimal(b []byte, scale int) (number, error) {
	if len(b) > maxDecimalBytes || scale < 0 || scale > maxDecimalScale {
		return "", errors.New("a decimal has more digits than any amount")
	}
	return number(avro.RatFromBytes(b, scale).FloatString(scale)), nil
}

// rational is a decimal that brings its own scale.
func rational(r *big.Rat) number {
	scale, _ := r.FloatPrec()
	return number(r.FloatString(min(scale, maxDecimalScale)))
}
