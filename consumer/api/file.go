package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"complaints/internal/classifier"
	"complaints/internal/complaintfile"
	"complaints/schema"
)

// rowsAtOnce is how many rows of a file are predicted before others get a turn,
// and bytesAtOnce after how many bytes there are no more of them: a row may have
// megabytes, and a packed file of a few kilobytes many such rows.
const (
	rowsAtOnce  = 64
	bytesAtOnce = 1 << 20
)

// predictFile answers POST /v1/predict/file: rows come in and results go out,
// one line each and in the same order, while the file is still being sent. A
// client that reads nothing before it has sent all finds its results in a spool.
func (a *API) predictFile(w http.ResponseWriter, r *http.Request) *problem {
	select {
	case a.uploads <- struct{}{}:
		defer func() { <-a.uploads }()
	default:
		return busy("as many files as may be are being read")
	}
	if a.cfg.Models.Current() == nil {
		return noModel()
	}
	rc := http.NewResponseController(w)
	// Without it an HTTP/1 server reads the rest of the file before it answers.
	_ = rc.EnableFullDuplex() // HTTP/2 does so anyway
	c := &connection{ctx: r.Context(), rc: rc, time: a.limits.Time}
	upload := &uploadReader{body: r.Body, c: c}
	rows, err := complaintfile.Options{Mapping: a.cfg.Mapping}.NewReader(upload, "the file")
	if err != nil {
		newProblem(http.StatusUnprocessableEntity, "bad-file", "Bad file", "%v", err).write(w)
		_ = rc.Flush()
		upload.discard()
		return nil
	}
	defer func() { _ = rows.Close() }() // what it opened is memory
	w.Header().Set("Content-Type", "application/x-ndjson")
	a.answerRows(c, w, rows, upload)
	return nil
}

// answerRows reads rows and predicts, and sends the results by a goroutine of its own.
func (a *API) answerRows(c *connection, w io.Writer, rows *complaintfile.Reader, upload *uploadReader) {
	results := newSpool(a.limits.ScratchBytes)
	sent := make(chan error, 1)
	go func() { sent <- c.send(w, results) }()
	defer func() {
		results.end()
		if err := <-sent; err != nil {
			a.logUnanswered(c, err, results.waits())
		}
		results.close()
	}()
	f := &fileAnswer{api: a, ctx: c.ctx, rows: rows, results: results}
	if f.run() == nil {
		upload.discard() // a file that is broken was not read to its end
	}
	c.uploaded()
}

// logUnanswered notes that a client did not get all results. One that breaks off
// is its own matter, one that was cut off is not.
func (a *API) logUnanswered(c *connection, err, waited error) {
	if !c.silent() {
		a.cfg.Logger.Debug("a client broke off before it had all results of its file", "err", err)
		return
	}
	args := []any{"silent_for", c.time.String(), "err", err}
	if waited != nil {
		args = append(args, "scratch_err", waited)
	}
	a.cfg.Logger.Warn("a client was cut off that did not read the results of its file", args...)
}

// fileAnswer is a file on its way through. The request's goroutine owns it.
type fileAnswer struct {
	api     *API
	ctx     context.Context //nolint:containedctx // it lives as long as the request
	rows    *complaintfile.Reader
	results io.Writer
	out     []byte // results of the rows in hand
	text    []byte
}

// run predicts row after row until the file ends. Its error says that nobody
// wants the results any more.
func (f *fileAnswer) run() error {
	for more := true; more; {
		batch, err := f.read()
		more = err == nil
		f.out = f.out[:0]
		if err := f.predict(batch); err != nil {
			return err
		}
		if err != nil && !errors.Is(err, io.EOF) {
			f.out = append(appendError(append(f.out, '{'), "bad-file", err.Error()), "}\n"...)
		}
		if _, err := f.results.Write(f.out); err != nil {
			return err
		}
	}
	return nil
}

// rowOrError is a row, or why it is none.
type rowOrError struct {
	complaintfile.Row
	lastLine int // up to which lines seem to be a part of a row that is broken; 0: it is not
	err      error
}

// read takes the next rows; its error ends the file.
func (f *fileAnswer) read() (batch []rowOrError, err error) {
	for size := 0; len(batch) < rowsAtOnce && size < bytesAtOnce; {
		row := rowOrError{}
		row.Row, row.err = f.rows.Next()
		if broken, ok := errors.AsType[*complaintfile.RowError](row.err); ok {
			row.Line, row.lastLine = broken.Line, broken.LastLine
		} else if row.err != nil {
			return batch, row.err
		}
		size += row.Bytes
		batch = append(batch, row)
	}
	return batch, nil
}

// predict appends one line a row.
func (f *fileAnswer) predict(batch []rowOrError) error {
	model := f.api.cfg.Models.Current()
	worker, err := f.api.concurrency.work(f.ctx, model)
	if err != nil {
		return err
	}
	defer f.api.concurrency.done(worker)
	m := f.api.metrics
	for i := range batch {
		row := &batch[i]
		if kind, detail := f.refuse(row); kind != "" {
			f.out = append(appendError(append(f.out, '{'), kind, detail), ',')
			f.out = appendRow(f.out, row)
			m.rows.WithLabelValues(rowRefused).Inc()
			continue
		}
		f.text = append(f.text[:0], row.Complaint.Narrative...)
		p := model.PredictWith(f.text, classifier.FieldsOf(&row.Complaint), worker.scratch)
		m.text(model.Taxonomy().CategoryName(p.Category))
		m.rows.WithLabelValues(rowPredicted).Inc()
		f.out = append(f.out, '{')
		f.out = appendPrediction(f.out, &p, model)
		f.out = appendRow(append(f.out, ','), row)
	}
	return nil
}

// refuse says why a row gets no prediction; the kind is empty if it gets one.
func (f *fileAnswer) refuse(row *rowOrError) (kind, detail string) {
	if row.err != nil {
		return "broken-row", row.err.Error()
	}
	rejection := schema.CheckText(row.Complaint.Narrative, f.api.limits.TextBytes)
	switch {
	case rejection == nil:
		return "", ""
	case rejection.Reason == schema.ReasonBlankText:
		return kindOf(schema.ReasonNoText), rejection.Detail
	}
	return kindOf(rejection.Reason), rejection.Detail
}

// appendRow ends the line of a row with what says which row it is.
func appendRow(b []byte, row *rowOrError) []byte {
	b = strconv.AppendInt(append(b, `"line":`...), int64(row.Line), 10)
	if row.lastLine > row.Line {
		b = strconv.AppendInt(append(b, `,"last_line":`...), int64(row.lastLine), 10)
	}
	b = append(b, `,"complaint_id":`...)
	if id := row.Complaint.ComplaintID; id != "" {
		b = appendText(b, id)
	} else {
		b = append(b, "null"...)
	}
	return append(b, "}\n"...)
}

// appendError appends the member that says why there is no prediction.
func appendError(b []byte, kind, detail string) []byte {
	b = appendText(append(b, `"error":{"type":`...), problemType+kind)
	b = appendText(append(b, `,"detail":`...), detail)
	return append(b, '}')
}
