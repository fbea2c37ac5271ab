package complaintfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// zipStream reads the one file in a zip that cannot seek, such as standard
// input: archive/zip needs the directory at the end. The layout is PKWARE's
// APPNOTE, 4.3.7 to 4.3.9.
type zipStream struct {
	src  *bufio.Reader
	body io.Reader // nil before the file and after it
	sum  hash.Hash32
	head zipHeader
	name string
	done bool
}

// zipHeader is what follows a local file header's signature.
type zipHeader struct {
	Version, Flags, Method, Time, Date uint16
	CRC, PackedSize, Size              uint32
	NameLen, ExtraLen                  uint16
}

const (
	zipLocalFile     = 0x04034b50
	zipDescriptor    = 0x08074b50
	zipFlagEncrypted = 1 << 0
	zipFlagTrailing  = 1 << 3 // sizes and CRC follow the data
	zipSize64        = 0xffffffff
)

func (z *zipStream) Read(b []byte) (int, error) {
	for z.body == nil {
		if z.done {
			return 0, io.EOF
		}
		if err := z.open(); err != nil {
			return 0, err
		}
	}
	n, err := z.body.Read(b)
	z.sum.Write(b[:n])
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	return n, z.close()
}

// open goes to the first file that holds data.
func (z *zipStream) open() error {
	more, err := z.header()
	if err != nil {
		return err
	}
	if !more {
		return errors.New("the zip holds no file")
	}
	if kind, ok := officeKind([]string{z.name}); ok {
		return foreignError(kind, "save it as CSV UTF-8")
	}
	body, err := z.data()
	if err != nil {
		return err
	}
	if holdsData(z.name) {
		z.body, z.sum = body, crc32.NewIEEE()
		return nil
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	_, err = z.crc()
	return err
}

// header reads a local file header, or says that there is no further one.
func (z *zipStream) header() (bool, error) {
	var signature uint32
	if err := binary.Read(z.src, binary.LittleEndian, &signature); err != nil {
		return false, noEOF(err)
	}
	if signature != zipLocalFile {
		return false, nil // the directory
	}
	if err := binary.Read(z.src, binary.LittleEndian, &z.head); err != nil {
		return false, noEOF(err)
	}
	names := make([]byte, int(z.head.NameLen)+int(z.head.ExtraLen))
	if _, err := io.ReadFull(z.src, names); err != nil {
		return false, noEOF(err)
	}
	z.name = string(names[:z.head.NameLen])
	return true, nil
}

func (z *zipStream) data() (io.Reader, error) {
	h := z.head
	switch {
	case h.Flags&zipFlagEncrypted != 0:
		return nil, encryptedError(z.name)
	case h.Method == 8:
		return flate.NewReader(z.src), nil
	case h.Method == 0 && h.Flags&zipFlagTrailing == 0 && h.Size != zipSize64:
		return io.LimitReader(z.src, int64(h.Size)), nil
	}
	if h.Method == 0 { // its size is known at the end alone
		return nil, fmt.Errorf("%.100s is not packed in its zip, which cannot be read as it comes: save the zip to a file first", z.name)
	}
	return nil, methodError(z.name, h.Method)
}

// close checks the file and that no other follows.
func (z *zipStream) close() error {
	z.body, z.done = nil, true
	want, err := z.crc()
	if err != nil {
		return err
	}
	if got := z.sum.Sum32(); got != want {
		return fmt.Errorf("%s has checksum %08x, the zip says %08x: it is damaged", z.name, got, want)
	}
	for first := z.name; ; {
		more, err := z.header()
		if err != nil || !more {
			return eofUnless(err)
		}
		if holdsData(z.name) {
			return fmt.Errorf("the zip holds more than %s (%.100s): unpack it and name one", first, z.name)
		}
		body, err := z.data()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if _, err := z.crc(); err != nil {
			return err
		}
	}
}

// crc returns the checksum of the data just read, which may follow it.
func (z *zipStream) crc() (uint32, error) {
	if z.head.Flags&zipFlagTrailing == 0 {
		return z.head.CRC, nil
	}
	var d struct{ Signature, CRC uint32 }
	if err := binary.Read(z.src, binary.LittleEndian, &d); err != nil {
		return 0, noEOF(err)
	}
	if d.Signature != zipDescriptor { // the signature is optional
		return d.Signature, z.skipSizes(4)
	}
	return d.CRC, z.skipSizes(8)
}

// skipSizes passes over the sizes of a data descriptor: four or, in a zip64,
// eight bytes each. What comes next starts with PK, which tells them apart.
func (z *zipStream) skipSizes(short int) error {
	for _, n := range [...]int{short, short + 8} {
		if next, err := z.src.Peek(n + 2); err == nil && string(next[n:]) == "PK" {
			_, err := z.src.Discard(n)
			return err
		}
	}
	return io.ErrUnexpectedEOF
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func eofUnless(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}
