package classify_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"complaints/consumer/classify"
	"complaints/schema"
)

// registry reads values that begin with a zero: 1 after it is a complaint, 2 of a schema that is unknown.
type registry struct {
	away   atomic.Bool
	loaded atomic.Bool
	asked  atomic.Int64
}

func (r *registry) Knows(value []byte) bool {
	return len(value) == 0 || value[0] != 0 || r.loaded.Load()
}

func (r *registry) Load(context.Context, []byte) error {
	r.asked.Add(1)
	if r.away.Load() {
		return errors.New("connection refused")
	}
	r.loaded.Store(true)
	return nil
}

func (r *registry) Decode(value []byte) ([]byte, error) {
	switch {
	case len(value) == 0 || value[0] != 0:
		return value, nil
	case value[1] == 1:
		return value[2:], nil
	}
	return nil, &schema.Rejection{Reason: schema.ReasonUnknownSchema, Detail: "nobody knows"}
}

func inWireFormat(n int, kind byte) []byte { return append([]byte{0, kind}, complaint(n)...) }

func TestMessagesOfASchemaRegistry(t *testing.T) {
	f := newFixture(t)
	f.publish(complaint(0), inWireFormat(1, 1), inWireFormat(2, 2), nil)
	cfg := f.config("a")
	cfg.Schemas = new(registry)
	stop := f.start(cfg)
	f.waitLag(stop)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(4)
	reasons := map[string]int{}
	for _, o := range f.outputs() {
		if reason := headerOf(o.record, schema.HeaderReason); reason != "" {
			reasons[reason]++
			if reason == string(schema.ReasonUnknownSchema) && !bytes.Equal(o.record.Value, inWireFormat(2, 2)) {
				t.Errorf("the dead letter is not the message as it came: %q", o.record.Value)
			}
		}
	}
	if len(reasons) != 2 || reasons[string(schema.ReasonUnknownSchema)] != 1 || reasons[string(schema.ReasonTombstone)] != 1 {
		t.Errorf("dead letters %v, want one of an unknown schema and a tombstone", reasons)
	}
}

// waitDown waits until the role says that it waits for the registry.
func waitDown(t *testing.T, role *classify.Role) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := role.Ready(t.Context())
		if err != nil && strings.Contains(err.Error(), "schema registry") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the role is ready: %v", err)
		}
	}
}

func TestRegistryThatIsAway(t *testing.T) {
	f := newFixture(t)
	cfg := f.config("a")
	r := new(registry)
	r.away.Store(true)
	cfg.Schemas = r
	values := make([][]byte, 100)
	for i := range values {
		values[i] = inWireFormat(i, 1)
	}
	f.publish(values...)
	first := classify.New(cfg)
	stopFirst := f.startRole(first)
	waitDown(t, first)
	// Partitions move while their messages wait.
	cfg = f.config("b")
	cfg.Schemas = r
	second := classify.New(cfg)
	stopSecond := f.startRole(second)
	waitDown(t, second)
	if n := len(f.outputs()); n != 0 {
		t.Errorf("%d outputs while the registry is away", n)
	}
	// One ends while it waits, and loses nothing.
	if err := stopFirst(); err != nil {
		t.Fatal(err)
	}
	r.away.Store(false)
	f.waitLag(stopSecond)
	if err := second.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	if err := stopSecond(); err != nil {
		t.Fatal(err)
	}
	f.wantEachOnce(len(values))
	if asked := r.asked.Load(); asked > 200 {
		t.Errorf("asked the registry %d times in a few seconds", asked)
	}
	for _, o := range f.outputs() {
		if reason := headerOf(o.record, schema.HeaderReason); reason != "" {
			t.Errorf("dead letter %s", reason)
		}
	}
}
