package kafka_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"complaints/internal/kafka"
	"complaints/internal/kafka/kafkatest"
)

// silentPort takes connections and never answers.
func silentPort(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		for b := make([]byte, 1<<10); ; {
			if _, err := server.Read(b); err != nil {
				return
			}
		}
	}()
	return client, nil
}

func TestAPortThatNeverAnswersIsLoggedWithinTenSeconds(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *kgo.Client) error{
		"EnsureTopics": func(ctx context.Context, cl *kgo.Client) error {
			_, err := kafka.EnsureTopics(ctx, cl, kafka.TopicConfig{Partitions: 1, Replication: -1})
			return err
		},
		"FindTopics": func(ctx context.Context, cl *kgo.Client) error {
			_, err := kafka.FindTopics(ctx, cl, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				cl, err := kgo.NewClient(kgo.SeedBrokers("broker:9092"), kgo.Dialer(silentPort),
					kafka.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
				if err != nil {
					t.Fatal(err)
				}
				defer cl.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := ask(ctx, cl); err == nil {
					t.Error("no error")
				}
				if !strings.Contains(out.String(), "Kafka has not answered yet") || !strings.Contains(out.String(), "broker:9092") {
					t.Errorf("after 10 s the log is %q", out.String())
				}
			})
		})
	}
}

// A client that reports each rebalance as information would fill the log.
func TestClientLogHasWarningsOnly(t *testing.T) {
	c := kafkatest.Start(t, kfake.SeedTopics(1, "t"))
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		var out bytes.Buffer
		cl, err := kgo.NewClient(append(c.Opts, kafka.WithLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))),
			kgo.ConsumeTopics("t"), kgo.ConsumerGroup("g"))...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		cl.PollFetches(ctx)
		cancel()
		cl.Close()
		if got := strings.Contains(out.String(), "from=\"kafka client\""); got != want || strings.Contains(out.String(), "level=INFO") {
			t.Errorf("at level %s the log is %q", level, out.String())
		}
	}
	var out bytes.Buffer
	refused := kgo.Dialer(func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed })
	cl, err := kgo.NewClient(append(c.Opts, kafka.WithLogger(slog.New(slog.NewTextHandler(&out, nil))), refused)...)
	if err != nil {
		t.Fatal(err)
	}
	_ = cl.Ping(t.Context())
	cl.Close()
	if !strings.Contains(out.String(), "unable to open connection to broker") {
		t.Errorf("a refused connection is logged as %q", out.String())
	}
}
