package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// Pointer is what champion.json or challenger.json said when it was read.
type Pointer struct {
	schema.Champion
	key  string
	etag string // "" where there is no such object
}

// Exists says whether the object was there. Where no champion was ever published,
// the model that is built into the programs serves.
func (p *Pointer) Exists() bool { return p.etag != "" }

// Name is the version for people.
func (p *Pointer) Name() string {
	if !p.Exists() {
		return "the built-in model"
	}
	return p.Version
}

// Champion reads which version serves.
func Champion(ctx context.Context, store lake.Store) (*Pointer, error) {
	p, err := readPointer(ctx, store, schema.ChampionKey)
	if err == nil && p.Exists() && p.Version == "" {
		return nil, fmt.Errorf("%s names no version", schema.ChampionKey)
	}
	return p, err
}

// Challenger reads which version is scored beside the champion; without a version
// none is.
func Challenger(ctx context.Context, store lake.Store) (*Pointer, error) {
	return readPointer(ctx, store, schema.ChallengerKey)
}

func readPointer(ctx context.Context, store lake.Store, key string) (*Pointer, error) {
	p := &Pointer{key: key}
	body, etag, err := store.Get(ctx, key)
	if errors.Is(err, lake.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &p.Champion); err != nil {
		return nil, fmt.Errorf("%s: %.80q: %w: %w", key, body, errDamaged, err)
	}
	p.etag = etag
	return p, nil
}

// errDamaged says that the store answered with what is no pointer.
var errDamaged = errors.New("it is damaged")

// ErrMoved says that a pointer is not what it was when it was read.
var ErrMoved = errors.New("it was changed by another process meanwhile")

// move lets a pointer name another version, unless it was changed since it was
// read: ErrMoved.
func (p *Pointer) move(ctx context.Context, store lake.Store, version, why string) error {
	body, err := json.MarshalIndent(p.Follow(changeTo(version, why)), "", "  ")
	if err != nil {
		return err
	}
	err = store.Replace(ctx, p.key, append(body, '\n'), p.etag)
	if errors.Is(err, lake.ErrChanged) {
		return fmt.Errorf("%s: %w", p.key, ErrMoved)
	}
	return err
}

// changeTo is a change to another version, now.
func changeTo(version, why string) schema.Change {
	return schema.Change{Version: version, At: time.Now().UTC().Truncate(time.Second), Why: why}
}

// before is the version that served before the present one came, or "" where none
// is known. A version that was rolled back is passed over: otherwise a second
// rollback would bring it back.
func before(history []schema.Change) string {
	var served []string
	for _, change := range slices.Backward(history) { // the oldest first
		if at := slices.Index(served, change.Version); at >= 0 {
			served = served[:at+1]
		} else {
			served = append(served, change.Version)
		}
	}
	if len(served) < 2 {
		return ""
	}
	return served[len(served)-2]
}

// Service is a time in which a version served.
type Service struct {
	Since schema.Change  `json:"since"`
	Until *schema.Change `json:"until,omitempty"` // to the version that came next; nil: it serves still
}

// ServiceAt says since when and why a version served that gave a result at a moment:
// by the last change to it before. It is nil where the history has none, which begins
// MaxHistory changes ago, and where the pointer never named the version.
func (p *Pointer) ServiceAt(version string, at time.Time) *Service {
	for i, change := range p.History { // the newest first
		if change.Version != version || change.At.After(at) {
			continue
		}
		s := &Service{Since: change}
		if i > 0 {
			s.Until = &p.History[i-1]
		}
		return s
	}
	return nil
}

// Promote lets a published version serve in the place of the champion as it was
// read: ErrMoved, if another one serves since. The model that is built into the
// programs is published before it is replaced, so that there is a way back to it.
func Promote(ctx context.Context, store lake.Store, champion *Pointer, version, why string) error {
	from := *champion
	if !from.Exists() {
		builtIn, err := classifier.Bootstrap()
		if err != nil {
			return err
		}
		if err := Publish(ctx, store, builtIn.Version(), classifier.BootstrapParts()); err != nil {
			return err
		}
		from.Champion = from.Follow(changeTo(builtIn.Version(), "built into the programs"))
	}
	return from.move(ctx, store, version, why)
}

// Rollback lets a published version serve again, "" for the one before the
// present one, and returns both. It is loaded first, as consumers do: they would
// refuse one that does not load.
func Rollback(ctx context.Context, store lake.Store, version, reason string) (from *Pointer, to string, err error) {
	now, err := Champion(ctx, store)
	if err != nil {
		return nil, "", err
	}
	if version == "" {
		version = before(now.History)
	}
	switch version {
	case "":
		return nil, "", fmt.Errorf("%s serves, and nothing that served before it is known: name a version, see trainer models", now.Name())
	case now.Version:
		return nil, "", fmt.Errorf("%s serves already", version)
	}
	if _, err := Load(ctx, store, version); err != nil {
		return nil, "", fmt.Errorf("%s cannot serve, so nothing was changed: %w", version, err)
	}
	why := "rolled back"
	if reason != "" {
		why += ": " + reason
	}
	return now, version, Promote(ctx, store, now, version, why)
}

// Challenge lets consumers score a published version beside the champion, or none
// if it is "". It returns the version that challenged before; where that is the
// same, nothing was changed. The version is loaded first, as consumers do.
func Challenge(ctx context.Context, store lake.Store, version string) (before string, err error) {
	now, err := Challenger(ctx, store)
	if err != nil || now.Version == version {
		return version, err
	}
	why := "taken off"
	if version != "" {
		why = "asked for"
		if err := mayChallenge(ctx, store, version); err != nil {
			return now.Version, fmt.Errorf("%s cannot challenge, so nothing was changed: %w", version, err)
		}
	}
	return now.Version, now.move(ctx, store, version, why)
}

// mayChallenge says why a version is no challenger.
func mayChallenge(ctx context.Context, store lake.Store, version string) error {
	champion, err := Champion(ctx, store)
	if err != nil {
		return err
	}
	if champion.Version == version {
		return errors.New("it serves already")
	}
	_, err = Load(ctx, store, version)
	return err
}
