package evaluate

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes the metrics for people.
func Print(w io.Writer, e Result) error {
	fmt.Fprintf(w, "rows      %d\naccuracy  %.4f\nmacro F1  %.4f\nlog loss  %.4f\nECE       %.4f\n\n", e.Rows, e.Accuracy, e.MacroF1, e.LogLoss, e.ECE)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "category\trows\tprecision\trecall\tF1\t")
	for _, c := range e.Classes {
		if c.Rows == 0 {
			fmt.Fprintf(t, "%s\t0\tno rows: not part of the macro F1\t\t\t\n", c.Name)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%.4f\t%.4f\t%.4f\t\n", c.Name, c.Rows, c.Precision, c.Recall, c.F1)
	}
	fmt.Fprintln(t, "\t\t\t\t\t")
	fmt.Fprint(t, "true \\ predicted\t")
	for k := range e.Classes {
		fmt.Fprintf(t, "%d\t", k)
	}
	fmt.Fprintln(t)
	for k, c := range e.Classes {
		fmt.Fprintf(t, "%d %s\t", k, c.Name)
		for _, n := range e.Confusion[k] {
			fmt.Fprintf(t, "%d\t", n)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// PrintJSON writes the metrics as one line with exactly the keys rows,
// accuracy, macro_f1, log_loss and ece.
func PrintJSON(w io.Writer, e Result) error {
	raw, err := json.Marshal(e.Metrics)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", raw)
	return err
}
