package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"complaints/internal/classifier"
)

// Cache is a folder on local disk that keeps the bundle that serves, so that a
// process can start while the store is away. Several processes may share it.
type Cache struct{ Dir string }

// unfinished begins the name of a bundle that is being written; no version does.
const unfinished = ".new-"

// Keep stores a bundle that passed its checks, and removes the one before it. What a
// crash leaves is the old bundle, the new one, or both.
func (c Cache) Keep(version string, parts map[string][]byte) error {
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(c.Dir, unfinished)
	if err != nil {
		return err
	}
	for name, body := range parts {
		if err := os.WriteFile(filepath.Join(fresh, name), body, 0o600); err != nil {
			return errors.Join(err, os.RemoveAll(fresh))
		}
	}
	if err := os.Rename(fresh, filepath.Join(c.Dir, version)); err != nil {
		// It may be kept already, by this process or another.
		if kept, loadErr := c.load(version); loadErr != nil || kept.Version() != version {
			return errors.Join(err, os.RemoveAll(fresh))
		}
	}
	return c.removeOthers(version)
}

func (c Cache) removeOthers(version string) error {
	entries, err := os.ReadDir(c.Dir)
	errs := []error{err}
	for _, e := range entries {
		if e.IsDir() && e.Name() != version {
			errs = append(errs, os.RemoveAll(filepath.Join(c.Dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Load returns the bundle that was kept last and when that was, checked again.
func (c Cache) Load() (*classifier.Classifier, time.Time, error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return nil, time.Time{}, err
	}
	var newest *classifier.Classifier
	var at time.Time
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || strings.HasPrefix(e.Name(), unfinished) || info.ModTime().Before(at) {
			continue
		}
		kept, err := c.load(e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		newest, at = kept, info.ModTime()
	}
	if newest == nil {
		return nil, time.Time{}, errors.Join(append(errs, fmt.Errorf("no model is kept in %s", c.Dir))...)
	}
	return newest, at, nil
}

func (c Cache) load(version string) (*classifier.Classifier, error) {
	parts, err := classifier.ReadParts(func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(c.Dir, version, name))
	})
	if err != nil {
		return nil, err
	}
	return classifier.LoadVersion(parts, version)
}
