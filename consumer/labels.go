package main

import (
	"context"
	"errors"
	"net"

	"complaints/internal/kafka"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kgo"
)

// labelPublisher puts labels on their topic, for the API.
type labelPublisher struct{ client *kgo.Client }

// newLabelPublisher connects to nothing: the first label does. So a process that only
// predicts needs no Kafka.
func (a *app) newLabelPublisher() (*labelPublisher, error) {
	opts, err := a.cfg.Kafka.Options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts,
		kafka.WithLogger(a.log),
		kgo.ClientID("complaints-"+a.cfg.Instance+"-labels"),
		kgo.DefaultProduceTopic(schema.TopicNames(a.cfg.Topics.TopicPrefix).Labels),
		// Idempotence and acks=all are kgo's defaults and stay: a retry inside the
		// client neither repeats nor reorders.

		// Whoever asked is told within the time of a request that it did not work.
		kgo.RecordDeliveryTimeout(a.cfg.HTTPTimeout/2),
	)...)
	return &labelPublisher{client}, err
}

// Publish is what [api.Labels] says.
func (p *labelPublisher) Publish(ctx context.Context, labels []schema.Label) error {
	acknowledged := make(chan error, len(labels)) // so that no answer is waited for that comes too late
	for i := range labels {
		record := &kgo.Record{Key: []byte(labels[i].ComplaintID), Value: labels[i].AppendJSON(nil)}
		p.client.Produce(ctx, record, func(r *kgo.Record, err error) { acknowledged <- kafka.ExplainProduce(r, err) })
	}
	var errs []error
	for range labels {
		select {
		case err := <-acknowledged:
			if err != nil && len(errs) == 0 { // the others have the same reason
				errs = append(errs, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// takesLabels says whether anybody may send labels: whoever has the token, or else
// who is on this machine.
func (c *runConfig) takesLabels() bool {
	if !c.has("api") {
		return false
	}
	host, _, err := net.SplitHostPort(c.HTTPAddr)
	ip := net.ParseIP(host)
	return c.HTTPToken != "" || err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
