package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"complaints/schema"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicConfig is how topics are created where they are absent.
type TopicConfig struct {
	TopicPrefix string `help:"Prefix of the topics' names." placeholder:"PREFIX"`
	Partitions  int32  `help:"Partitions of a topic that has to be created." default:"12"`
	Replication int16  `help:"Replicas of a topic that has to be created; -1 takes the cluster's default." default:"-1"`
}

// Topics are the topics as they stand on the cluster.
type Topics struct {
	schema.Topics
	// MaxMessageBytes of the source topic; the output topics take at least
	// MaxMessageBytes + schema.OutputHeadroomBytes.
	MaxMessageBytes int32
	// Config is how they are created where they are absent.
	Config TopicConfig
}

// OutputMaxBytes is the largest batch that the output topics surely take, bytes.
func (t Topics) OutputMaxBytes() int32 {
	return int32(min(int64(t.MaxMessageBytes)+schema.OutputHeadroomBytes, math.MaxInt32))
}

// MaxBatchBytes is the largest batch that a client sends, whatever a topic takes:
// brokers refuse requests of more than 100 MiB, and so does the client.
const MaxBatchBytes = 90 << 20

// SourceBatchBytes is the largest batch that a client sends to the source topic, bytes.
func (t Topics) SourceBatchBytes() int32 { return min(t.MaxMessageBytes, MaxBatchBytes) }

// OutputBatchBytes is the largest batch that a client sends to an output topic, bytes.
func (t Topics) OutputBatchBytes() int32 { return min(t.OutputMaxBytes(), MaxBatchBytes) }

// EnsureTopics creates the topics that are absent and checks the others. It is
// safe to call from many processes at once. It refuses topics that are compacted,
// since compaction removes complaints, their results and labels, and output topics that
// cannot hold the largest result; the error names all that is wrong.
func EnsureTopics(ctx context.Context, cl *kgo.Client, cfg TopicConfig) (Topics, error) {
	defer warnOfSilence(cl)()
	adm := kadm.NewClient(cl)
	t := Topics{Topics: schema.TopicNames(cfg.TopicPrefix), Config: cfg}
	if err := createTopic(ctx, adm, cfg, newTopic{name: t.Complaints}); err != nil {
		return t, err
	}
	source, err := topicSettings(ctx, adm, t.Complaints)
	if err != nil {
		return t, err
	}
	if t.MaxMessageBytes, err = maxMessageBytes(t.Complaints, source); err != nil {
		return t, err
	}
	return t, errors.Join(notCompacted(t.Complaints, source), t.ensureLabels(ctx, adm), t.EnsureOutputs(ctx, cl))
}

// ensureLabels is EnsureTopics of the labels topic. Its messages are small, whatever
// the others' are, and it keeps them as long as the cluster keeps messages.
func (t Topics) ensureLabels(ctx context.Context, adm *kadm.Client) error {
	if err := createTopic(ctx, adm, t.Config, newTopic{name: t.Labels}); err != nil {
		return err
	}
	have, err := topicSettings(ctx, adm, t.Labels)
	if err != nil {
		return err
	}
	return notCompacted(t.Labels, have)
}

// EnsureOutputs is EnsureTopics of the output topics alone, which may have been
// deleted since.
func (t Topics) EnsureOutputs(ctx context.Context, cl *kgo.Client) error {
	adm := kadm.NewClient(cl)
	size := strconv.Itoa(int(t.OutputMaxBytes()))
	// A dead letter must go through compression again, and whoever sent the message
	// may have compressed it harder.
	deadLetterSize := strconv.Itoa(int(min(2*int64(t.OutputMaxBytes()), math.MaxInt32)))
	var errs []error
	for _, output := range []newTopic{
		{t.Classified, map[string]*string{"max.message.bytes": &size}},
		// Dead letters wait for a person, however long that takes.
		{t.DeadLetter, map[string]*string{"max.message.bytes": &deadLetterSize, "retention.ms": new("-1")}},
	} {
		err := createTopic(ctx, adm, t.Config, output)
		if err == nil {
			err = t.checkOutput(ctx, adm, output.name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// FindTopics says that all topics are there, for a command that must not create
// any. The error names those that are absent.
func FindTopics(ctx context.Context, cl *kgo.Client, prefix string) (schema.Topics, error) {
	defer warnOfSilence(cl)()
	t := schema.TopicNames(prefix)
	var missing []string
	for _, name := range []string{t.Complaints, t.Classified, t.Labels, t.DeadLetter} {
		_, _, err := TopicID(ctx, cl, name)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			missing = append(missing, name)
		} else if err != nil {
			return t, err
		}
	}
	if len(missing) > 0 {
		return t, fmt.Errorf("the cluster has no topic %s: is --topic-prefix %q right?", strings.Join(missing, ", "), prefix)
	}
	return t, nil
}

// ReadTopics is FindTopics with what the settings of the source say.
func ReadTopics(ctx context.Context, cl *kgo.Client, prefix string) (t Topics, err error) {
	if t.Topics, err = FindTopics(ctx, cl, prefix); err != nil {
		return t, err
	}
	source, err := topicSettings(ctx, kadm.NewClient(cl), t.Complaints)
	if err == nil {
		t.MaxMessageBytes, err = maxMessageBytes(t.Complaints, source)
	}
	return t, err
}

// checkOutput refuses an output topic that would lose results.
func (t Topics) checkOutput(ctx context.Context, adm *kadm.Client, name string) error {
	have, err := topicSettings(ctx, adm, name)
	if err != nil {
		return err
	}
	limit, err := maxMessageBytes(name, have)
	if err == nil && limit < t.OutputMaxBytes() {
		err = fmt.Errorf("topic %s has max.message.bytes=%d, less than the %d of %s and %d more for the result: raise it to %d",
			name, limit, t.MaxMessageBytes, t.Complaints, schema.OutputHeadroomBytes, t.OutputMaxBytes())
	}
	return errors.Join(notCompacted(name, have), err)
}

// notCompacted refuses a topic in which messages make way for others of their key.
func notCompacted(topic string, settings map[string]string) error {
	if policy := settings["cleanup.policy"]; strings.Contains(policy, "compact") {
		return fmt.Errorf("topic %s has cleanup.policy=%s: compaction would remove messages that share a complaint's id; set it to delete", topic, policy)
	}
	return nil
}

// newTopic is a topic as it is created where it is absent.
type newTopic struct {
	name     string
	settings map[string]*string
}

func createTopic(ctx context.Context, adm *kadm.Client, cfg TopicConfig, t newTopic) error {
	_, err := adm.CreateTopic(ctx, cfg.Partitions, cfg.Replication, t.settings, t.name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		// Without the right to create topics, one that exists is fine.
		if details, listErr := adm.ListTopics(ctx, t.name); listErr == nil && details.Has(t.name) {
			return nil
		}
		return fmt.Errorf("create topic %s with %d partitions: %w", t.name, cfg.Partitions, err)
	}
	return nil
}

func topicSettings(ctx context.Context, adm *kadm.Client, name string) (map[string]string, error) {
	c, err := backoff.Retry(ctx, func() (kadm.ResourceConfig, error) {
		c, err := describe(ctx, adm, name)
		// A broker hears of a topic that was just created a moment after the controller.
		if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			err = backoff.Permanent(err)
		}
		return c, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 10 * time.Millisecond, Multiplier: 2, MaxInterval: time.Second}),
		backoff.WithMaxElapsedTime(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("read the settings of topic %s: %w", name, err)
	}
	settings := make(map[string]string, len(c.Configs))
	for _, kv := range c.Configs {
		settings[kv.Key] = kv.MaybeValue()
	}
	return settings, nil
}

func describe(ctx context.Context, adm *kadm.Client, topic string) (kadm.ResourceConfig, error) {
	configs, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return kadm.ResourceConfig{}, err
	}
	c, err := configs.On(topic, nil)
	return c, errors.Join(err, c.Err)
}

func maxMessageBytes(topic string, settings map[string]string) (int32, error) {
	n, err := strconv.ParseInt(settings["max.message.bytes"], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("topic %s: max.message.bytes is %q: %w", topic, settings["max.message.bytes"], err)
	}
	return int32(n), nil
}

// Retention is how long a topic keeps messages by their age, below 0 without a limit. Its
// size may be limited too, and remove them sooner.
func Retention(ctx context.Context, cl *kgo.Client, topic string) (time.Duration, error) {
	settings, err := topicSettings(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(settings["retention.ms"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("topic %s: retention.ms is %q: %w", topic, settings["retention.ms"], err)
	}
	return time.Duration(min(n, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, nil
}

// TopicID returns the id of a topic, 32 hex digits, and its number of
// partitions. It asks the cluster each time: a topic that was deleted and
// created anew has another id, and kadm keeps the old one in its cache.
func TopicID(ctx context.Context, cl *kgo.Client, topic string) (id string, partitions int, err error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = new(topic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return "", 0, fmt.Errorf("ask for the id of topic %s: %w", topic, err)
	}
	for _, t := range resp.Topics {
		if t.Topic == nil || *t.Topic != topic {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return "", 0, fmt.Errorf("ask for the id of topic %s: %w", topic, err)
		}
		return hex.EncodeToString(t.TopicID[:]), len(t.Partitions), nil
	}
	return "", 0, fmt.Errorf("ask for the id of topic %s: the cluster does not know it", topic)
}
