package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// headBytes of a file, and its size, tell whether it is the one that was read before.
const headBytes = 64 << 10

// position is how far a file was published.
type position struct {
	Name string `json:"name"` // for people; the file may move
	Head string `json:"head"` // SHA-256 of its first 64 KiB, hex
	Size int64  `json:"size"` // bytes
	Rows int64  `json:"rows"` // from the first on, each acknowledged or skipped for a reason
}

// resumeFile remembers how far files were published. A nil one remembers nothing.
type resumeFile struct {
	path string

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
	ahead map[int64]struct{} // rows beyond position.Rows that are done
}

func openResume(path string) (*resumeFile, error) {
	if path == "" {
		return nil, nil
	}
	r := &resumeFile{path: path}
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
	for _, p := range state.Files {
		r.files = append(r.files, &progressOf{owner: r, position: p, skip: p.Rows, ahead: map[int64]struct{}{}})
	}
	return r, nil
}

// begin finds how far a file was published.
func (r *resumeFile) begin(name string, s stream) (*progressOf, error) {
	if r == nil {
		return &progressOf{}, nil
	}
	seeker, ok := s.(io.ReadSeeker)
	if !ok {
		return nil, fmt.Errorf("--resume: %s cannot be read twice", name)
	}
	size, err := seeker.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = seeker.Seek(0, io.SeekStart)
	}
	head := sha256.New()
	if err == nil {
		_, err = io.Copy(head, io.LimitReader(seeker, headBytes))
	}
	if err == nil {
		_, err = seeker.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: recognise %s: %w", name, err)
	}
	is := position{Name: name, Head: hex.EncodeToString(head.Sum(nil)), Size: size}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.files {
		if p.Head == is.Head && p.Size == is.Size {
			p.skip = p.Rows
			return p, nil
		}
	}
	p := &progressOf{owner: r, position: is, ahead: map[int64]struct{}{}}
	r.files = append(r.files, p)
	return p, nil
}

// done says that row n need not be published again.
func (p *progressOf) done(n int64) {
	if p.owner == nil {
		return
	}
	p.owner.mu.Lock()
	defer p.owner.mu.Unlock()
	p.owner.dirty = true
	if n != p.Rows+1 {
		if n > p.Rows {
			p.ahead[n] = struct{}{}
		}
		return
	}
	for p.Rows = n; ; p.Rows++ {
		if _, ok := p.ahead[p.Rows+1]; !ok {
			return
		}
		delete(p.ahead, p.Rows+1)
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
		state.Files = append(state.Files, p.position)
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
