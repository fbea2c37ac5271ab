// Command demo shows the whole path once, with nothing but Go: a broker and a
// lake on this machine, a sample of real complaints published, classified and
// kept, and the proof that none was lost or repeated. It runs the programs as a
// user would. Its last line is JSON.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct {
	bin, data, broker string
	out               io.Writer
}

// result is the last line.
type result struct {
	Published    int64   `json:"published"`
	Classified   int64   `json:"classified"`
	DeadLettered int64   `json:"dead_lettered"`
	GoldRows     int64   `json:"gold_rows"`
	GoldObjects  int64   `json:"gold_objects"`
	Accuracy     float64 `json:"accuracy"`
	Seconds      float64 `json:"seconds"`
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	d := &demo{out: out}
	flags.StringVar(&d.bin, "bin", "bin", "folder of the built programs")
	flags.StringVar(&d.data, "data", "data/demo", "folder of the broker and the lake; emptied at the start")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := d.prepare(); err != nil {
		return err
	}
	started := time.Now()
	stop, err := d.startConsumer(ctx)
	if err != nil {
		return err
	}
	var r result
	if err = d.waitBroker(ctx); err == nil {
		r, err = d.story(ctx)
	}
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	r.Seconds = time.Since(started).Round(time.Millisecond).Seconds()
	fmt.Fprintf(out, `
Gold lies in %[1]s/lake/gold/complaints/. Ask it with DuckDB:

  SELECT category, count(*), avg(probability) FROM read_parquet('%[1]s/lake/gold/complaints/*/*.parquet', hive_partitioning = true) GROUP BY ALL;

or, with the lake in S3, with Athena: see README.md.

`, d.data)
	return json.NewEncoder(out).Encode(r)
}

// prepare empties the folder of an earlier run and looks for a free port.
func (d *demo) prepare() error {
	if entries, err := os.ReadDir(d.data); err == nil && len(entries) > 0 {
		fmt.Fprintf(d.out, "Removing what an earlier run left in %s.\n", d.data)
		for _, part := range []string{"kafka", "lake", "consumer.log"} {
			if err := os.RemoveAll(filepath.Join(d.data, part)); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(d.data, 0o755); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.broker = l.Addr().String()
	return l.Close()
}

// startConsumer starts the broker, the classifier and the sink in one process.
// The returned function ends it in order.
func (d *demo) startConsumer(ctx context.Context) (stop func() error, err error) {
	log, err := os.Create(filepath.Join(d.data, "consumer.log"))
	if err != nil {
		return nil, err
	}
	cmd := d.program(ctx, "consumer", "--embedded", "--embedded-addr", d.broker, "--data", d.data,
		"--roles", "classify,sink", "--idle-flush", "1s")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	fmt.Fprintf(d.out, "Started a consumer with an embedded broker on %s; its log is %s.\n", d.broker, log.Name())
	return func() error {
		defer func() { _ = log.Close() }()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("consumer (see %s): %w", log.Name(), err)
		}
		return nil
	}, nil
}

// program runs without the settings of the programs that the user has in the
// environment: they may name a real lake, where the sample does not belong.
func (d *demo) program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, name), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "COMPLAINTS_") })
	return cmd
}

// startTime is how long the consumer may take until its broker answers.
const startTime = 20 * time.Second

func (d *demo) waitBroker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.broker)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the embedded broker did not start: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// story publishes the sample, waits until it lies in gold, and looks at it.
func (d *demo) story(ctx context.Context) (result, error) {
	var published struct {
		Published int64 `json:"published"`
	}
	if err := d.json(ctx, &published, "producer", "--sample", "--brokers", d.broker, "--json"); err != nil {
		return result{}, err
	}
	fmt.Fprintf(d.out, "Published %d real complaints that the model has not seen.\n", published.Published)

	lake := "file://" + filepath.ToSlash(d.data) + "/lake"
	verify := []string{"verify", "--brokers", d.broker, "--lake", lake, "--wait", "90s"}
	var proof struct {
		Results struct {
			Classified   int64 `json:"classified"`
			DeadLettered int64 `json:"dead_lettered"`
		} `json:"results"`
	}
	if err := d.json(ctx, &proof, "consumer", append(verify, "--json")...); err != nil {
		return result{}, err
	}
	fmt.Fprintf(d.out, "Verified: %d classified and %d dead-lettered, each once, and gold holds each once.\n\n", proof.Results.Classified, proof.Results.DeadLettered)

	summary := []string{"summary", "--lake", lake}
	table, err := d.command(ctx, "consumer", summary...)
	if err != nil {
		return result{}, err
	}
	if _, err := d.out.Write(table); err != nil {
		return result{}, err
	}
	var gold struct {
		Rows     int64   `json:"gold_rows"`
		Objects  int64   `json:"gold_objects"`
		Accuracy float64 `json:"accuracy"`
	}
	err = d.json(ctx, &gold, "consumer", append(summary, "--json")...)
	return result{
		Published: published.Published, Classified: proof.Results.Classified, DeadLettered: proof.Results.DeadLettered,
		GoldRows: gold.Rows, GoldObjects: gold.Objects, Accuracy: gold.Accuracy,
	}, err
}

// json runs a program and reads the JSON that it prints.
func (d *demo) json(ctx context.Context, into any, program string, args ...string) error {
	out, err := d.command(ctx, program, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s printed %q: %w", program, out, err)
	}
	return nil
}

func (d *demo) command(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := d.program(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %v: %w\n%s%s", program, args, err, out, stderr.Bytes())
	}
	return out, nil
}
