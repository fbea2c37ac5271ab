package trace

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"complaints/internal/registry"
	"complaints/schema"
)

// Print writes the report for a person.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "complaint %s: %d messages\n", r.ComplaintID, len(r.Decisions))
	for _, d := range r.Decisions {
		d.print(w)
	}
	for i, l := range r.Labels {
		category := "withdrawn"
		if l.Category != nil {
			category = *l.Category
		}
		fmt.Fprintf(w, "\nlabel    %s by %s at %s, from %s", category, l.LabelledBy, timeText(l.LabelledAt), l.Source)
		if i == 0 {
			fmt.Fprint(w, "; it holds")
		}
		fmt.Fprintf(w, "\n         %s\n", l.Object)
	}
	fmt.Fprintf(w, "\nsearched %s\n", strings.Join(r.Searched, "; "))
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note     %s\n", n)
	}
	fmt.Fprintf(w, "cost     %d objects read, %d lists of objects, %d records of Kafka\n", r.Cost.Objects, r.Cost.Lists, r.Cost.Records)
}

func (d *Decision) print(w io.Writer) {
	fmt.Fprintf(w, "\nmessage  %s\n", d.Message.text())
	if d.Result != nil {
		fmt.Fprintf(w, "result   %s\n", d.Result.text())
	}
	for _, p := range d.Parts {
		fmt.Fprintf(w, "%-8s %s %s\n", strings.TrimSuffix(string(p.Layer), "_daily"), p.State, p.Object)
	}
	if d.Answer != nil {
		d.Answer.print(w)
	}
	if d.Model != nil {
		d.Model.print(w)
	}
	if d.Again != nil {
		d.Again.print(w)
	}
}

func (p *Position) text() string {
	return fmt.Sprintf("%s/%d offset %d, %s, topic id %s; in Kafka: %s", p.Topic, p.Partition, p.Offset, timeText(p.Timestamp), p.TopicID, p.Kafka)
}

func timeText(t schema.Time) string { return t.Time().Format(time.RFC3339) }

func (a *Answer) print(w io.Writer) {
	review := ""
	if a.NeedsReview {
		review = "; needs review"
	}
	fmt.Fprintf(w, "answer   %s with %.4f by %s at %s, taxonomy %s%s\n", a.Category, a.Probability, a.ModelVersion, timeText(a.ClassifiedAt), a.Taxonomy, review)
	if c := a.Challenger; c != nil {
		fmt.Fprintf(w, "         the challenger %s said %s with %.4f\n", c.ModelVersion, c.Category, c.Probability)
	}
}

func (m *Model) print(w io.Writer) {
	if m.Fault != "" {
		fmt.Fprintf(w, "model    %s could not be loaded: %s\n", m.Version, m.Fault)
	} else {
		fmt.Fprintf(w, "model    %s\n         trained on %d rows of %s to %s; its own test: accuracy %.4f, macro F1 %.4f, log loss %.4f, ECE %.4f of %d rows\n",
			m.Bundle, m.Training.Rows, m.Training.From, m.Training.To, m.Metrics.Accuracy, m.Metrics.MacroF1, m.Metrics.LogLoss, m.Metrics.ECE, m.Metrics.Rows)
	}
	if m.Forced != "" {
		fmt.Fprintf(w, "         published against the gate: %s\n", m.Forced)
	}
	for _, r := range m.Runs {
		printRun(w, r)
	}
	s := m.Service
	switch {
	case s == nil && m.BuiltIn:
		fmt.Fprintln(w, "serving  as the model that is built into the programs, before another was published")
		return
	case s == nil:
		fmt.Fprintln(w, "serving  the history of champion.json does not say since when and why")
		return
	}
	fmt.Fprintf(w, "serving  since %s: %s\n", s.Since.At.Format(time.RFC3339), s.Since.Why)
	if s.Until != nil {
		fmt.Fprintf(w, "         until %s, then %s: %s\n", s.Until.At.Format(time.RFC3339), s.Until.Version, s.Until.Why)
	}
}

func printRun(w io.Writer, r registry.Run) {
	fmt.Fprintf(w, "training %s, ended %s: %s against %s: %s\n", r.Start.Format(time.RFC3339), r.At.Format(time.RFC3339), r.Outcome, r.Champion, r.Why)
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		if slices.Contains([]string{"accuracy", "macro_f1", "log_loss", "ece", "champion_accuracy", "champion_macro_f1", "champion_log_loss", "champion_ece"}, name) {
			fmt.Fprintf(w, "         %s %.4f\n", name, r.Metrics[name])
		}
	}
}

func (a *Again) print(w io.Writer) {
	verdict := "the bits of all probabilities are equal"
	if !a.Equal {
		verdict = fmt.Sprintf("the probabilities differ by up to %.3g", a.Difference)
		if a.Masked {
			verdict += "; personal data is masked in that text, and was not when it was classified"
		}
	}
	fmt.Fprintf(w, "again    from %s: %s\n", a.From, verdict)
	fmt.Fprintf(w, "why      %+.4f of a text of which nothing is known\n", a.Explanation.Base)
	for _, t := range a.Explanation.Terms {
		absent := ""
		if !t.InText {
			absent = ", which is absent"
		}
		fmt.Fprintf(w, "         %+.4f %s %q%s\n", t.Weight, t.Kind, t.Name, absent)
	}
	fmt.Fprintf(w, "         %+.4f all else; together %+.4f\n", a.Explanation.Rest, a.Explanation.Score)
	if a.Text != "" {
		fmt.Fprintf(w, "text     %q\n", a.Text)
	}
}
