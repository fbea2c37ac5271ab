package verify

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

// note is a number that is only told where it is not 0.
type note struct {
	n    int64
	what string
}

func printNotes(w io.Writer, notes ...note) {
	for _, note := range notes {
		if note.n > 0 {
			fmt.Fprintf(w, "        %d %s\n", note.n, note.what)
		}
	}
}

// Print writes the report as a table for a person.
func (r Report) Print(w io.Writer) {
	s := r.Results
	fmt.Fprintf(w, "topics  group %s: %d messages = %d classified + %d dead-lettered\n", s.Group, s.Messages, s.Classified, s.DeadLettered)
	printNotes(w,
		note{s.NotClassified, "messages are not classified yet"},
		note{s.Later, "results are of messages that were classified while this was read"},
		note{s.OtherTopic, "results are of a topic of another id"},
		note{s.FromBronze, "messages are no longer in the topic; compared with bronze"},
		note{s.FromGold, "results are no longer in the topic; taken from gold"},
		note{s.NotCheckable, "are not checkable in Kafka any more"},
	)
	for _, l := range r.Layers {
		l.print(w)
	}
	for _, f := range r.Faults {
		if f.From == f.Next {
			fmt.Fprintf(w, "%-7s %s: %s\n", f.Kind, f.Where, f.Detail)
		} else {
			fmt.Fprintf(w, "%-7s %s, offsets %d up to %d: %s\n", f.Kind, f.Where, f.From, f.Next, f.Detail)
		}
	}
	r.printVerdict(w)
}

func (l *LayerReport) print(w io.Writer) {
	fmt.Fprintf(w, "%-7s %d chains, %d claims, %d objects, %d rows\n", l.Layer, l.Partitions, l.Claims, l.Objects, l.Rows)
	printNotes(w,
		note{l.Erased, "of the rows were erased"},
		note{l.Expired, "rows more were removed by their age"},
		note{l.Pending, "rows are claimed and their objects not there yet; a running sink completes them"},
		note{l.NotCheckable, "rows are not checkable in Kafka any more"},
	)
	for _, lost := range l.Lost {
		what := "an accepted loss: they were removed from the topic before they were read"
		if !lost.accepted() {
			what = "the topic had lost them before this lake began"
		}
		fmt.Fprintf(w, "        %s/%d, offsets %d up to %d: %s\n", l.Topic, lost.Partition, lost.From, lost.Next, what)
	}
}

func (r Report) printVerdict(w io.Writer) {
	switch {
	case r.OK && r.AcceptedLosses == 1:
		fmt.Fprintf(w, "OK except 1 accepted loss (%.1f s)\n", r.Seconds)
		return
	case r.OK && r.AcceptedLosses > 1:
		fmt.Fprintf(w, "OK except %d accepted losses (%.1f s)\n", r.AcceptedLosses, r.Seconds)
		return
	case r.OK:
		fmt.Fprintf(w, "OK: nothing lost, nothing repeated (%.1f s)\n", r.Seconds)
		return
	}
	fmt.Fprint(w, "NOT OK:")
	for _, kind := range slices.SortedFunc(maps.Keys(r.Counts), cmp.Compare) {
		fmt.Fprintf(w, " %d %s", r.Counts[kind], kind)
	}
	fmt.Fprintf(w, " (%.1f s)\n", r.Seconds)
}
