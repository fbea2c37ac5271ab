package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"complaints/internal/kafka"
	"complaints/internal/mapping"
	"complaints/internal/settings"
	"complaints/schema"

	"github.com/alecthomas/kong"
)

// config is the whole command line; see package settings for what else is read.
type config struct {
	settings.Common

	Files  []string `arg:"" optional:"" help:"Complaint files: CSV, JSON lines, a JSON list or an answer of an API; plain, gzip, zstd or zip; - is standard input." name:"file"`
	Sample bool     `help:"Publish the built-in sample of real complaints."`
	Labels bool     `env:"-" help:"The files hold labels, what people say that the category of a complaint is: CSV whose columns are named as the fields, or JSON lines."`
	API    bool     `name:"api" help:"Publish what the Bureau's search API has."`

	Strict     bool   `help:"Stop at a broken row, or a value that cannot be used, with exit status 3, instead of counting it."`
	AllowEmpty bool   `help:"Take it for a success too if rows are read and none of them can be published."`
	Dates      string `help:"How to read 3/11/2024: month-first, as the Bureau writes it, or day-first." enum:"month-first,day-first" default:"month-first" placeholder:"ORDER"`

	Mapping  string `help:"Where the files have the fields: bureau, connect, debezium, cloudevents, or a YAML file." default:"bureau" placeholder:"FILE"`
	Taxonomy string `env:"-" help:"The categories of labels: a taxonomy's JSON, as trainer taxonomy writes it. Without it the Bureau's five." placeholder:"FILE" type:"path"`

	Rate   float64 `help:"Most messages a second; 0 is no limit." placeholder:"N"`
	Limit  int64   `help:"Stop after that many messages; 0 is no limit." placeholder:"N"`
	Repeat int     `help:"How often to publish the files, for load; from the second time on the ids get a suffix. 0 repeats until --limit." default:"1"`
	Resume string  `help:"File that remembers what was acknowledged, so that the next run goes on behind it." placeholder:"FILE" type:"path"`
	JSON   bool    `name:"json" help:"Print the summary as one line of JSON."`

	Since      string        `help:"First day to ask for (YYYY-MM-DD), where --resume remembers none." placeholder:"DATE" group:"API"`
	APIURL     string        `name:"api-url" help:"The search API." default:"https://www.consumerfinance.gov/data-research/consumer-complaints/search/api/v1/" group:"API"`
	APIPage    int           `name:"api-page" help:"Complaints a request." default:"1000" group:"API"`
	APIPause   time.Duration `name:"api-pause" help:"Pause between requests; the Bureau allows 20 a minute." default:"3s" group:"API"`
	APIOverlap int           `name:"api-overlap" help:"Days before the last one seen that are asked for again: the Bureau publishes a complaint up to 15 days after it was received. What was published is not published twice." default:"16" group:"API"`

	Kafka  kafka.Config      `embed:"" group:"Kafka"`
	Topics kafka.TopicConfig `embed:"" group:"Kafka"`
	Linger time.Duration     `help:"How long a message waits for others to share its batch." default:"10ms" group:"Kafka"`

	DeliveryTimeout time.Duration `help:"How long a message may take to be acknowledged before the run fails." default:"2m" group:"Kafka"`
	DrainTimeout    time.Duration `help:"How long the messages in flight may take at shutdown." default:"30s" group:"Kafka"`
	MaxTextBytes    int           `help:"Longest text that the consumer classifies, bytes. Longer ones are said to become dead letters." default:"${max_text_bytes}" group:"Kafka"`

	mapping *schema.Mapping // of Mapping
}

// parse reads the command line; done says that it only asked for help or the
// version.
func parse(args []string, stdout, stderr io.Writer) (c *config, done bool, err error) {
	c = new(config)
	_, done, err = settings.Parse(c, settings.Program{
		Name: "producer", Version: version, Vars: kong.Vars{"max_text_bytes": strconv.Itoa(schema.DefaultMaxTextBytes)},
		Description: "Publishes complaints, or what people say of them, to a Kafka topic. Exit status: 0 published, or ended in order by a signal; 3 a broken row or value with --strict; 1 any other failure, also where rows are read and none is published.",
	}, args, stdout, stderr)
	if done || err != nil {
		return c, done, err
	}
	if err := c.check(); err != nil {
		return nil, false, err
	}
	return c, false, nil
}

// check reports all faults at once.
func (c *config) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	sources := 0
	for _, given := range []bool{len(c.Files) > 0, c.Sample, c.API} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		fault("give one of: files (- is standard input), --sample, --api")
	}
	stdin := slices.Contains(c.Files, "-")
	if stdin && len(c.Files) > 1 {
		fault("standard input (-) goes alone")
	}
	if c.Resume != "" && stdin {
		fault("--resume does not work with standard input, which cannot be recognised again")
	}
	if c.Repeat != 1 && (stdin || c.API) {
		fault("--repeat %d needs files or --sample, which can be read again", c.Repeat)
	}
	if c.Repeat != 1 && c.Resume != "" {
		fault("--repeat and --resume exclude each other")
	}
	if c.Labels && (len(c.Files) == 0 || c.Repeat != 1) {
		fault("--labels needs files, and goes without --repeat: the newest label of a complaint wins")
	}
	if c.Taxonomy != "" && !c.Labels {
		fault("--taxonomy needs --labels")
	}
	if c.Repeat == 0 && c.Limit == 0 {
		fault("--repeat 0 needs --limit")
	}
	errs = append(errs, c.checkAPI(), c.checkNumbers())
	var err error
	if c.mapping, err = mapping.Load(c.Mapping); err != nil {
		fault("--mapping: %w", err)
	}
	_, err = c.Kafka.Options()
	return errors.Join(append(errs, err)...)
}

func (c *config) checkAPI() error {
	var errs []error
	if _, err := time.Parse(time.DateOnly, c.Since); err != nil && c.Since != "" {
		errs = append(errs, fmt.Errorf("--since is %q, want YYYY-MM-DD", c.Since))
	}
	if c.API && c.Since == "" && c.Resume == "" {
		errs = append(errs, errors.New("--api needs --since, or --resume with the file of an earlier run"))
	}
	if c.Since != "" && !c.API {
		errs = append(errs, errors.New("--since needs --api"))
	}
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("--api-url is %q, want http:// or https:// and a host", c.APIURL))
	}
	return errors.Join(errs...)
}

func (c *config) checkNumbers() error {
	var errs []error
	for _, n := range []struct {
		flag         string
		value, least int64
	}{
		{"--limit", c.Limit, 0},
		{"--repeat", int64(c.Repeat), 0},
		{"--api-page", int64(c.APIPage), 1},
		{"--api-pause", int64(c.APIPause), 0},
		{"--api-overlap", int64(c.APIOverlap), 0},
		{"--linger", int64(c.Linger), 0},
		{"--delivery-timeout", int64(c.DeliveryTimeout), 1},
		{"--drain-timeout", int64(c.DrainTimeout), 1},
		{"--partitions", int64(c.Topics.Partitions), 1},
		{"--max-text-bytes", int64(c.MaxTextBytes), 1},
	} {
		if n.value < n.least {
			errs = append(errs, fmt.Errorf("%s is %d, want %d or more", n.flag, n.value, n.least))
		}
	}
	if !(c.Rate >= 0) {
		errs = append(errs, fmt.Errorf("--rate is %v, want 0 or more", c.Rate))
	}
	return errors.Join(errs...)
}

// dateOrder is how files write dates.
func (c *config) dateOrder() schema.DateOrder {
	if c.Dates == "day-first" {
		return schema.DayFirst
	}
	return schema.MonthFirst
}
