package mlflow

import (
	"context"
	"fmt"
)

// modelVersion is a version of a registered model.
type modelVersion struct {
	Version string `json:"version"`
	RunID   string `json:"run_id"`
}

// findOrCreateVersion returns the model's version that holds a bundle. It is
// registered if it is not, as the model itself is, with the bundle in a folder of
// the run's artifacts.
func (c *Client) findOrCreateVersion(ctx context.Context, model, bundle string, r run, folder string) (modelVersion, error) {
	err := c.send(ctx, "registered-models/create", map[string]string{"name": model}, nil)
	if err != nil && !hasCode(err, codeExists) {
		return modelVersion{}, err
	}
	var v modelVersion
	err = c.try(ctx, func() error {
		var err error
		if v, err = c.findVersion(ctx, model, bundle); err != nil || v.Version != "" {
			return err
		}
		var made struct {
			Version modelVersion `json:"model_version"`
		}
		err = c.sendOnce(ctx, "model-versions/create", map[string]any{
			"name": model, "run_id": r.Info.ID, "source": r.Info.ArtifactURI + "/" + folder, "tags": []keyValue{{VersionTag, bundle}},
		}, &made)
		v = made.Version
		return err
	})
	if err == nil && v.Version == "" {
		err = fmt.Errorf("MLflow: %s: a version of %s without a number", c.base, model)
	}
	return v, err
}

// findVersion is the model's version that holds a bundle, or the zero value.
func (c *Client) findVersion(ctx context.Context, model, bundle string) (modelVersion, error) {
	var found struct {
		Versions []modelVersion `json:"model_versions"`
	}
	err := c.get(ctx, "model-versions/search", &found,
		"filter", "name = '"+model+"' and tags.`"+VersionTag+"` = '"+bundle+"'", "max_results", "1")
	if err != nil || len(found.Versions) == 0 {
		return modelVersion{}, err
	}
	return found.Versions[0], nil
}

// tagVersion sets a tag of a model's version.
func (c *Client) tagVersion(ctx context.Context, model, version, key, value string) error {
	return c.send(ctx, "model-versions/set-tag", map[string]string{"name": model, "version": version, "key": key, "value": value}, nil)
}

// moveAlias lets an alias of the model point to a version, and no longer to another.
func (c *Client) moveAlias(ctx context.Context, model, alias, version string) error {
	return c.send(ctx, "registered-models/alias", map[string]string{"name": model, "alias": alias, "version": version}, nil)
}
