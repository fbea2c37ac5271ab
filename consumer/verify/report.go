package verify

import "complaints/schema"

// Kind says what sort of fault it is.
type Kind string

// The kinds.
const (
	Gap     Kind = "gap"     // a record that has no result or no row
	Repeat  Kind = "repeat"  // a result or a row that stands more than once
	Damaged Kind = "damaged" // an object, claim or message that cannot be read or contradicts itself or its claim
	Foreign Kind = "foreign" // a result or a row of no committed record
	Orphan  Kind = "orphan"  // an object that no chain knows
	Missing Kind = "missing" // a group or a layer of which there is nothing to compare
	Ahead   Kind = "ahead"   // a result of a message past the committed offsets
)

// Fault is something that is wrong.
type Fault struct {
	Kind   Kind   `json:"kind"`
	Where  string `json:"where"`
	From   int64  `json:"from"` // the first offset
	Next   int64  `json:"next"` // the first offset that is not meant any more; as From where no offsets are
	Detail string `json:"detail"`
}

// Range is a run of offsets of a partition.
type Range struct {
	TopicID   string `json:"topic_id"` // 32 hex digits
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	Next      int64  `json:"next"`
}

// Results is what was found in the topics.
type Results struct {
	Group         string `json:"group"`
	TopicID       string `json:"topic_id"`       // of the complaints
	Messages      int64  `json:"messages"`       // below the committed offsets
	Classified    int64  `json:"classified"`     // of these
	DeadLettered  int64  `json:"dead_lettered"`  // of these
	NotClassified int64  `json:"not_classified"` // messages past the committed offsets
	Later         int64  `json:"later"`          // results of messages that were committed while the check ran, not compared
	OtherTopic    int64  `json:"other_topic"`    // results of a topic of another id, not compared
	FromBronze    int64  `json:"from_bronze"`    // messages that the topic no longer has, compared with bronze
	FromGold      int64  `json:"from_gold"`      // results that the topic no longer has, taken from gold
	NotCheckable  int64  `json:"not_checkable"`  // results or messages whose counterpart retention has removed
}

// LayerReport is what was found in a layer.
type LayerReport struct {
	Layer        schema.Layer `json:"layer"`
	Topic        string       `json:"topic"`
	Partitions   int          `json:"partitions"` // chains, those of former topics too
	Claims       int64        `json:"claims"`
	Objects      int64        `json:"objects"`
	Rows         int64        `json:"rows"`
	Erased       int64        `json:"erased"`        // of the rows: emptied by consumer erase
	Expired      int64        `json:"expired"`       // rows of objects that were removed by their age
	Pending      int64        `json:"pending"`       // rows of last claims whose objects do not stand yet
	NotCheckable int64        `json:"not_checkable"` // rows whose records the topic no longer has
	Lost         []Range      `json:"lost"`          // claimed as lost; from 0: what the topic had lost before the lake began
}

// Report is the outcome of a verification.
type Report struct {
	OK             bool           `json:"ok"`
	Seconds        float64        `json:"seconds"`
	Results        Results        `json:"results"`
	Layers         []*LayerReport `json:"layers"`
	Counts         map[Kind]int64 `json:"counts"`          // records of gaps, repeats and foreign ones, else objects, groups and layers
	Faults         []Fault        `json:"faults"`          // at most maxFaults
	AcceptedLosses int            `json:"accepted_losses"` // runs of offsets that an operator gave up, in the layers' Lost
}

// maxFaults bounds what is listed; all are counted.
const maxFaults = 100

func newReport() *Report {
	return &Report{Layers: []*LayerReport{}, Counts: map[Kind]int64{}, Faults: []Fault{}}
}

// fault notes what is wrong with n records or objects.
func (r *Report) fault(n int64, f Fault) {
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

// accepted says whether an operator gave a run up. The first claim of a lake that
// began after its topic is none of these: what was before it is nobody's loss.
func (l Range) accepted() bool { return l.From > 0 }

// conclude sums up.
func (r *Report) conclude() {
	r.OK = len(r.Counts) == 0
	for _, l := range r.Layers {
		for _, lost := range l.Lost {
			if lost.accepted() {
				r.AcceptedLosses++
			}
		}
	}
}
