package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"complaints/internal/complaintfile"
	"complaints/schema"
)

// digest is the SHA-256 of what stands before the end of a row.
type digest [sha256.Size]byte

// position is how far a file was published. What stands before it must be the
// same still; what follows may have grown.
type position struct {
	Name   string `json:"name"`   // the file may move: its content counts
	Rows   int64  `json:"rows"`   // from the first on, each acknowledged or skipped for a reason
	Prefix string `json:"prefix"` // digest of the text up to the end of these rows, hex
}

// resumeFile remembers how far files were published. A nil one remembers nothing.
type resumeFile struct {
	path string
	open rowsOpener

	mu    sync.Mutex // guards all below
	files []*progressOf
	dirty bool
}

// progressOf collects the acknowledgements of one file, which come in any order
// across partitions.
type progressOf struct {
	owner *resumeFile // nil: nothing is collected
	skip  int64       // rows that an earlier run published
	position
	begun bool             // a row with a text was met, now or earlier
	last  digest           // of the last row that was read
	read  map[int64]digest // of the rows that are not done
	ahead map[int64]bool   // rows beyond position.Rows that are done
}

func newProgress(owner *resumeFile, at position) *progressOf {
	return &progressOf{owner: owner, skip: at.Rows, position: at, begun: at.Rows > 0, read: map[int64]digest{}, ahead: map[int64]bool{}}
}

// rowsOpener opens a file that is read row by row, only to recognise it.
type rowsOpener func(r io.Reader, name string) (digestedRows, error)

// digestedRows are the rows of a file.
type digestedRows interface {
	Pass() error // over one row, broken or not; io.EOF at the end
	Digest() [sha256.Size]byte
	Close() error
}

// complaintRows are the rows of a complaint file.
type complaintRows struct{ *complaintfile.Reader }

func openComplaints(m *schema.Mapping) rowsOpener {
	return func(r io.Reader, name string) (digestedRows, error) {
		rows, err := complaintfile.Options{Digest: true, Mapping: m}.NewReader(r, name)
		if err != nil {
			return nil, err
		}
		return complaintRows{rows}, nil
	}
}

// Pass is what [digestedRows] says.
func (c complaintRows) Pass() error {
	_, err := c.Next()
	if _, ok := errors.AsType[*complaintfile.RowError](err); ok {
		return nil
	}
	return err
}

func openResume(path string, open rowsOpener) (*resumeFile, error) {
	if path == "" {
		return nil, nil
	}
	r := &resumeFile{path: path, open: open}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", err)
	}
	var state struct {
		Files []position `json:"files"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // of the API's file, which would be written over
	if err := d.Decode(&state); err != nil {
		return nil, fmt.Errorf("--resume: %s is no resume file of files, delete it or name another: %w", path, err)
	}
	for _, at := range state.Files {
		r.files = append(r.files, newProgress(r, at))
	}
	return r, nil
}

// begin finds how far a file was published. other says that an earlier run
// published another file of this name.
func (r *resumeFile) begin(ctx context.Context, name string, s stream) (done *progressOf, other bool, err error) {
	if r == nil {
		return &progressOf{}, false, nil
	}
	seeker, ok := s.(io.ReadSeeker)
	if !ok {
		return nil, false, fmt.Errorf("--resume: %s cannot be read twice", name)
	}
	at, err := r.recognise(ctx, seeker, name)
	if err != nil {
		return nil, false, fmt.Errorf("--resume: recognise %s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.files {
		if p.Name == name && p.Prefix == at.Prefix && p.Rows == at.Rows {
			p.skip = p.Rows
			return p, false, nil
		}
		other = other || p.Name == name && p.Rows > 0
	}
	p := newProgress(r, at)
	r.files = append(r.files, p)
	return p, other && at.Rows == 0, nil
}

// recognise reads as many rows as were published of any file, and returns the
// last position that the file holds what was published before. It leaves s at its start.
func (r *resumeFile) recognise(ctx context.Context, s io.ReadSeeker, name string) (at position, err error) {
	at.Name = name
	known := map[int64]map[string]bool{}
	var most int64
	for _, p := range r.files {
		if p.Rows > 0 {
			if known[p.Rows] == nil {
				known[p.Rows] = map[string]bool{}
			}
			known[p.Rows][p.Prefix] = true
			most = max(most, p.Rows)
		}
	}
	if most == 0 {
		return at, nil
	}
	rows, err := r.open(s, name)
	for n := int64(1); err == nil && n <= most; n++ {
		if err = rows.Pass(); err == nil && known[n] != nil {
			sum := digest(rows.Digest())
			if prefix := hex.EncodeToString(sum[:]); known[n][prefix] {
				at.Rows, at.Prefix = n, prefix
			}
		}
		if ctx.Err() != nil {
			return at, ctx.Err()
		}
	}
	// A fault of the file comes again when it is published.
	if rows != nil {
		_ = rows.Close() // s stays open, and a reader has nothing to lose
	}
	_, err = s.Seek(0, io.SeekStart)
	return at, err
}

// greet says what was found out about a file.
func (p *progressOf) greet(log *slog.Logger, other bool) {
	switch {
	case other:
		log.Warn("an earlier run published another file of this name; this one is published from its first row", "file", p.Name)
	case p.skip > 0:
		log.Info("going on behind what an earlier run published", "file", p.Name, "row", p.skip)
	}
}

// met notes a row that was read, and what stands before its end.
func (p *progressOf) met(n int64, sum digest, hasText bool) {
	if p.owner == nil || n <= p.skip {
		return
	}
	p.owner.mu.Lock()
	defer p.owner.mu.Unlock()
	switch {
	case p.begun:
		p.read[n] = sum
	case hasText:
		// A file without any text is not behind us: the texts may be added to it.
		p.begun = true
		if n > 1 {
			p.Rows, p.Prefix = n-1, hex.EncodeToString(p.last[:])
		}
		p.read[n] = sum
	}
	p.last = sum
}

// done says that row n need not be published again.
func (p *progressOf) done(n int64) {
	if p.owner == nil {
		return
	}
	p.owner.mu.Lock()
	defer p.owner.mu.Unlock()
	if !p.begun || n <= p.Rows {
		return
	}
	p.owner.dirty = true
	p.ahead[n] = true
	for next := p.Rows + 1; p.ahead[next]; next++ {
		sum := p.read[next]
		p.Rows, p.Prefix = next, hex.EncodeToString(sum[:])
		delete(p.ahead, next)
		delete(p.read, next)
	}
}

// save writes what is acknowledged, if that changed.
func (r *resumeFile) save() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.dirty {
		return nil
	}
	state := struct {
		Files []position `json:"files"`
	}{}
	for _, p := range r.files {
		if p.Rows > 0 {
			state.Files = append(state.Files, p.position)
		}
	}
	if err := writeJSON(r.path, state); err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	r.dirty = false
	return nil
}

// writeJSON replaces a file at once: whoever reads it after a crash sees the old
// or the new one.
func writeJSON(path string, v any) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	e := json.NewEncoder(f)
	err = errors.Join(e.Encode(v), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
