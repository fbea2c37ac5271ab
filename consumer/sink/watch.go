package sink

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicInfo is what the cluster says of a topic now.
type topicInfo struct {
	id         string // 32 hex digits
	partitions []int32
}

// describe asks for topics past all caches, which would keep the id of a topic
// that was recreated. Topics that are not there are left out.
func describe(ctx context.Context, client *kgo.Client, topics []string) (map[string]topicInfo, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(topic)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	found := map[string]topicInfo{}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.LeaderNotAvailable):
			continue
		case err != nil:
			return nil, fmt.Errorf("describe topic %s: %w", *t.Topic, err)
		}
		info := topicInfo{id: hex.EncodeToString(t.TopicID[:])}
		for _, p := range t.Partitions {
			info.partitions = append(info.partitions, p.Partition)
		}
		found[*t.Topic] = info
	}
	return found, nil
}

// watch notices recreated topics and new partitions, and measures the lag.
func (s *session) watch(ctx context.Context) {
	seen := map[string]int{} // partitions of each topic
	for {
		sleep(ctx, s.cfg.WatchEvery)
		if ctx.Err() != nil {
			return
		}
		if err := s.look(ctx, seen); errors.Is(err, errRebuild) {
			s.tell(ctx, report{err: err})
			return
		} else if err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("cannot look at the topics", "err", err)
		}
	}
}

func (s *session) look(ctx context.Context, seen map[string]int) error {
	now, err := describe(ctx, s.client, s.cfg.topics())
	if err != nil {
		return err
	}
	for topic, info := range now {
		if info.id != s.ids[topic] {
			return fmt.Errorf("%w: %s", errRebuild, topic)
		}
		if len(info.partitions) > seen[topic] {
			seen[topic] = len(info.partitions)
			s.client.ForceMetadataRefresh() // or new partitions wait for the client's own next look
		}
	}
	_, err = s.measure(ctx, now)
	return err
}

// measure asks how far the topics are and notes it for status and metrics. It
// says whether all partitions are this process's and all of it is in the lake.
func (s *session) measure(ctx context.Context, topics map[string]topicInfo) (idle bool, err error) {
	of := map[string][]int32{}
	for topic, info := range topics {
		of[topic] = info.partitions
	}
	ends, err := listOffsets(ctx, s.client, of, logEnd, kgo.ReadCommitted())
	if err != nil {
		return false, err
	}
	lag := make(map[string]int64, len(s.ids)) // also of topics of which no partition is ours any more
	for topic := range s.ids {
		lag[topic] = 0
	}
	idle = len(topics) == len(s.ids)
	s.mu.Lock()
	for at, end := range ends {
		a := s.assigned[at]
		if a == nil {
			idle = false
			continue
		}
		behind := a.behind(end)
		lag[at.topic] += behind
		idle = idle && behind == 0 && a.state != opening
	}
	s.mu.Unlock()
	for topic, n := range lag {
		s.metrics.lag.WithLabelValues(topic).Set(float64(n))
	}
	return idle, nil
}
