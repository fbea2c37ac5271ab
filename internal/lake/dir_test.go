package lake_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"complaints/internal/lake"
	"complaints/internal/lake/laketest"
)

func openDir(t testing.TB, dir string) lake.Store {
	t.Helper()
	s, err := lake.Open(t.Context(), lake.Config{URL: "file://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	laketest.Accept(t, func(t testing.TB) lake.Store { return openDir(t, dir) })
}

func TestDirectoryLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir)
	for range 2 {
		_ = s.PutNew(t.Context(), "a/b", []byte("x"), nil)
	}
	left, err := os.ReadDir(filepath.Join(dir, ".tmp"))
	if err != nil || len(left) != 0 {
		t.Fatalf("%d temporary files are left, %v", len(left), err)
	}
}

func TestDirectorySweepsWhatCrashesLeft(t *testing.T) {
	dir := t.TempDir()
	openDir(t, dir)
	old, young := filepath.Join(dir, ".tmp", "put-1"), filepath.Join(dir, ".tmp", "put-2")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	s := openDir(t, dir)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a dead put is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the file of what may be a living put is gone: %v", err)
	}
	if all, err := s.List(t.Context(), "", "", 10); err != nil || len(all) != 0 {
		t.Errorf("half an object is visible: %v, %v", all, err)
	}
}

func TestDirectoryStopsWithItsContext(t *testing.T) {
	s := openDir(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.PutNew(ctx, "a", nil, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("put: %v, want the context's error", err)
	}
}

func TestConfig(t *testing.T) {
	for _, good := range []lake.Config{
		{URL: "s3://bucket"},
		{URL: "s3://my-bucket.x/some/prefix/"},
		{URL: "file://./data"},
		{URL: "file:///var/lake"},
		{URL: "s3://bucket", S3Endpoint: "http://127.0.0.1:7070"},
	} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []lake.Config{
		{},
		{URL: "bucket"},
		{URL: "s3://"},
		{URL: "s3://B"},
		{URL: "file://"},
		{URL: "s3://bucket/../x"},
		{URL: "s3://bucket/a//b"},
		{URL: "s3://bucket", S3Endpoint: "127.0.0.1:7070"},
	} {
		if err := bad.Check(); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

func TestVariablesAreNamedAsTheDeploymentNamesThem(t *testing.T) {
	for field, want := range map[string]string{"S3Endpoint": "COMPLAINTS_S3_ENDPOINT", "S3Region": "COMPLAINTS_S3_REGION", "S3PathStyle": "COMPLAINTS_S3_PATH_STYLE"} {
		f, ok := reflect.TypeFor[lake.Config]().FieldByName(field)
		if !ok || f.Tag.Get("env") != want {
			t.Errorf("%s is read from %q, want %s", field, f.Tag.Get("env"), want)
		}
	}
}

// An object that is opened while it is replaced is one version or the other.
func TestOpenWhileAnObjectIsReplaced(t *testing.T) {
	s := openDir(t, t.TempDir())
	bodies := [][]byte{bytes.Repeat([]byte("a"), 100), bytes.Repeat([]byte("b"), 50)}
	if err := s.PutNew(t.Context(), "a/b", bodies[0], nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			_, etag, err := s.Get(t.Context(), "a/b")
			if err = errors.Join(err, s.Replace(t.Context(), "a/b", bodies[n%2], etag)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 20_000 {
		r, err := s.Open(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 200)
		n, _ := r.ReadAt(body, 0)
		if int64(n) != r.Size() {
			t.Errorf("%d bytes of an object that has %d", n, r.Size())
			break
		}
		_ = r.Close()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What is below a link to a folder is listed as what is in one.
func TestFoldersMayBeLinks(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	s := openDir(t, root)
	keys := []string{"gold/x/dt=1/a", "gold/x/dt=2/a", "gold/x/dt=3/a"}
	for _, key := range keys {
		if err := s.PutNew(t.Context(), key, []byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	day := filepath.Join(root, "gold", "x", "dt=2")
	if err := errors.Join(os.Rename(day, filepath.Join(other, "moved")), os.Symlink(filepath.Join(other, "moved"), day)); err != nil {
		t.Fatal(err)
	}
	infos, err := s.List(t.Context(), "gold/", "", 10)
	var got []string
	for _, info := range infos {
		got = append(got, info.Key)
	}
	if err != nil || !slices.Equal(got, keys) {
		t.Errorf("listed %q, %v; want %q", got, err, keys)
	}
}
