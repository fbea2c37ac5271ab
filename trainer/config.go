package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"complaints/internal/lake"
	"complaints/internal/mapping"
	"complaints/internal/settings"
	"complaints/schema"
	"complaints/trainer/dataset"
	"complaints/trainer/fit"
	"complaints/trainer/gate"
	"complaints/trainer/mlflow"
)

// config is the trainer's command line; see package settings for what else is read.
type config struct {
	settings.Common

	Run       runConfig       `cmd:"" help:"Train a candidate on silver, compare it with the champion, publish it, and let it serve if it passes the gate. Exit status 0: promoted; 3: rejected; 1: an error."`
	Rollback  rollbackConfig  `cmd:"" help:"Let a published model serve again; by default the one that served before."`
	Challenge challengeConfig `cmd:"" help:"Let consumers score a published model, the challenger, beside the champion: its answers stand in gold, and nowhere else."`
	Models    modelsConfig    `cmd:"" help:"List the published models with their metrics, and say which serves."`
	Taxonomy  taxonomyCommand `cmd:"" help:"Write the taxonomy that the labels of complaint files give, to edit and to train with."`
	Publish   publishConfig   `cmd:"" help:"Put a model that train has written into the lake, and let it serve."`
	Train     trainConfig     `cmd:"" help:"Train a model on complaint files and write its bundle."`
	Evaluate  evaluateConfig  `cmd:"" help:"Compute the metrics of a model, or of a recipe."`
	Record    recordConfig    `cmd:"" help:"Record published models in MLflow that could not be recorded when they were trained, from the lake's files."`
	Score     scoreConfig     `cmd:"" help:"Classify stored complaints again, beside what the stream predicted."`
	Report    reportConfig    `cmd:"" help:"Show on one HTML page what is in complaints, and what a model makes of them."`
	Bootstrap bootstrapConfig `cmd:"" help:"Make the bundle that is built into the programs, and the sample that it was not trained on."`
}

// filesConfig says which files hold complaints, and in which columns.
type filesConfig struct {
	Data        []string `env:"-" placeholder:"FILE" help:"Complaint files: CSV, JSON lines and others; plain or compressed."`
	Mapping     string   `help:"Where the files have the fields: bureau, connect, debezium, cloudevents, or a YAML file." default:"bureau" placeholder:"FILE"`
	TextColumn  string   `env:"-" placeholder:"NAME" help:"The column that holds the text, where its name is not one that is known."`
	LabelColumn string   `env:"-" placeholder:"NAME" help:"The column that holds the label: a product, a queue, a category."`

	mapping *schema.Mapping // of Mapping
}

// load reads the mapping.
func (c *filesConfig) load() (err error) {
	if c.mapping, err = mapping.Load(c.Mapping); err != nil {
		return fmt.Errorf("--mapping: %w", err)
	}
	return nil
}

func (c filesConfig) files() dataset.Files {
	columns := map[string][]string{}
	if c.TextColumn != "" {
		columns["narrative"] = []string{c.TextColumn}
	}
	if c.LabelColumn != "" {
		columns["product"] = []string{c.LabelColumn}
	}
	return dataset.Files{Paths: c.Data, Columns: columns, Mapping: c.mapping}
}

// taxonomyConfig says which categories there are.
type taxonomyConfig struct {
	Taxonomy     string `env:"-" placeholder:"FILE" help:"The categories: a taxonomy's JSON, as trainer taxonomy writes it. Without it those of --label-column, or else the Bureau's five."`
	MinClassRows int    `default:"30" help:"A label of fewer rows makes no category of its own."`
	Rest         string `env:"-" placeholder:"NAME" help:"Put labels of fewer rows together in a category of this name."`
}

func (c taxonomyConfig) check() error {
	if c.MinClassRows < 1 {
		return fmt.Errorf("--min-class-rows is %d and must be at least 1", c.MinClassRows)
	}
	return nil
}

// readTaxonomy reads the taxonomy of a file, the Bureau's without one.
func readTaxonomy(path string) (*schema.Taxonomy, error) {
	if path == "" {
		return schema.Bureau(), nil
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := schema.ParseTaxonomy(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// of returns the taxonomy for files.
func (c taxonomyConfig) of(ctx context.Context, f filesConfig, progress dataset.Progress) (*schema.Taxonomy, error) {
	if c.Taxonomy != "" || f.LabelColumn == "" {
		return readTaxonomy(c.Taxonomy)
	}
	return f.files().Taxonomy(ctx, dataset.Derive{MinRows: c.MinClassRows, Rest: c.Rest}, progress)
}

// libraryConfig says where LightGBM is.
type libraryConfig struct {
	LightGBMLib string `name:"lightgbm-lib" env:"LIGHTGBM_LIB" placeholder:"FILE" help:"LightGBM's shared library; make lightgbm brings it."`
	Quiet       bool   `help:"Show no progress."`
}

// mlflowConfig says where trainings are recorded beside the lake.
type mlflowConfig struct {
	URL string `name:"mlflow" placeholder:"URL" secret:"" help:"MLflow's tracking server, as http://host:5000, with user:password@ if it wants them: trainings are recorded there, too."`
}

// client is nil where no server is named.
func (c mlflowConfig) client() (*mlflow.Client, error) {
	if c.URL == "" {
		return nil, nil
	}
	client, err := mlflow.New(c.URL)
	if err != nil {
		return nil, fmt.Errorf("--mlflow: %w", err)
	}
	return client, nil
}

func (c mlflowConfig) check() error {
	_, err := c.client()
	return err
}

// runConfig is the configuration of the weekly loop.
type runConfig struct {
	libraryConfig
	mlflowConfig
	Lake            lake.Config `embed:""`
	filesConfig     `group:"Files, instead of silver"`
	Window          dataset.Window `default:"365d" placeholder:"DAYS" help:"How far back silver is read from its newest day, as 365d or 52w; 0 is all."`
	MaxRows         int            `help:"At most that many rows, drawn by the seed; 0 is all."`
	Seed            uint64         `default:"1" help:"Equal rows and seed give an equal bundle."`
	ReviewPrecision float64        `default:"0.96" help:"Predictions that are less sure than those of which this share is right need review."`

	MacroF1Margin float64 `name:"macro-f1-margin" default:"0.005" help:"How far the macro F1 may be below the champion's." group:"Gate"`
	RecallMargin  float64 `default:"0.05" help:"How far the recall of any category may be below the champion's." group:"Gate"`
	MaxECE        float64 `name:"max-ece" default:"0.06" help:"The largest expected calibration error." group:"Gate"`
	MaxSlowdown   float64 `default:"2" help:"How many times as long as with the champion a text may take." group:"Gate"`
	MinClassRows  int     `default:"30" help:"Rows of each category that are needed, among the train rows and among the test rows." group:"Gate"`
	Force         bool    `env:"-" help:"Let the candidate serve although the gate rejects it." group:"Gate"`
	Reason        string  `env:"-" help:"Why, kept in the bundle's manifest; needed with --force." group:"Gate"`

	RejectedOK  bool   `name:"rejected-ok" help:"End with status 0 too where the candidate is rejected, for a scheduler that takes any other status for a failure."`
	Taxonomy    string `env:"-" placeholder:"FILE" help:"The categories: a taxonomy's JSON. By default the champion's." group:"Categories"`
	NewTaxonomy bool   `env:"-" help:"Let a candidate of another taxonomy than the champion's serve. The two are not compared; the minimum of rows and the calibration still count." group:"Categories"`

	Rescore bool   `help:"After a promotion, classify the stored complaints again, as score does."`
	JSON    bool   `name:"json" help:"Print the verdict as JSON too, as the last line."`
	Every   string `placeholder:"CRON" help:"Go on training at these times, UTC, until stopped, as '0 15 * * 0' for Sunday 15:00. Better: a scheduler that runs it once."`

	schedule schedule // of Every; nil without it
}

// outcome is the error with which the training ends the program.
func (c *runConfig) outcome(err error) error {
	var rejected *rejectedError
	if c.RejectedOK && errors.As(err, &rejected) {
		return nil
	}
	return err
}

func (c *runConfig) limits() gate.Limits {
	return gate.Limits{MacroF1Margin: c.MacroF1Margin, RecallMargin: c.RecallMargin, MaxECE: c.MaxECE, MaxSlowdown: c.MaxSlowdown, MinRows: c.MinClassRows}
}

// complete fills in the lake, and reports every fault at once.
func (c *runConfig) complete() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	defaultLake(&c.Lake)
	errs = append(errs, c.mlflowConfig.check())
	if c.MaxRows < 0 {
		fault("--max-rows is %d and must be 0 or more", c.MaxRows)
	}
	if c.MinClassRows < 1 {
		fault("--min-class-rows is %d and must be at least 1", c.MinClassRows)
	}
	if p := c.ReviewPrecision; !(p > 0 && p <= 1) {
		fault("--review-precision is %v and must be above 0 and at most 1", p)
	}
	for _, v := range []struct {
		flag  string
		value float64
	}{{"--macro-f1-margin", c.MacroF1Margin}, {"--recall-margin", c.RecallMargin}, {"--max-ece", c.MaxECE}, {"--max-slowdown", c.MaxSlowdown}} {
		if !(v.value >= 0) {
			fault("%s is %v and must be 0 or more", v.flag, v.value)
		}
	}
	if c.Every != "" {
		var err error
		if c.schedule, err = parseSchedule(c.Every); err != nil {
			fault("--every is %q, and must be a cron expression of five fields as '0 15 * * 0': %w", c.Every, err)
		}
		if c.Force {
			fault("--force is for one training that somebody has looked at, not for --every")
		}
	}
	if c.Force != (strings.TrimSpace(c.Reason) != "") {
		fault("--force and --reason are needed together: force is %t and the reason is %q", c.Force, c.Reason)
	}
	return errors.Join(errs...)
}

type rollbackConfig struct {
	mlflowConfig
	Lake    lake.Config `embed:""`
	Version string      `arg:"" optional:"" help:"The version that is to serve; by default the one that served before."`
	Reason  string      `env:"-" help:"Why, kept in the champion's history."`
}

type challengeConfig struct {
	Lake    lake.Config `embed:""`
	Version string      `arg:"" optional:"" help:"The version that is to challenge."`
	Off     bool        `env:"-" help:"Let no model challenge."`
}

func (c *challengeConfig) complete() error {
	defaultLake(&c.Lake)
	if c.Off != (c.Version == "") {
		return fmt.Errorf("one of a version and --off is needed, and not both: the version is %q, see trainer models", c.Version)
	}
	return nil
}

type recordConfig struct {
	mlflowConfig
	Lake  lake.Config `embed:""`
	Model string      `env:"-" placeholder:"VERSION" help:"The version; by default the champion."`
}

func (c *recordConfig) complete() error {
	defaultLake(&c.Lake)
	if c.URL == "" {
		return errors.New("--mlflow is missing: where shall it be recorded?")
	}
	return c.check()
}

type scoreConfig struct {
	Lake   lake.Config    `embed:""`
	Model  string         `env:"-" placeholder:"VERSION" help:"The version; by default the champion."`
	Window dataset.Window `default:"0" placeholder:"DAYS" help:"How far back silver is scored from its newest day, as 365d or 52w; 0 is all."`
	Quiet  bool           `help:"Show no progress."`
}

type modelsConfig struct {
	Lake lake.Config `embed:""`
	JSON bool        `name:"json" help:"Print the list as one line of JSON."`
}

// defaultLake is the lake where none is named: that of a consumer with
// --embedded in the same folder.
func defaultLake(l *lake.Config) {
	if l.URL == "" {
		l.URL = "file://./data/lake"
	}
}

// taxonomyCommand is the configuration of trainer taxonomy.
type taxonomyCommand struct {
	filesConfig
	MinClassRows int    `default:"30" help:"A label of fewer rows makes no category of its own."`
	Rest         string `env:"-" placeholder:"NAME" help:"Put labels of fewer rows together in a category of this name."`
	Quiet        bool   `help:"Show no progress."`
}

type publishConfig struct {
	Lake   lake.Config `embed:""`
	Model  string      `arg:"" env:"-" placeholder:"DIR" help:"The bundle's directory."`
	Reason string      `env:"-" help:"Why, kept in the champion's history."`
}

type trainConfig struct {
	libraryConfig
	filesConfig
	taxonomyConfig
	Out             string  `env:"-" required:"" placeholder:"DIR" help:"Where the bundle, metrics.json and confusion_matrix.png go."`
	Seed            uint64  `default:"1" help:"Equal data and seed give an equal bundle."`
	Folds           int     `default:"5" help:"Predict every row by a model of the other folds; the bundle is of all rows."`
	ReviewPrecision float64 `default:"0.96" help:"Predictions that are less sure than those of which this share is right need review."`
}

type evaluateConfig struct {
	libraryConfig
	filesConfig
	taxonomyConfig
	Model           string   `env:"-" placeholder:"DIR" help:"The bundle to evaluate. The alternatives are --folds and --test."`
	Folds           int      `help:"Cross-validate the recipe this many ways instead."`
	Test            []string `env:"-" placeholder:"FILE" help:"Train the recipe on --data and test it on these complaints instead: those of a source that was not seen, if they are of another."`
	ReviewPrecision float64  `default:"0.96" help:"Predictions that are less sure than those of which this share is right need review."`
	Seed            uint64   `default:"1" help:"Of the folds and the models."`
	Recipe          string   `default:"scores" help:"Which recipe to cross-validate: the one that train follows, or one that the README compares it with."`
	JSON            bool     `name:"json" help:"One line with rows, accuracy, macro_f1, log_loss and ece."`
}

// ways is in how many ways the configuration says what to evaluate.
func (c *evaluateConfig) ways() (n int) {
	for _, there := range []bool{c.Model != "", c.Folds != 0, len(c.Test) > 0} {
		if there {
			n++
		}
	}
	return n
}

type reportConfig struct {
	Lake        lake.Config `embed:""`
	filesConfig `group:"Files, instead of silver"`
	Window      dataset.Window `default:"0" placeholder:"DAYS" help:"How far back silver is read from its newest day, as 365d or 52w; 0 is all."`
	Model       string         `env:"-" placeholder:"VERSION" help:"The model: a version in the lake, or with --data the directory of a bundle. By default the champion, or with --data the built-in one."`
	Out         string         `env:"-" required:"" placeholder:"FILE" help:"Where the page goes."`
	Quiet       bool           `help:"Show no progress."`
}

type bootstrapConfig struct {
	libraryConfig
	Data       []string `env:"-" required:"" placeholder:"FILE" help:"Complaints with known products."`
	Out        string   `env:"-" required:"" placeholder:"DIR" help:"Where the bundle goes."`
	Sample     string   `env:"-" required:"" placeholder:"FILE" help:"Where the held-out rows go, as gzipped CSV."`
	SampleRows int      `default:"2500" help:"How many rows to hold out from training."`
	Seed       uint64   `default:"1" help:"Of the choice and the model."`
}

// parse reads the command line. It returns the command, or "" after a request for help.
func parse(args []string, stdout, stderr io.Writer) (config, string, error) {
	var c config
	command, done, err := settings.Parse(&c, settings.Program{
		Name: "trainer", Description: "Trains and evaluates the model that classifies complaints.", Version: version, UsageOnError: true,
	}, args, stdout, stderr)
	if done || err != nil {
		return c, "", err
	}
	err = c.check(command)
	return c, command, err
}

func needData(files []string) error {
	if len(files) == 0 {
		return errors.New("--data is missing: which files?")
	}
	return nil
}

// check reports every fault at once.
func (c *config) check(command string) error {
	var errs []error
	switch command {
	case "run":
		errs = append(errs, c.Run.complete(), c.Run.load())
	case "rollback", "rollback <version>":
		defaultLake(&c.Rollback.Lake)
		errs = append(errs, c.Rollback.check())
	case "score":
		defaultLake(&c.Score.Lake)
	case "record":
		errs = append(errs, c.Record.complete())
	case "challenge", "challenge <version>":
		errs = append(errs, c.Challenge.complete())
	case "models":
		defaultLake(&c.Models.Lake)
	case "report":
		defaultLake(&c.Report.Lake)
		errs = append(errs, c.Report.load())
	case "publish <model>":
		defaultLake(&c.Publish.Lake)
	case "taxonomy":
		errs = append(errs, c.Taxonomy.load(), needData(c.Taxonomy.Data), taxonomyConfig{MinClassRows: c.Taxonomy.MinClassRows}.check())
	case "train":
		errs = append(errs, c.Train.load(), needData(c.Train.Data), c.Train.taxonomyConfig.check())
		if c.Train.Folds < 2 {
			errs = append(errs, fmt.Errorf("--folds is %d and must be at least 2", c.Train.Folds))
		}
		if p := c.Train.ReviewPrecision; !(p > 0 && p <= 1) {
			errs = append(errs, fmt.Errorf("--review-precision is %v and must be above 0 and at most 1", p))
		}
	case "evaluate":
		errs = append(errs, c.Evaluate.load(), needData(c.Evaluate.Data), c.Evaluate.taxonomyConfig.check())
		if ways := c.Evaluate.ways(); ways != 1 {
			errs = append(errs, fmt.Errorf("one of --model DIR, --folds N and --test FILE is needed, and %d are there", ways))
		}
		if f := c.Evaluate.Folds; f != 0 && f < 2 {
			errs = append(errs, fmt.Errorf("--folds is %d and must be at least 2", f))
		}
		if _, err := fit.Named(c.Evaluate.Recipe); err != nil {
			errs = append(errs, err)
		}
	case "bootstrap":
		if n := c.Bootstrap.SampleRows; n < 1 {
			errs = append(errs, fmt.Errorf("--sample-rows is %d and must be at least 1", n))
		}
	}
	return errors.Join(errs...)
}
