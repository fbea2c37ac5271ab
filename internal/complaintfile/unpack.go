package complaintfile

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// unpack returns the plain text of r, whether that is packed or not.
func unpack(r io.Reader) (io.Reader, io.Closer, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return packed{z, "gzip"}, z, nil
	case bytes.Equal(head, []byte("PK\x03\x04")):
		if file, size, ok := seekable(r); ok {
			return unzip(file, size)
		}
		return packed{&zipStream{src: buffered}, "zip"}, nil, nil
	case bytes.Equal(head, []byte("PK\x05\x06")):
		return nil, nil, errors.New("the zip is empty")
	case bytes.Equal(head, []byte("\x28\xb5\x2f\xfd")):
		return nil, nil, errors.New("the file is packed by zstd: unpack it first (zstd -dc FILE | …)")
	}
	return buffered, nil, nil
}

// seekable says whether r is a file with a size; a pipe is not.
func seekable(r io.Reader) (io.ReaderAt, int64, bool) {
	s, isSeeker := r.(io.Seeker)
	at, isReaderAt := r.(io.ReaderAt)
	if !isSeeker || !isReaderAt {
		return nil, 0, false
	}
	size, err := s.Seek(0, io.SeekEnd)
	return at, size, err == nil && size > 0
}

// unzip opens the one file in a zip.
func unzip(file io.ReaderAt, size int64) (io.Reader, io.Closer, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, nil, fmt.Errorf("zip (is it cut off?): %w", err)
	}
	var found []*zip.File
	var names []string
	for _, f := range z.File {
		if holdsData(f.Name) {
			found = append(found, f)
			names = append(names, f.Name)
		}
	}
	if len(found) != 1 {
		return nil, nil, fmt.Errorf("the zip holds %d files (%.200s), want one: unpack it and name one", len(found), strings.Join(names, ", "))
	}
	r, err := found[0].Open()
	if err != nil {
		return nil, nil, fmt.Errorf("zip: %s: %w", found[0].Name, err)
	}
	return packed{r, "zip"}, r, nil
}

// holdsData says whether a file in a zip is more than what systems add.
func holdsData(name string) bool {
	return !strings.HasSuffix(name, "/") && !strings.HasPrefix(name, "__MACOSX/") && !strings.HasPrefix(path.Base(name), ".")
}

// packed names the packing in errors.
type packed struct {
	io.Reader
	kind string
}

func (p packed) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", p.kind, err)
	}
	return n, err
}
