package schema

import (
	"fmt"
	"strconv"
)

// The headers of a dead letter, beside those that the message came with. All
// values are text. They come last, so of several headers of one name the last counts.
const (
	HeaderReason          = "complaints-reason"
	HeaderError           = "complaints-error"
	HeaderSourceTopic     = "complaints-source-topic"
	HeaderSourceTopicID   = "complaints-source-topic-id" // 32 hex digits
	HeaderSourcePartition = "complaints-source-partition"
	HeaderSourceOffset    = "complaints-source-offset"
	HeaderSourceTimestamp = "complaints-source-timestamp" // milliseconds since 1970
	HeaderAttempt         = "complaints-attempt"          // how often it was replayed
)

// HeaderHeadersDropped is the only header of a result whose message had too many to
// pass them on; it says how many.
const HeaderHeadersDropped = "complaints-headers-dropped"

// DeadLetterSource says which message a dead letter is of. Header returns the value
// of the last header of a name, "" if there is none. The error names the header that
// is missing or cannot be read.
func DeadLetterSource(header func(name string) string) (Source, error) {
	s := Source{Topic: header(HeaderSourceTopic), TopicID: header(HeaderSourceTopicID)}
	var partition, timestamp int64
	for _, number := range []struct {
		name string
		bits int
		into *int64
	}{
		{HeaderSourcePartition, 32, &partition},
		{HeaderSourceOffset, 64, &s.Offset},
		{HeaderSourceTimestamp, 64, &timestamp},
	} {
		n, err := strconv.ParseInt(header(number.name), 10, number.bits)
		if err != nil {
			return Source{}, fmt.Errorf("the header %s is %.40q, want a number of %d bits", number.name, header(number.name), number.bits)
		}
		*number.into = n
	}
	s.Partition, s.Timestamp = int32(partition), Time(timestamp)
	return s, nil
}
