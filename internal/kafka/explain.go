package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ExplainProduce says of which topic a record is that could not be written, and
// where this machine's clock is at fault, what it shows.
func ExplainProduce(r *kgo.Record, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.InvalidTimestamp):
		return fmt.Errorf("topic %s refuses the timestamp %s of a message, and this machine's clock shows %s; is the clock wrong? (message.timestamp.before.max.ms and after.max.ms of the topic are its bounds): %w",
			r.Topic, r.Timestamp.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339), err)
	}
	return fmt.Errorf("topic %s: %w", r.Topic, err)
}
