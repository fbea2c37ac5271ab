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
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// maxLayers is how often a file may be packed, a gzip in a zip for example.
const maxLayers = 3

// zstdWindow is the most memory that a frame of zstd may ask for, as that of zstd -d.
const zstdWindow = 128 << 20

// zipMagic begins a file in a zip.
var zipMagic = []byte("PK\x03\x04")

// unpack returns the plain text of r in UTF-8, or in an encoding of one byte a
// character, whether it is packed or not.
func unpack(r io.Reader, n *notes) (io.Reader, []io.Closer, error) {
	var closers []io.Closer
	for layer := 0; ; layer++ {
		buffered := bufio.NewReaderSize(r, 64<<10)
		head, err := buffered.Peek(magicBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, closers, err
		}
		if err := byMagic(head); err != nil {
			return nil, closers, err
		}
		next, closer, err := unpackLayer(r, buffered, head, layer, n)
		if closer != nil {
			closers = append(closers, closer)
		}
		if err != nil {
			return nil, closers, err
		}
		if next == nil {
			plain, err := asUTF8(buffered, head)
			return plain, closers, err
		}
		if r = next; layer == maxLayers {
			return nil, closers, fmt.Errorf("the file is packed more than %d times over", maxLayers)
		}
	}
}

// unpackLayer returns what is packed in r, nil if it is not packed. buffered reads r, and head is its start.
func unpackLayer(r io.Reader, buffered *bufio.Reader, head []byte, layer int, n *notes) (io.Reader, io.Closer, error) {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := newGzip(buffered, n)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return packed{z, "gzip"}, z, nil
	case isZstd(head):
		z, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return packed{&zstdFile{z: z, notes: n}, "zstd"}, z.IOReadCloser(), nil
	case bytes.HasPrefix(head, zipMagic) && layer > 0:
		return nil, nil, foreignError("a zip within another packed file", unpackFirst)
	case bytes.HasPrefix(head, zipMagic):
		if file, size, ok := seekable(r); ok {
			return unzip(file, size)
		}
		return packed{&zipStream{src: buffered}, "zip"}, nil, nil
	case bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return nil, nil, errors.New("the zip is empty")
	case bytes.HasPrefix(head, []byte("PK\x07\x08")), bytes.HasPrefix(head, []byte("PK00PK")):
		return nil, nil, foreignError("a part of a zip in several volumes", unpackFirst)
	}
	return nil, nil, nil
}

// gzipMagic begins a gzip that is packed by deflate, the only method there is.
var gzipMagic = []byte("\x1f\x8b\x08")

// gzipFile reads the members of a gzip, of which there may be several, and
// passes over bytes that follow and are none, as gzip itself does.
type gzipFile struct {
	*gzip.Reader
	src   *bufio.Reader
	notes *notes
}

func newGzip(src *bufio.Reader, n *notes) (*gzipFile, error) {
	z, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipFile{z, src, n}, nil
}

func (g *gzipFile) Read(b []byte) (int, error) {
	for {
		n, err := g.Reader.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, eofLater(n, err)
		}
		head, err := g.src.Peek(len(gzipMagic))
		switch {
		case bytes.Equal(head, gzipMagic):
			if err := g.Reset(g.src); err != nil {
				return 0, noEOF(err)
			}
			g.Multistream(false)
			continue
		case len(head) == 0 && !errors.Is(err, io.EOF):
			return 0, err
		case len(head) > 0 && head[0] != 0: // zeros fill up a block of a tape
			g.notes.once(0, warnBehind)
		}
		return 0, io.EOF
	}
}

// eofLater keeps the end for the next call: it is the member's, not the file's.
func eofLater(n int, err error) error {
	if n > 0 && errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

const warnBehind = "bytes follow the end of the packed data and are passed over"

// isZstd knows frames and those that are to be skipped.
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) ||
		len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// zstdFile passes over bytes behind the last frame.
type zstdFile struct {
	z     *zstd.Decoder
	notes *notes
	read  bool // something was
}

func (f *zstdFile) Read(b []byte) (int, error) {
	n, err := f.z.Read(b)
	f.read = f.read || n > 0
	if errors.Is(err, zstd.ErrMagicMismatch) && f.read {
		f.notes.once(0, warnBehind)
		err = io.EOF
	}
	return n, err
}

// asUTF8 turns UTF-16 and UTF-32 into UTF-8. They are known by their mark or,
// without one, by the zero byte beside the first letter.
func asUTF8(r io.Reader, head []byte) (io.Reader, error) {
	var enc encoding.Encoding
	has := func(prefix string) bool { return bytes.HasPrefix(head, []byte(prefix)) }
	// Of four bytes, which are zero.
	zeros := 0
	for i, c := range head[:min(4, len(head))] {
		if c == 0 {
			zeros |= 8 >> i
		}
	}
	switch {
	case has("\xff\xfe\x00\x00"), has("\x00\x00\xfe\xff"):
		enc = utf32.UTF32(utf32.LittleEndian, utf32.ExpectBOM)
	case has("\xff\xfe"), has("\xfe\xff"):
		enc = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case zeros == 0b0101:
		enc = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zeros == 0b1010:
		enc = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case len(head) > 5 && head[0] == 0 && (head[5] == '{' || head[1] == 0):
		return nil, foreignError("a message of a schema registry (wire format)", "publish it to the topic as it is, or decode it first")
	case len(head) > 0 && head[0] == 0:
		return nil, errBinary
	default:
		return r, nil
	}
	return transform.NewReader(r, enc.NewDecoder()), nil
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
	var all, names []string
	for _, f := range z.File {
		all = append(all, f.Name)
		if holdsData(f.Name) {
			found = append(found, f)
			names = append(names, f.Name)
		}
	}
	if kind, ok := officeKind(all); ok {
		return nil, nil, foreignError(kind, "save it as CSV UTF-8")
	}
	if len(found) != 1 {
		return nil, nil, fmt.Errorf("the zip holds %d files (%.200s), want one: unpack it and name one", len(found), strings.Join(names, ", "))
	}
	if found[0].Flags&zipFlagEncrypted != 0 {
		return nil, nil, encryptedError(found[0].Name)
	}
	r, err := found[0].Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, nil, methodError(found[0].Name, found[0].Method)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("zip: %s: %w", found[0].Name, err)
	}
	return packed{r, "zip"}, r, nil
}

func encryptedError(name string) error {
	return fmt.Errorf("the zip is encrypted (%.100s): unpack it first with its password", name)
}

func methodError(name string, method uint16) error {
	return fmt.Errorf("%.100s in the zip is packed by method %d, which is not read: unpack it first", name, method)
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
