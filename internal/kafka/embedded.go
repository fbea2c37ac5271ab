package kafka

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Embedded is a broker inside the process, for trying things out: any Kafka
// client can talk to it, transactions included, and its topics stay on disk
// between runs. It has one node and no replicas, so it is not for production.
type Embedded struct {
	cluster *kfake.Cluster
	// Brokers is where it listens.
	Brokers []string
}

// StartEmbedded starts the broker on addr (host:port; port 0 takes a free one)
// with its data in dir.
func StartEmbedded(addr, dir string, log *slog.Logger) (*Embedded, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: port %q: %w", portText, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(port),
		// kfake would listen on 127.0.0.1; the address is the user's to choose.
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			_, p, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return net.Listen(network, net.JoinHostPort(host, p))
		}),
		kfake.DataDir(dir),
		// An acknowledged complaint survives a power loss.
		kfake.SyncWrites(),
	)
	if err != nil {
		return nil, fmt.Errorf("embedded broker on %s with its data in %s (is another one running?): %w", addr, dir, err)
	}
	e := &Embedded{cluster: cluster, Brokers: cluster.ListenAddrs()}
	log.Info("embedded broker started: for trying out, not for production", "addr", e.Brokers[0], "dir", dir)
	return e, nil
}

// Close stops the broker and syncs its data.
func (e *Embedded) Close() { e.cluster.Close() }
