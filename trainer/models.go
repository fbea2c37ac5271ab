package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"complaints/internal/classifier"
	"complaints/internal/lake"
	"complaints/schema"
)

// runRollback points back to a version that has served, or to any other one that
// was published. It is loaded first, as consumers will: they would refuse one
// that does not load, and go on with what they have.
func runRollback(ctx context.Context, c *rollbackConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	now, err := readPointer(ctx, store)
	if err != nil {
		return err
	}
	to := c.Version
	switch {
	case to == "" && now.Previous == "":
		return fmt.Errorf("%s serves, and nothing before it was published: name a version, see trainer models", now.name())
	case to == "":
		to = now.Previous
	case to == now.Version:
		return fmt.Errorf("%s serves already", to)
	}
	if _, err := loadBundle(ctx, store, to); err != nil {
		return fmt.Errorf("%s cannot serve, so nothing was changed: %w", to, err)
	}
	why := "rolled back"
	if c.Reason != "" {
		why += ": " + c.Reason
	}
	if err := moveChampion(ctx, store, now, changeTo(to, why)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%s serves in place of %s; consumers see it at their next look, --model-poll\n", to, now.name()); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil || client == nil {
		return err
	}
	if _, err := recordVersion(ctx, store, client, c.Lake.URL, to); err != nil {
		return fmt.Errorf("%s serves, but MLflow does not know: %w", to, err)
	}
	return nil
}

// published is a model in the lake.
type published struct {
	Version    string              `json:"version"`
	Published  time.Time           `json:"published"` // when its manifest was written
	Serves     bool                `json:"serves"`
	Challenges bool                `json:"challenges"`      // is scored in the shadow of the one that serves
	Since      *time.Time          `json:"since,omitempty"` // when it last began to serve
	Why        string              `json:"why,omitempty"`   // why it did
	Forced     string              `json:"forced,omitempty"`
	Training   classifier.Training `json:"training"`
	Metrics    classifier.Metrics  `json:"metrics"` // on the test rows of its own training
	Fault      string              `json:"fault,omitempty"`
}

// runModels lists the versions that were published, the newest first.
func runModels(ctx context.Context, c *modelsConfig, stdout io.Writer) error {
	store, err := lake.Open(ctx, c.Lake)
	if err != nil {
		return err
	}
	champion, err := readPointer(ctx, store)
	if err != nil {
		return err
	}
	challenger, err := readChallenger(ctx, store)
	if err != nil {
		return err
	}
	versions, err := publishedVersions(ctx, store)
	if err != nil {
		return err
	}
	list := make([]published, 0, len(versions))
	for _, v := range versions {
		p, err := readPublished(ctx, store, v, &champion.Champion)
		if errors.Is(err, lake.ErrNotFound) {
			continue // without a manifest it is not published, or not yet
		}
		if err != nil {
			return err
		}
		p.Challenges = v == challenger.Version
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b published) int { return b.Published.Compare(a.Published) })
	if c.JSON {
		return json.NewEncoder(stdout).Encode(list)
	}
	return printModels(stdout, list)
}

// publishedVersions lists the folders of models, a request a version.
func publishedVersions(ctx context.Context, store lake.Store) ([]string, error) {
	prefix := strings.TrimSuffix(schema.ModelPrefix(""), "/") // that of a version without a name
	var versions []string
	for key, err := range lake.FirstKeys(ctx, store, prefix) {
		if err != nil {
			return nil, err
		}
		if version, _, folder := strings.Cut(strings.TrimPrefix(key, prefix), "/"); folder {
			versions = append(versions, version)
		}
	}
	return versions, nil
}

func readPublished(ctx context.Context, store lake.Store, version string, champion *schema.Champion) (published, error) {
	p := published{Version: version, Serves: version == champion.Version}
	key := schema.ModelPrefix(version) + classifier.ManifestPart
	body, _, err := store.Get(ctx, key)
	if err != nil {
		return p, err
	}
	info, err := store.Head(ctx, key)
	if err != nil {
		return p, err
	}
	p.Published = info.ModTime.UTC()
	for _, change := range champion.History {
		if change.Version == version {
			p.Since, p.Why = &change.At, change.Why
			break
		}
	}
	var m classifier.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		p.Fault = err.Error()
	}
	p.Training, p.Metrics, p.Forced = m.Training, m.Metrics, m.Forced
	return p, nil
}

func printModels(w io.Writer, list []published) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tversion\tpublished\trows\tto\taccuracy\tmacro F1\tlog loss\tECE\tserved")
	for _, p := range list {
		mark, served := " ", "never"
		switch {
		case p.Serves:
			mark = "*"
		case p.Challenges:
			mark = "+"
		}
		if p.Since != nil {
			served = fmt.Sprintf("since %s: %s", p.Since.Format(time.DateTime), p.Why)
		}
		if p.Fault != "" {
			served += "; its manifest cannot be read: " + p.Fault
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%.4f\t%.4f\t%.4f\t%.4f\t%s\n", mark, p.Version, p.Published.Format(time.DateTime),
			p.Training.Rows, p.Training.To, p.Metrics.Accuracy, p.Metrics.MacroF1, p.Metrics.LogLoss, p.Metrics.ECE, served)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n* serves, + challenges it in the shadow. The metrics are of each model's own test rows: those of different weeks do not compare.")
	return err
}
