// Package wireformat reads the messages of a schema registry: values in Confluent's wire format (a zero byte, four bytes of
// schema id, and what was written by that schema in Avro, Protobuf or JSON) come in, and JSON objects with the same members go out.
//
// A Decoder keeps the schemas that it met in memory, by id, since a schema never changes. After a crash they are fetched again.
package wireformat

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"complaints/schema"

	"github.com/twmb/franz-go/pkg/sr"
)

// headerBytes are the zero and the schema's id before what was written by the schema.
const headerBytes = 5

// An id that the registry does not know is asked for again after some time, because the registries of a cluster do not learn
// of a schema at once. What people write by mistake must not fill the memory.
const (
	unknownFor = time.Minute
	maxUnknown = 10_000
)

// Decoder turns values into JSON. It may be used by several goroutines at once.
type Decoder struct {
	client *sr.Client

	mu      sync.RWMutex
	readers map[uint32]reader    // by schema id; guarded by mu
	unknown map[uint32]time.Time // when the registry said so; guarded by mu
}

// reader turns what was written by one schema into a JSON object. Its errors quote no text of a message.
type reader func(payload []byte) ([]byte, error)

func newDecoder(client *sr.Client) *Decoder {
	return &Decoder{client: client, readers: map[uint32]reader{}, unknown: map[uint32]time.Time{}}
}

// split gives the schema's id and what follows it, if the value is in the wire format. JSON never begins with a zero.
func split(value []byte) (id uint32, payload []byte, ok bool) {
	if len(value) < headerBytes || value[0] != 0 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(value[1:]), value[headerBytes:], true
}

// Knows says whether Decode can tell what becomes of the value without the registry.
func (d *Decoder) Knows(value []byte) bool {
	id, _, ok := split(value)
	if !ok || id > math.MaxInt32 { // ids are positive numbers of 32 bits
		return true
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	asked, unknown := d.unknown[id]
	return d.readers[id] != nil || unknown && time.Since(asked) < unknownFor
}

// Load fetches the schema of a value and those that it refers to. An error means that the registry gave no answer about the
// schema, so that asking again may help; that it knows none, or one that cannot be read, is an answer.
func (d *Decoder) Load(ctx context.Context, value []byte) error {
	if d.Knows(value) {
		return nil
	}
	id, _, _ := split(value)
	s, err := d.client.SchemaByID(ctx, int(id))
	var references []file
	if err == nil {
		references, err = d.references(ctx, s)
	}
	if err != nil && !isUnknown(err) {
		return fmt.Errorf("schema %d: %w", id, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if len(d.unknown) >= maxUnknown {
			clear(d.unknown)
		}
		d.unknown[id] = time.Now()
		return nil
	}
	d.readers[id] = compile(ctx, s, references)
	delete(d.unknown, id)
	return nil
}

// isUnknown says whether a registry's answer is that it has no such schema. A page that is not there, which a wrong URL leads
// to as well, has none of the registry's codes.
func isUnknown(err error) bool {
	var response *sr.ResponseError
	if !errors.As(err, &response) {
		return false
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		return response.ErrorCode/100 == http.StatusNotFound // 40401 to 40403: subject, version, schema
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// Decode turns a value into JSON, by a schema that Load has fetched before; what is not in the wire format stays as it is.
// The error, if any, is a *[schema.Rejection].
func (d *Decoder) Decode(value []byte) ([]byte, error) {
	id, payload, ok := split(value)
	if !ok {
		return value, nil
	}
	d.mu.RLock()
	read := d.readers[id]
	d.mu.RUnlock()
	if read == nil { // no reader is ever dropped
		return nil, &schema.Rejection{Reason: schema.ReasonUnknownSchema, Detail: fmt.Sprintf("the schema registry knows no schema with id %d, or not all that it refers to", id)}
	}
	out, err := read(payload)
	if err != nil {
		return nil, &schema.Rejection{Reason: schema.ReasonSchemaMismatch, Detail: fmt.Sprintf("schema %d: %s", id, err)}
	}
	return out, nil
}

// file is a schema that another refers to by a name: for Protobuf that of the import, for Avro that of a type.
type file struct{ name, text string }

// maxReferences bounds what one schema can make us fetch.
const maxReferences = 1000

// references fetches all schemas that a schema needs, each after those that it needs itself.
func (d *Decoder) references(ctx context.Context, s sr.Schema) ([]file, error) {
	var files []file
	seen := map[sr.SchemaReference]bool{}
	// A schema that is in use may be deleted softly, and stays readable by those who ask so.
	ctx = sr.WithParams(ctx, sr.ShowDeleted)
	var visit func(sr.Schema) error
	visit = func(s sr.Schema) error {
		for _, r := range s.References {
			if seen[r] {
				continue
			}
			if len(seen) == maxReferences {
				return fmt.Errorf("it refers to more than %d others", maxReferences)
			}
			seen[r] = true
			next, err := d.client.SchemaByVersion(ctx, r.Subject, r.Version)
			if err != nil {
				return fmt.Errorf("reference %s, version %d of %s: %w", r.Name, r.Version, r.Subject, err)
			}
			if err := visit(next.Schema); err != nil {
				return err
			}
			files = append(files, file{name: r.Name, text: next.Schema.Schema})
		}
		return nil
	}
	err := visit(s)
	return files, err
}

// compile makes the reader of a schema. One that cannot be read is a reader that says so of each message.
func compile(ctx context.Context, s sr.Schema, references []file) reader {
	var read reader
	var err error
	switch s.Type {
	case sr.TypeAvro:
		read, err = avroReader(s.Schema, references)
	case sr.TypeProtobuf:
		read, err = protobufReader(ctx, s.Schema, references)
	case sr.TypeJSON:
		read = func(payload []byte) ([]byte, error) { return payload, nil }
	default:
		err = fmt.Errorf("its type is %s, want AVRO, PROTOBUF or JSON", s.Type)
	}
	if err != nil {
		err = fmt.Errorf("cannot read the schema itself: %w", err)
		return func([]byte) ([]byte, error) { return nil, err }
	}
	return read
}
