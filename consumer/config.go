package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"slices"
	"time"

	"complaints/consumer/classify"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/internal/mapping"
	"complaints/internal/settings"
	"complaints/internal/wireformat"
	"complaints/schema"

	"github.com/alecthomas/kong"
)

// cli is the whole command line; see package settings for what else is read.
type cli struct {
	settings.Common

	Run         runConfig         `cmd:"" default:"withargs" help:"Run the roles until stopped (the default command)."`
	Verify      verifyConfig      `cmd:"" help:"Prove on the running system that nothing was lost or repeated; exit status 1 if something was."`
	Summary     summaryConfig     `cmd:"" help:"Print what gold holds, by category."`
	Compact     compactConfig     `cmd:"" help:"Copy the rows of closed days into few large objects; nothing is deleted."`
	Erase       eraseConfig       `cmd:"" help:"Erase complaints from the lake, from all layers and compacted copies; Kafka's topics are not touched."`
	Trace       traceConfig       `cmd:"" help:"Account for what was decided about one complaint: its rows, its result again, why, and how the model came to serve."`
	Replay      replayConfig      `cmd:"" name:"replay-dead-letters" help:"Publish dead letters again to the complaints topic, each once."`
	Healthcheck healthcheckConfig `cmd:"" help:"Ask the process that serves HTTP on this machine whether it lives; exit status 1 if not."`
}

// shared is what all commands need.
type shared struct {
	Kafka    kafka.Config      `embed:"" group:"Kafka"`
	Topics   kafka.TopicConfig `embed:"" group:"Kafka"`
	Group    string            `help:"Prefix of the consumer groups and transactional ids." default:"complaints" group:"Kafka"`
	Lake     lake.Config       `embed:"" group:"Lake"`
	LogLevel string            `help:"Least level that is logged: ${enum}." enum:"debug,info,warn,error" default:"info"`
}

func (s *shared) classifyGroup() string { return s.Group + "-classify" }
func (s *shared) sinkGroup() string     { return s.Group + "-sink" }

// runConfig is the configuration of the roles.
type runConfig struct {
	shared

	Roles    []string `help:"What this process does, of classify, sink and api." enum:"classify,sink,api" default:"classify,sink,api"`
	Instance string   `help:"Stable name of this process, unique among the consumers; default: the host's name." placeholder:"NAME"`

	SessionTimeout time.Duration `help:"After how long without a sign of life the groups give this process's partitions to others." default:"45s" group:"Kafka"`

	Sessions     int           `help:"Transactions in flight; 0 is one a core." default:"0" group:"Classify"`
	BatchRecords int           `help:"Most messages in a micro-batch, which is one transaction." default:"5000" group:"Classify"`
	BatchWait    time.Duration `help:"How long a micro-batch waits for more messages." default:"20ms" group:"Classify"`
	MaxTextBytes int           `help:"Longest text that is classified, bytes; longer ones are dead-lettered." default:"${max_text_bytes}" group:"Classify"`
	Mapping      string        `help:"Where messages and files have the fields: bureau, connect, debezium, cloudevents, or a YAML file." default:"bureau" placeholder:"FILE"`
	From         classify.From `help:"Where to start when a committed offset is missing or unusable: outputs (after the last result) or start (all again)." enum:",outputs,start" default:"" group:"Classify"`

	Registry wireformat.Config `embed:"" group:"Classify"`

	AllowBootstrap bool          `help:"Serve the built-in model where none was published." group:"Model"`
	ModelPoll      time.Duration `help:"How often to look for a new champion." default:"30s" group:"Model"`
	DriftWindow    time.Duration `help:"How far back complaints are compared with those that the model was judged on." default:"24h" group:"Model"`

	Layers       []schema.Layer `help:"Layers of the lake to write, of bronze, silver, gold and labels; the same in all sinks of a group, since each partition has one." enum:"bronze,silver,gold,labels" default:"bronze,silver,gold,labels" group:"Lake"`
	GoldExtra    []string       `help:"Members that are no field of ours and that gold has in its column extra, as they came: personal data in them is not masked. A name with dots is a path." placeholder:"NAME" group:"Lake"`
	RollRows     int            `help:"Rows of a partition and layer after which objects are written." default:"200000" group:"Lake"`
	RollBytes    int64          `help:"Buffered bytes of a partition and layer after which objects are written." default:"67108864" group:"Lake"`
	RollAge      time.Duration  `help:"Age of the oldest buffered record at which objects are written." default:"5m" group:"Lake"`
	IdleFlush    time.Duration  `help:"Write objects when a partition had no record for that long; 0 is not for that." default:"0s" group:"Lake"`
	MemoryBudget int64          `help:"Bytes of memory that the sink may take. A fifth of it holds what is read and not in the lake yet; partitions pause at that." default:"536870912" group:"Lake"`
	AcceptLoss   bool           `help:"Go on where messages were removed from Kafka before they reached the lake; the hole is recorded." group:"Lake"`

	Embedded     bool          `help:"Run a broker inside this process and keep the lake below --data: for trying out." group:"Trying out"`
	EmbeddedAddr string        `help:"Where the embedded broker listens." default:"127.0.0.1:9092" group:"Trying out"`
	Data         string        `help:"Folder of the embedded broker and lake." default:"./data" group:"Trying out"`
	ExitWhenIdle bool          `help:"End when all is classified and flushed." group:"Trying out"`
	IdleFor      time.Duration `help:"How long no message may come before that." default:"3s" group:"Trying out"`

	HTTPAddr            string        `name:"http-addr" help:"Where to serve HTTP: predictions with the role api, health and metrics with any; default 127.0.0.1:8000 for the role api, else nowhere, so that several consumers fit one machine." placeholder:"HOST:PORT" group:"HTTP"`
	HTTPToken           string        `name:"http-token" help:"Bearer token that predictions ask for; better given by the environment, or as a file by COMPLAINTS_HTTP_TOKEN_FILE." placeholder:"SECRET" secret:"" group:"HTTP"`
	HTTPCORSOrigins     []string      `name:"http-cors-origin" help:"Origins whose web pages may ask this server, such as https://example.org; * is all." placeholder:"ORIGIN" group:"HTTP"`
	HTTPMaxTexts        int           `name:"http-max-texts" help:"Most texts a request." default:"1000" group:"HTTP"`
	HTTPMaxExplained    int           `name:"http-max-explained" help:"Most texts a request that asks for explanations, which cost many times a prediction." default:"100" group:"HTTP"`
	HTTPMaxRequestBytes int           `name:"http-max-request-bytes" help:"Largest request with texts, bytes; files have no limit." default:"4194304" group:"HTTP"`
	HTTPMaxInFlight     int           `name:"http-max-in-flight" help:"Requests with texts at the same time, beyond which answers are 503; 0 is 32 a core." default:"0" group:"HTTP"`
	HTTPTimeout         time.Duration `name:"http-timeout" help:"How long a request may take; of a file, how long its client may neither send nor read." default:"30s" group:"HTTP"`
	HTTPMaxScratchBytes int64         `name:"http-max-scratch-bytes" help:"Most bytes of results of one file that wait in a scratch file (below TMPDIR) for a client that reads only when it has sent all." default:"2147483648" group:"HTTP"`

	DrainTimeout time.Duration `help:"How long the work in hand may take at shutdown." default:"30s"`

	mapping *schema.Mapping // of Mapping
}

// verifyConfig is the configuration of consumer verify.
type verifyConfig struct {
	shared
	Layers     []schema.Layer `help:"Layers of the lake to check, of bronze, silver, gold and labels: those that the sinks write." enum:"bronze,silver,gold,labels" default:"bronze,silver,gold,labels"`
	Data       string         `help:"Folder of the embedded lake, where --lake is not given." default:"./data"`
	BronzeDays int            `help:"Days after which the bucket removes bronze (its lifecycle rule); what is missing of older days is no gap. 0: it is kept." default:"0"`
	Wait       time.Duration  `help:"Wait that long at most until all that is published now is classified and flushed."`
	JSON       bool           `name:"json" help:"Print the report as one line of JSON."`
}

// compactConfig is the configuration of consumer compact.
type compactConfig struct {
	Lake     lake.Config    `embed:"" group:"Lake"`
	Data     string         `help:"Folder of the embedded lake, where --lake is not given." default:"./data"`
	Layers   []schema.Layer `help:"Layers to compact, of silver, gold and labels." enum:"silver,gold,labels" default:"silver,gold,labels"`
	Day      []schema.Day   `env:"-" help:"Days to compact, YYYY-MM-DD, beside those that were compacted before, which get what came late. Default: all that are over." placeholder:"DAY"`
	Grace    time.Duration  `help:"How long a day must be over." default:"24h"`
	MaxBytes int64          `help:"Bytes of the objects that become one." default:"67108864"`
	View     bool           `help:"Print the statements that make the views gold_all, silver_all and labels_all read the large objects, for Athena or Trino."`
	JSON     bool           `name:"json" help:"Print what was done as one line of JSON."`
}

// eraseConfig is the configuration of consumer erase.
type eraseConfig struct {
	shared
	Data        string `help:"Folder of the embedded lake, where --lake is not given." default:"./data"`
	ComplaintID string `name:"complaint-id" help:"Id of the complaint, as complaint_id in gold says it." placeholder:"ID"`
	From        string `env:"-" help:"File with the ids of complaints, one a line, all erased in one pass over each object." placeholder:"FILE"`
	Mapping     string `help:"Where messages have the fields, as the consumer that classified them was told." default:"bureau" placeholder:"FILE"`
	DryRun      bool   `env:"-" help:"Only print what would be changed."`
	LakeOnly    bool   `env:"-" help:"Ask Kafka not how long its topics keep the messages."`
	JSON        bool   `name:"json" help:"Print what was done as one line of JSON."`
}

// traceConfig is the configuration of consumer trace.
type traceConfig struct {
	shared
	Registry    wireformat.Config `embed:"" group:"Kafka"`
	Mapping     string            `help:"Where messages have the fields, as the consumer that classified them was told." default:"bureau" placeholder:"FILE"`
	Data        string            `help:"Folder of the embedded lake, where --lake is not given." default:"./data"`
	ComplaintID string            `name:"complaint-id" required:"" help:"Id of the complaint, as complaint_id in gold says it." placeholder:"ID"`
	Day         []schema.Day      `env:"-" help:"Days of the complaint's results, YYYY-MM-DD, as dt in gold says them: no other day of the lake is searched, nor Kafka." placeholder:"DAY"`
	All         bool              `env:"-" help:"Search all days of the lake, also where Kafka still has a result."`
	LakeOnly    bool              `env:"-" help:"Ask Kafka nothing."`
	Text        bool              `env:"-" help:"Print the text too, as it was received where that is left."`
	JSON        bool              `name:"json" help:"Print the report as one line of JSON."`
}

func (c *traceConfig) complete() error {
	var errs []error
	if c.ComplaintID == "" {
		errs = append(errs, errors.New("--complaint-id is empty; it would be that of every row that has none"))
	}
	for _, day := range c.Day {
		if _, err := time.Parse(time.DateOnly, string(day)); err != nil {
			errs = append(errs, fmt.Errorf("--day %q: want YYYY-MM-DD", day))
		}
	}
	embeddedLake(&c.Lake, c.Data)
	return errors.Join(errs...)
}

// replayConfig is the configuration of consumer replay-dead-letters.
type replayConfig struct {
	shared
	Reasons     []schema.Reason `env:"-" name:"reason" help:"Reasons whose dead letters are replayed; default: all. One group a reason remembers how far." placeholder:"REASON"`
	MaxAttempts int             `help:"How often a message is replayed at most." default:"3"`
	DryRun      bool            `env:"-" help:"Only count."`
	JSON        bool            `name:"json" help:"Print the counts as one line of JSON."`
}

func (c *replayConfig) complete() error {
	if len(c.Reasons) == 0 {
		c.Reasons = schema.Reasons()
	}
	var errs []error
	for _, r := range c.Reasons {
		if !slices.Contains(schema.Reasons(), r) {
			errs = append(errs, fmt.Errorf("--reason %q: want one of %v", r, schema.Reasons()))
		}
	}
	if c.MaxAttempts < 1 {
		errs = append(errs, fmt.Errorf("--max-attempts is %d, want at least 1", c.MaxAttempts))
	}
	return errors.Join(errs...)
}

// summaryConfig is the configuration of consumer summary.
type summaryConfig struct {
	Lake lake.Config `embed:""`
	Data string      `help:"Folder of the embedded lake, where --lake is not given." default:"./data"`
	Day  string      `env:"-" help:"Only this day of Kafka timestamps, YYYY-MM-DD." placeholder:"DAY"`
	JSON bool        `name:"json" help:"Print it as one line of JSON."`
}

func (c *runConfig) has(role string) bool { return slices.Contains(c.Roles, role) }

// parse reads the command line; done says that it only asked for help or the
// version.
func parse(args []string, stdout, stderr io.Writer) (command string, c *cli, done bool, err error) {
	c = new(cli)
	command, done, err = settings.Parse(c, settings.Program{
		Name: "consumer", Description: "Classifies the complaints of a Kafka topic, keeps them in a lake, and answers over HTTP.",
		Version: version, Vars: kong.Vars{"max_text_bytes": fmt.Sprint(schema.DefaultMaxTextBytes)},
	}, args, stdout, stderr)
	if done || err != nil {
		return "", c, done, err
	}
	switch command {
	case "run":
		err = c.Run.complete()
	case "compact":
		embeddedLake(&c.Compact.Lake, c.Compact.Data)
	case "erase":
		embeddedLake(&c.Erase.Lake, c.Erase.Data)
		if c.Erase.ComplaintID == "" && c.Erase.From == "" {
			err = errors.New("--complaint-id is empty, and --from is not given; an empty id would be that of every row that has none")
		}
	case "trace":
		err = c.Trace.complete()
	case "replay-dead-letters":
		err = c.Replay.complete()
	case "verify":
		embeddedLake(&c.Verify.Lake, c.Verify.Data)
		if c.Verify.BronzeDays < 0 {
			err = fmt.Errorf("--bronze-days is %d, want 0 or more", c.Verify.BronzeDays)
		}
	case "summary":
		embeddedLake(&c.Summary.Lake, c.Summary.Data)
		if _, wrong := time.Parse(time.DateOnly, c.Summary.Day); c.Summary.Day != "" && wrong != nil {
			err = fmt.Errorf("--day %q: want YYYY-MM-DD", c.Summary.Day)
		}
	}
	return command, c, false, err
}

// embeddedLake is the lake where none is named.
func embeddedLake(l *lake.Config, data string) {
	if l.URL == "" {
		l.URL = "file://" + data + "/lake"
	}
}

// complete fills in what depends on the machine, and reports all faults at once.
func (c *runConfig) complete() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var err error
	if c.mapping, err = mapping.Load(c.Mapping); err != nil {
		fault("--mapping: %w", err)
	}
	if c.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			fault("--instance is not given and the host has no name: %w", err)
		}
		c.Instance = host
	}
	if c.Sessions == 0 {
		c.Sessions = runtime.GOMAXPROCS(0)
	}
	if c.Embedded {
		c.Kafka.Brokers = []string{c.EmbeddedAddr}
		embeddedLake(&c.Lake, c.Data)
	}
	if c.has("sink") && c.Lake.URL == "" {
		fault("--lake is not given: the role sink writes there, s3://bucket/prefix or file://dir")
	}
	if c.HTTPAddr == "" && c.has("api") {
		c.HTTPAddr = "127.0.0.1:8000"
	}
	if c.ExitWhenIdle && c.IdleFlush == 0 {
		c.IdleFlush = c.IdleFor / 2
	}
	for _, n := range []struct {
		flag  string
		value int64
	}{
		{"--sessions", int64(c.Sessions)},
		{"--batch-records", int64(c.BatchRecords)},
		{"--max-text-bytes", int64(c.MaxTextBytes)},
		{"--roll-rows", int64(c.RollRows)},
		{"--roll-bytes", c.RollBytes},
		{"--roll-age", int64(c.RollAge)},
		{"--memory-budget", c.MemoryBudget},
		{"--model-poll", int64(c.ModelPoll)},
		{"--drift-window", int64(c.DriftWindow)},
		{"--idle-for", int64(c.IdleFor)},
		{"--session-timeout", int64(c.SessionTimeout)},
		{"--http-max-texts", int64(c.HTTPMaxTexts)},
		{"--http-max-explained", int64(c.HTTPMaxExplained)},
		{"--http-max-request-bytes", int64(c.HTTPMaxRequestBytes)},
		{"--http-timeout", int64(c.HTTPTimeout)},
		{"--http-max-scratch-bytes", c.HTTPMaxScratchBytes},
		{"--drain-timeout", int64(c.DrainTimeout)},
	} {
		if n.value <= 0 {
			fault("%s is %d, want more than 0", n.flag, n.value)
		}
	}
	if c.HTTPMaxInFlight < 0 {
		fault("--http-max-in-flight is %d, want 0 or more", c.HTTPMaxInFlight)
	}
	for _, o := range c.HTTPCORSOrigins {
		// What browsers send: no path, not even a slash.
		if u, err := url.Parse(o); o != "*" && (err != nil || u.Host == "" || o != u.Scheme+"://"+u.Host) {
			fault("--http-cors-origin is %q, want scheme and host such as https://example.org, or *", o)
		}
	}
	if _, err := c.Registry.Open(); err != nil {
		errs = append(errs, err)
	}
	if c.BatchWait < 0 {
		fault("--batch-wait is %s, want 0 or more", c.BatchWait)
	}
	return errors.Join(errs...)
}
