package api

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

// What was written is read, in order and once, however far the reader is behind.
func TestSpoolKeepsOrder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newSpool(1 << 30)
	bytesOf := rand.NewChaCha8([32]byte{})
	random := rand.New(bytesOf)
	var want, got bytes.Buffer
	buf := make([]byte, 700_000)
	for round := range 40 {
		for range random.IntN(20) {
			part := buf[:random.IntN(100_000)]
			_, _ = bytesOf.Read(part)
			want.Write(part)
			if _, err := s.Write(part); err != nil {
				t.Fatal(err)
			}
			if n := s.memory.Len(); n > spoolMemory {
				t.Fatalf("%d bytes are in memory", n)
			}
		}
		if round == 20 && s.to == 0 {
			t.Fatal("nothing is in the file: the test tests nothing")
		}
		for range random.IntN(3) {
			if got.Len() == want.Len() {
				break // Read would wait
			}
			n, err := s.Read(buf[:1+random.IntN(len(buf))])
			if err != nil {
				t.Fatal(err)
			}
			got.Write(buf[:n])
		}
	}
	s.end()
	if _, err := io.Copy(&got, s); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%v: %d bytes come out of %d, or others", err, got.Len(), want.Len())
	}
	s.close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// Where there is no room for a file, the writer waits for the reader.
func TestSpoolWithoutFile(t *testing.T) {
	for name, limit := range map[string]int64{"full": spoolMemory / 2, "no folder": 1 << 30} {
		if name == "no folder" {
			t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
		}
		spool := newSpool(limit)
		synctest.Test(t, func(t *testing.T) {
			defer spool.close()
			const parts = 100
			part := bytes.Repeat([]byte("results "), 8<<10)
			go func() {
				defer spool.end()
				for range parts {
					if _, err := spool.Write(part); err != nil {
						t.Error(err)
					}
				}
			}()
			synctest.Wait()
			if spool.waits() == nil {
				t.Errorf("%s: the writer does not say why it waits", name)
			}
			if n, err := io.Copy(io.Discard, spool); err != nil || n != int64(parts*len(part)) {
				t.Errorf("%s: %d bytes come out of %d, %v", name, n, parts*len(part), err)
			}
		})
	}
}

// A reader that is gone ends a writer that waits.
func TestSpoolReaderFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpool(0)
		gone := errors.New("gone")
		ended := make(chan error)
		go func() {
			for {
				if _, err := s.Write(make([]byte, spoolMemory)); err != nil {
					ended <- err
					return
				}
			}
		}()
		synctest.Wait()
		s.fail(gone)
		if err := <-ended; !errors.Is(err, gone) {
			t.Errorf("err = %v", err)
		}
	})
}
