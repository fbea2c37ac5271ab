package lake_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
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
