package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Names below the root that are no objects. A temporary file lives on the file
// system of the objects, for it becomes one by link(2) or rename(2).
const (
	tempDir = ".tmp"
	lockDir = ".lock"
)

// staleTemp is when a temporary file cannot belong to a living put any more.
const staleTemp = 24 * time.Hour

// dirStore keeps objects as files. The file system must have hard links.
type dirStore struct {
	root   string
	synced sync.Map // directories whose entry in their parent is durable
}

func openDir(root string) (*dirStore, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	// Now and not at the first put: a folder that cannot be written to is found at the start.
	d := &dirStore{root: root}
	for _, name := range []string{tempDir, lockDir} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return nil, fmt.Errorf("lake: %w", err)
		}
	}
	d.sweep()
	return d, nil
}

// existingDir opens a directory as it is. Its folders of temporary files and locks
// come with the first put.
func existingDir(root string) (*dirStore, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	st, err := os.Stat(root)
	if err == nil && !st.IsDir() {
		err = &fs.PathError{Op: "open", Path: root, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	return &dirStore{root: root}, nil
}

// sweep removes what puts left behind that died.
func (d *dirStore) sweep() {
	dir := filepath.Join(d.root, tempDir)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleTemp {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func (d *dirStore) path(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", fmt.Errorf("object key %w", err)
	}
	return filepath.Join(d.root, filepath.FromSlash(key)), nil
}

func (d *dirStore) Get(_ context.Context, key string) ([]byte, string, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, "", err
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, "", notFound(key, err)
	}
	return body, etagOf(body), nil
}

// etagOf is a version by content: equal content is an equal version, also
// between processes and after a copy.
func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

func notFound(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	return err
}

func (d *dirStore) Head(_ context.Context, key string) (Info, error) {
	path, err := d.path(key)
	if err != nil {
		return Info{}, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return Info{}, notFound(key, err)
	}
	if st.IsDir() {
		return Info{}, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	return Info{Key: key, Size: st.Size(), ModTime: st.ModTime()}, nil
}

type fileReader struct {
	*os.File
	size int64
}

func (f fileReader) Size() int64 { return f.size }

func (d *dirStore) Open(_ context.Context, key string) (Reader, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, err
	}
	// A replaced object is another inode, so an open file never changes. Its size
	// is asked of the open file, not of what the name stands for a moment before.
	f, err := os.Open(path)
	if err != nil {
		return nil, notFound(key, err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return fileReader{f, st.Size()}, nil
}

func (d *dirStore) PutNew(ctx context.Context, key string, body []byte, _ map[string]string) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	temp, err := d.writeTemp(ctx, path, body)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	defer func() { _ = os.Remove(temp) }()
	err = os.Link(temp, path)
	if errors.Is(err, fs.ErrExist) {
		// The other's entry may not be durable yet, and the caller may build on it.
		if err := syncDir(filepath.Dir(path)); err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
		return fmt.Errorf("%s: %w", key, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("put %s (the lake needs a file system with hard links): %w", key, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("put %s: %w: %w", key, ErrAmbiguous, err)
	}
	return nil
}

// writeTemp writes a durable file that is not visible as an object, and makes
// the directory that the object goes to.
func (d *dirStore) writeTemp(ctx context.Context, path string, body []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := d.makeDir(filepath.Dir(path)); err != nil {
		return "", err
	}
	if err := d.makeDir(filepath.Join(d.root, tempDir)); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Join(d.root, tempDir), "put-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// makeDir makes a directory and its parents up to the root durable, once a process.
func (d *dirStore) makeDir(dir string) error {
	if _, ok := d.synced.Load(dir); ok {
		return nil
	}
	if dir != d.root {
		parent := filepath.Dir(dir)
		if err := d.makeDir(parent); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := syncDir(parent); err != nil {
			return err
		}
	}
	d.synced.Store(dir, nil)
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *dirStore) rename(path string, body []byte) error {
	temp, err := d.writeTemp(context.Background(), path, body)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", ErrAmbiguous, err)
	}
	return nil
}

func (d *dirStore) Replace(ctx context.Context, key string, body []byte, etag string) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if etag == "" {
		err := d.PutNew(ctx, key, body, nil)
		if errors.Is(err, ErrExists) {
			return fmt.Errorf("%s: %w", key, ErrChanged)
		}
		return err
	}
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return fmt.Errorf("replace %s: %w", key, err)
	}
	defer unlock()
	_, now, err := d.Get(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("replace %s: %w", key, err)
	}
	if now != etag {
		return fmt.Errorf("%s: %w", key, ErrChanged)
	}
	if err := d.rename(path, body); err != nil {
		return fmt.Errorf("replace %s: %w", key, err)
	}
	return nil
}

// lock excludes all other replacements of a key, in this process and in others.
// The kernel frees the lock of a process that dies.
func (d *dirStore) lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := d.makeDir(filepath.Join(d.root, lockDir)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(d.root, lockDir, etagOf([]byte(key))), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
}

func (d *dirStore) List(ctx context.Context, prefix, startAfter string, limit int) ([]Info, error) {
	l := lister{root: d.root, prefix: prefix, after: startAfter, limit: limit}
	if err := l.walk(ctx, prefix[:strings.LastIndexByte(prefix, '/')+1]); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	return l.found, nil
}

// lister walks a tree in the byte order of the keys.
type lister struct {
	root, prefix, after string
	limit               int
	found               []Info
}

// walk lists the folder of a key prefix that is empty or ends with a slash.
func (l *lister) walk(ctx context.Context, folder string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(l.root, filepath.FromSlash(folder)))
	if err != nil {
		if errors.Is(notFound(folder, err), ErrNotFound) {
			return nil
		}
		return err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' {
			continue
		}
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && l.isDir(folder+name) {
			name += "/" // a folder sorts as the keys in it do
		}
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if len(l.found) >= l.limit {
			return nil
		}
		if err := l.visit(ctx, folder+name); err != nil {
			return err
		}
	}
	return nil
}

// isDir says whether a link leads to a folder.
func (l *lister) isDir(key string) bool {
	st, err := os.Stat(filepath.Join(l.root, filepath.FromSlash(key)))
	return err == nil && st.IsDir()
}

func (l *lister) visit(ctx context.Context, key string) error {
	if strings.HasSuffix(key, "/") {
		within := strings.HasPrefix(key, l.prefix) || strings.HasPrefix(l.prefix, key)
		if !within || (key < l.after && !strings.HasPrefix(l.after, key)) {
			return nil
		}
		return l.walk(ctx, key)
	}
	if !strings.HasPrefix(key, l.prefix) || key <= l.after {
		return nil
	}
	st, err := os.Stat(filepath.Join(l.root, filepath.FromSlash(key)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		return err
	}
	l.found = append(l.found, Info{Key: key, Size: st.Size(), ModTime: st.ModTime()})
	return nil
}
