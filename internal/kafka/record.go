package kafka

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is a committed record of a topic. Its bytes are its own, and not a part
// of the batch that it came in.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds since 1970
	Key       []byte
	Value     []byte // nil is a tombstone
	Headers   []Header
}

// Header is a header of a record.
type Header struct {
	Key   string
	Value []byte
}

// recordOverhead and headerOverhead are what a Record and a Header take beside
// their bytes.
const (
	recordOverhead = 112
	headerOverhead = 40
)

// Size is how many bytes of memory the record takes.
func (r *Record) Size() int64 {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += headerOverhead + len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// HeaderOf returns the last header of a name, "" if there is none: what a program
// adds to the headers of a message comes last.
func HeaderOf(r *kgo.Record, name string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// inverse15625 undoes, modulo 2^58, a multiplication by 15625; a million is 64 times that.
const inverse15625 = 76480200929599801

// Millis is the timestamp of a fetched record in milliseconds since 1970, as it
// came. The client multiplies that by a million to get nanoseconds, which overflows
// outside of the years 1677 to 2262; a timestamp within about 4.5 million years of
// 1970 is got back nevertheless.
func Millis(r *kgo.Record) int64 {
	nanos := r.Timestamp.UnixNano()
	if nanos%64 != 0 {
		return r.Timestamp.UnixMilli() // not one of a fetch
	}
	const low = 1<<58 - 1
	millis := uint64(nanos) >> 6 * inverse15625 & low
	return int64(millis<<6) >> 6 // the sign is the highest of the 58 bits
}
