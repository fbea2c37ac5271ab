//go:build servers && failpoint

package chaos

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	long     = flag.Bool("chaos.long", false, "run all rows, each with more faults")
	parallel = flag.Int("chaos.parallel", 4, "how many rows run at once")
	only     = flag.String("chaos.only", "", "run the rows whose names match this regular expression, those of the long matrix too")
)

// sharedEnv is what all rows share. Tests that look at it go past its proxies.
type sharedEnv struct {
	tb      testing.TB
	kafka   *servers.KafkaServer
	s3      *servers.S3Server
	program string // the consumer as it is, with failpoints
	client  *kgo.Client
	admin   *kadm.Client
}

func newSharedEnv(tb testing.TB) *sharedEnv {
	tb.Helper()
	w := &sharedEnv{
		tb: tb,
		kafka: servers.Kafka(tb, servers.Proxied(),
			// A process that is gone loses its partitions after 3 s, which the default forbids.
			servers.Property("group.min.session.timeout.ms", "1000"),
			// Readers of committed records wait for transactions of the dead; the default looks for them every 10 s.
			servers.Property("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000")),
		s3: servers.VersityGW(tb),
	}
	var err error
	if w.client, err = kgo.NewClient(kgo.SeedBrokers(w.kafka.Internal...)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.client.Close)
	w.admin = kadm.NewClient(w.client)
	w.admin.SetTimeoutMillis(int32(time.Minute / time.Millisecond))
	w.program = filepath.Join(tb.TempDir(), "consumer")
	build(tb, "-o", w.program, "./consumer")
	return w
}

// nameOf makes a name of topics, groups and folders of a row's.
func nameOf(row string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '-'
	}, row)
}

// outcome is a line of the table.
type outcome struct {
	fault              string
	injected, messages int64
	counted            bool
	lost, repeated     int64
	restarts           int64 // of consumers that ended by themselves, as a supervisor starts them
	recovered          time.Duration
	report             []byte // of consumer verify --json
	err                error
}

// errNotInjected says that a row could not bring its fault about.
var errNotInjected = errors.New("the fault was not injected")

// notInjected says whether the row says nothing of the program.
func (o outcome) notInjected() bool {
	return errors.Is(o.err, errNotInjected) || o.err == nil && o.injected == 0 && o.lost == 0 && o.repeated == 0
}

// failure says what is wrong, or nil.
func (o outcome) failure() error {
	if o.err != nil {
		return o.err
	}
	if o.lost > 0 || o.repeated > 0 {
		return fmt.Errorf("%d lost, %d repeated", o.lost, o.repeated)
	}
	if o.injected == 0 {
		return errNotInjected
	}
	return nil
}
