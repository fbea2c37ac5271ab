package settings

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

type cli struct {
	Common
	Run   runFlags   `cmd:"" default:"withargs"`
	Count countFlags `cmd:""`
}

type runFlags struct {
	Brokers  []string          `default:"127.0.0.1:9092"`
	Keys     map[string]string `placeholder:"FOLDER=KEY;…"`
	Age      time.Duration     `default:"5m"`
	Rows     int64             `default:"10"`
	Share    float64
	TLS      bool   `name:"tls"`
	Mode     string `enum:",fast,slow" default:""`
	Password string `secret:""`
	Force    bool   `env:"-"`
}

type countFlags struct {
	Only string `required:""`
}

var program = Program{Name: "counter", Version: "v1.2.3"}

func parse(t *testing.T, args ...string) (*cli, string, error) {
	t.Helper()
	var c cli
	var out bytes.Buffer
	_, _, err := Parse(&c, program, args, &out, io.Discard)
	return &c, out.String(), err
}

func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFlagsBeatTheEnvironmentAndThatBeatsTheFile(t *testing.T) {
	config := file(t, `
brokers: [a:1, "b,c:2"]
keys: {bronze: arn:1, silver: arn:2}
age: 90s
rows: 20
share: 0.5
tls: true
mode: fast
only: red # a flag of another command
`)
	t.Setenv("COMPLAINTS_CONFIG", config)
	t.Setenv("COMPLAINTS_ROWS", "30")
	t.Setenv("COMPLAINTS_AGE", "60s")
	c, _, err := parse(t, "--age", "30s")
	if err != nil {
		t.Fatal(err)
	}
	want := runFlags{
		Brokers: []string{"a:1", "b,c:2"}, Keys: map[string]string{"bronze": "arn:1", "silver": "arn:2"},
		Age: 30 * time.Second, Rows: 30, Share: 0.5, TLS: true, Mode: "fast",
	}
	if !reflect.DeepEqual(c.Run, want) {
		t.Errorf("got %+v\nwant %+v", c.Run, want)
	}
	if c, _, err := parse(t, "count"); err != nil || c.Count.Only != "red" {
		t.Errorf("a required flag from the file: %q, %v", c.Count.Only, err)
	}
}

func TestSecretsAsFiles(t *testing.T) {
	t.Setenv("COMPLAINTS_PASSWORD_FILE", file(t, "s3cret\n"))
	if c, _, err := parse(t); err != nil || c.Run.Password != "s3cret" {
		t.Errorf("got %q, %v", c.Run.Password, err)
	}
	if c, _, err := parse(t, "--password", "other"); err != nil || c.Run.Password != "other" {
		t.Errorf("a flag does not win: %q, %v", c.Run.Password, err)
	}
	t.Run("both", func(t *testing.T) {
		t.Setenv("COMPLAINTS_PASSWORD", "another")
		wants(t, "COMPLAINTS_PASSWORD and COMPLAINTS_PASSWORD_FILE are both set")
	})
	t.Run("empty", func(t *testing.T) {
		t.Setenv("COMPLAINTS_PASSWORD_FILE", file(t, "\n"))
		wants(t, "is empty")
	})
	t.Run("absent", func(t *testing.T) {
		t.Setenv("COMPLAINTS_PASSWORD_FILE", "/does/not/exist")
		wants(t, "/does/not/exist")
	})
	t.Run("no secret", func(t *testing.T) {
		t.Setenv("COMPLAINTS_ROWS_FILE", file(t, "7"))
		if c, _, err := parse(t); err != nil || c.Run.Rows != 10 {
			t.Errorf("got %d, %v", c.Run.Rows, err)
		}
	})
}

// wants parses the arguments and expects an error with each of the parts.
func wants(t *testing.T, parts ...string) {
	t.Helper()
	_, _, err := parse(t)
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("want an error with %q, got %v", part, err)
		}
	}
}

func TestFaultsOfTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		says    []string
	}{
		"unknown names":           {"brokers: a:1\nbrokerz: a:1\nlayer: gold\n", []string{`line 2: counter has no setting "brokerz"`, `line 3: counter has no setting "layer"`}},
		"twice":                   {"rows: 1\nrows: 2\n", []string{"line 2"}},
		"no names":                {"- rows\n", []string{"line 1"}},
		"no YAML":                 {"rows: [\n", []string{"yaml"}},
		"another type":            {"rows: many\n", []string{"--rows", "many"}},
		"none of the values":      {"mode: quick\n", []string{"--mode", "quick"}},
		"nested":                  {"brokers: [[a:1]]\n", []string{"--brokers", "line 1"}},
		"what to do, and not how": {"force: true\nversion: true\nconfig: other\n", []string{`"force"`, `"version"`, `"config"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("COMPLAINTS_CONFIG", file(t, c.content))
			wants(t, c.says...)
		})
	}
	t.Run("absent", func(t *testing.T) {
		t.Setenv("COMPLAINTS_CONFIG", "/does/not/exist")
		wants(t, "/does/not/exist")
	})
}

func TestTheEnvironmentDoesNotSayWhatToDo(t *testing.T) {
	t.Setenv("COMPLAINTS_VERSION", "1.2")
	t.Setenv("COMPLAINTS_PRINT_CONFIG", "true")
	t.Setenv("COMPLAINTS_FORCE", "true")
	if c, out, err := parse(t); err != nil || out != "" || c.Run.Force {
		t.Errorf("printed %q, force %t, %v", out, c.Run.Force, err)
	}
}

// TestPrintConfig also reads what was printed, and wants the same settings again.
func TestPrintConfig(t *testing.T) {
	t.Setenv("COMPLAINTS_PASSWORD", "s3cret")
	args := []string{"--brokers", `a:1,b\,c:2`, "--keys", "bronze=arn:1;silver=arn:2", "--tls", "--age", "90s", "--share", "0.25"}
	_, out, err := parse(t, append(args, "--print-config")...)
	const want = `age: 1m30s
brokers:
    - a:1
    - b,c:2
keys:
    bronze: arn:1
    silver: arn:2
mode: ""
# password is set, and not shown
rows: 10
share: 0.25
tls: true
`
	if err != nil || out != want {
		t.Errorf("printed %v\n%s\nwant\n%s", err, out, want)
	}
	if _, again, err := parse(t, "--config", file(t, out), "--print-config"); err != nil || again != out {
		t.Errorf("read again: %v\n%s", err, again)
	}
}

func TestASecretMustBeMarked(t *testing.T) {
	var c struct {
		Common
		APIToken string `name:"api-token"`
	}
	if _, _, err := Parse(&c, program, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "--api-token needs the tag secret") {
		t.Errorf("got %v", err)
	}
}
