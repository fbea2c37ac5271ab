package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

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
// one line each and in the same order, while the file is still being sent.
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
	rows, err := complaintfile.NewReader(&patientReader{r.Body, rc, a.limits.Time}, "the file")
	if err != nil {
		return newProblem(http.StatusUnprocessableEntity, "bad-file", "Bad file", "%v", err)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	f := &fileAnswer{api: a, ctx: r.Context(), w: w, rc: rc, rows: rows}
	if err := f.run(); err != nil && r.Context().Err() == nil {
		a.cfg.Logger.Debug("a file was not answered to the end", "err", err)
	}
	return nil
}

// patientReader gives a client the same time for each part that it sends.
type patientReader struct {
	io.Reader
	rc   *http.ResponseController
	time time.Duration
}

func (p *patientReader) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(p.time)) // a writer without deadlines needs none
	return p.Reader.Read(b)
}

// fileAnswer is a file on its way through. The request's goroutine owns it.
type fileAnswer struct {
	api  *API
	ctx  context.Context //nolint:containedctx // it lives as long as the request
	w    io.Writer
	rc   *http.ResponseController
	rows *complaintfile.Reader
	out  []byte
	text []byte
}

func (f *fileAnswer) run() error {
	for more := true; more; {
		batch, err := f.read()
		more = err == nil
		if err := f.predict(batch); err != nil {
			return err
		}
		if err != nil && !errors.Is(err, io.EOF) {
			f.out = appendRowError(f.out, 0, "bad-file", err.Error())
		}
		if err := f.send(); err != nil {
			return err
		}
	}
	return nil
}

// rowOrError is a row, or why it is none.
type rowOrError struct {
	complaintfile.Row
	err error
}

// read takes the next rows; its error ends the file.
func (f *fileAnswer) read() (batch []rowOrError, err error) {
	for size := 0; len(batch) < rowsAtOnce && size < bytesAtOnce; {
		row, err := f.rows.Next()
		if broken, ok := errors.AsType[*complaintfile.RowError](err); ok {
			row.Line = broken.Line
		} else if err != nil {
			return batch, err
		}
		size += row.Bytes
		batch = append(batch, rowOrError{row, err})
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
			f.out = appendRowError(f.out, row.Line, kind, detail)
			m.rows.WithLabelValues(rowRefused).Inc()
			continue
		}
		f.text = append(f.text[:0], row.Complaint.Narrative...)
		p := model.Predict(f.text, worker.scratch)
		m.text(p.Category)
		m.rows.WithLabelValues(rowPredicted).Inc()
		f.out = append(f.out, '{')
		f.out = appendPrediction(f.out, &p, model.Version())
		f.out = append(f.out, `,"line":`...)
		f.out = strconv.AppendInt(f.out, int64(row.Line), 10)
		if id := row.Complaint.ComplaintID; id != "" {
			f.out = appendText(append(f.out, `,"complaint_id":`...), id)
		}
		f.out = append(f.out, "}\n"...)
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

// appendRowError appends the line of a row without a prediction.
func appendRowError(b []byte, line int, kind, detail string) []byte {
	b = append(b, `{"error":{"type":`...)
	b = appendText(b, problemType+kind)
	b = append(b, `,"detail":`...)
	b = appendText(b, detail)
	b = append(b, '}')
	if line > 0 {
		b = strconv.AppendInt(append(b, `,"line":`...), int64(line), 10)
	}
	return append(b, "}\n"...)
}

// send sends what is there, so that the client sees results while it sends rows.
func (f *fileAnswer) send() error {
	_ = f.rc.SetWriteDeadline(time.Now().Add(f.api.limits.Time)) // a writer without deadlines needs none
	if _, err := f.w.Write(f.out); err != nil {
		return err
	}
	f.out = f.out[:0]
	if err := f.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
