package verify

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"complaints/schema"
)

// Kind says what sort of fault it is.
type Kind string

// The kinds.
const (
	Gap     Kind = "gap"     // a record that has no result or no row
	Repeat  Kind = "repeat"  // a result or a row that stands more than once
	Corrupt Kind = "corrupt" // an object, link or message that contradicts itself or its claim
	Foreign Kind = "foreign" // a result or a row of no committed record
	Stray   Kind = "stray"   // an object that no link claims
)

// Fault is something that is wrong.
type Fault struct {
	Kind   Kind   `json:"kind"`
	Where  string `json:"where"`
	From   int64  `json:"from"` // the first offset
	Next   int64  `json:"next"` // the first offset that is not meant any more
	Detail string `json:"detail"`
}

// Range is a run of offsets of a partition.
type Range struct {
	TopicID   string `json:"topic_id"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	Next      int64  `json:"next"`
}

// Results is what was found in the topics.
type Results struct {
	Group        string `json:"group"`
	TopicID      string `json:"topic_id"`      // of the complaints
	Messages     int64  `json:"messages"`      // below the committed offsets
	Classified   int64  `json:"classified"`    // of these
	DeadLettered int64  `json:"dead_lettered"` // of these
	Later        int64  `json:"later"`         // results of messages past the committed offsets, not compared
	OtherTopic   int64  `json:"other_topic"`   // results of a topic of another id, not compared
	FromBronze   int64  `json:"from_bronze"`   // messages that the topic no longer has, compared with bronze
	FromGold     int64  `json:"from_gold"`     // results that the topic no longer has, taken from gold
	NotCheckable int64  `json:"not_checkable"` // results or messages whose counterpart retention has removed
}

// LayerReport is what was found in a layer.
type LayerReport struct {
	Layer        schema.Layer `json:"layer"`
	Topic        string       `json:"topic"`
	Partitions   int          `json:"partitions"` // chains, those of former topics too
	Links        int64        `json:"links"`
	Objects      int64        `json:"objects"`
	Rows         int64        `json:"rows"`
	Erased       int64        `json:"erased"`        // of the rows: emptied by consumer erase
	Expired      int64        `json:"expired"`       // rows of objects that were removed by their age
	Pending      int64        `json:"pending"`       // rows of last claims whose objects do not stand yet
	NotCheckable int64        `json:"not_checkable"` // rows whose records the topic no longer has
	Lost         []Range      `json:"lost"`          // claimed as lost
}

// Report is the outcome of a verification.
type Report struct {
	OK      bool           `json:"ok"`
	Seconds float64        `json:"seconds"`
	Results Results        `json:"results"`
	Layers  []*LayerReport `json:"layers"`
	Counts  map[Kind]int64 `json:"counts"` // records of gaps, repeats and foreign ones, else objects
	Faults  []Fault        `json:"faults"` // at most maxFaults

	mu *sync.Mutex // guards Counts, Faults and the layers while objects are read
}

// maxFaults bounds what is listed; all are counted.
const maxFaults = 100

func newReport() *Report {
	return &Report{Layers: []*LayerReport{}, Counts: map[Kind]int64{}, Faults: []Fault{}, mu: &sync.Mutex{}}
}

// fault notes what is wrong with n records or objects.
func (r *Report) fault(n int64, f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Counts[f.Kind] += n
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, f)
	}
}

// faults notes the runs of a set of offsets.
func (r *Report) faults(kind Kind, where, detail string, set *offsets) {
	for from, next := range set.runs() {
		r.fault(next-from, Fault{kind, where, from, next, detail})
	}
}

// Print writes the report as a table for a person.
func (r Report) Print(w io.Writer) {
	s := r.Results
	fmt.Fprintf(w, "topics  group %s: %d messages = %d classified + %d dead-lettered\n", s.Group, s.Messages, s.Classified, s.DeadLettered)
	for _, note := range []struct {
		n    int64
		what string
	}{
		{s.Later, "results are of later messages"},
		{s.OtherTopic, "results are of a topic of another id"},
		{s.FromBronze, "messages are no longer in the topic; compared with bronze"},
		{s.FromGold, "results are no longer in the topic; taken from gold"},
		{s.NotCheckable, "are not checkable in Kafka any more"},
	} {
		if note.n > 0 {
			fmt.Fprintf(w, "        %d %s\n", note.n, note.what)
		}
	}
	for _, l := range r.Layers {
		fmt.Fprintf(w, "%-7s %d chains, %d links, %d objects, %d rows\n", l.Layer, l.Partitions, l.Links, l.Objects, l.Rows)
		if l.Erased > 0 {
			fmt.Fprintf(w, "        %d of the rows were erased\n", l.Erased)
		}
		if l.Expired > 0 {
			fmt.Fprintf(w, "        %d rows more were removed by their age\n", l.Expired)
		}
		if l.Pending > 0 {
			fmt.Fprintf(w, "        %d rows are claimed and their objects not there yet; a running sink completes them\n", l.Pending)
		}
		if l.NotCheckable > 0 {
			fmt.Fprintf(w, "        %d rows are not checkable in Kafka any more\n", l.NotCheckable)
		}
		for _, lost := range l.Lost {
			fmt.Fprintf(w, "        partition %d: offsets %d up to %d were gone from the topic before they were read\n", lost.Partition, lost.From, lost.Next)
		}
	}
	for _, f := range r.Faults {
		fmt.Fprintf(w, "%-7s %s, offsets %d up to %d: %s\n", f.Kind, f.Where, f.From, f.Next, f.Detail)
	}
	r.printVerdict(w)
}

func (r Report) printVerdict(w io.Writer) {
	if r.OK {
		fmt.Fprintf(w, "OK: nothing lost, nothing repeated (%.1f s)\n", r.Seconds)
		return
	}
	fmt.Fprint(w, "NOT OK:")
	for _, kind := range slices.SortedFunc(maps.Keys(r.Counts), cmp.Compare) {
		fmt.Fprintf(w, " %d %s", r.Counts[kind], kind)
	}
	fmt.Fprintf(w, " (%.1f s)\n", r.Seconds)
}
