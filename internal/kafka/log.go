package kafka

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// WithLogger writes what a client has to say into the program's log: warnings and
// errors always, all else where the log is at its most talkative, since the client
// counts each rebalance and each request as information.
func WithLogger(log *slog.Logger) kgo.Opt {
	return kgo.WithLogger(clientLog{kslog.New(log.With("from", "kafka client")), log})
}

type clientLog struct {
	*kslog.Logger
	to *slog.Logger
}

// Level is the least level that the client writes.
func (l clientLog) Level() kgo.LogLevel {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return min(l.Logger.Level(), kgo.LogLevelWarn)
}

// Log writes information of the client as debug.
func (l clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level == kgo.LogLevelInfo {
		level = kgo.LogLevelDebug
	}
	l.Logger.Log(level, msg, keyvals...)
}

// silence is how long brokers may say nothing before the log says so.
const silence = 5 * time.Second

// warnOfSilence warns every few seconds until stop is called: a client that
// connects to a port which never answers waits without a word.
func warnOfSilence(cl *kgo.Client) (stop func()) {
	began := time.Now()
	log, _ := cl.OptValue(kgo.WithLogger).(kgo.Logger)
	brokers, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(silence)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if log != nil && log.Level() >= kgo.LogLevelWarn {
				log.Log(kgo.LogLevelWarn, "Kafka has not answered yet; do --brokers name its port, and does it speak TLS or not as set?",
					"brokers", brokers, "waited", time.Since(began).Round(time.Second).String())
			}
		}
	}()
	return func() { close(done); <-ended }
}
