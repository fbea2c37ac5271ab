package schema

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
)

// Erased marks a row whose complaint was erased from the lake: it is the
// RecordError of silver and gold. The row stays, with where its record came from
// and nothing of its content, so that rows and records still match. No id or hash
// of it is kept: the ids are short numbers, and a hash of one is found by trying.
const Erased = "erased"

// HeaderErased is the one header that a row of bronze keeps that was erased.
const HeaderErased = "complaints-erased"

// Erase empties the row if it is of the complaint of an id, and says whether it
// was.
func (r *GoldRow) Erase(id string) bool {
	if r.ComplaintID != id {
		return false
	}
	*r = GoldRow{
		SourceTopic: r.SourceTopic, SourceTopicID: r.SourceTopicID, SourcePartition: r.SourcePartition, SourceOffset: r.SourceOffset,
		SourceTimestamp: r.SourceTimestamp, KafkaPartition: r.KafkaPartition, KafkaOffset: r.KafkaOffset, KafkaTimestamp: r.KafkaTimestamp,
		RecordError: new(Erased),
	}
	return true
}

// Erase empties the row if it is of the complaint of an id, and says whether it
// was.
func (r *SilverRow) Erase(id string) bool {
	if r.ComplaintID != id {
		return false
	}
	*r = SilverRow{
		SourceTopicID: r.SourceTopicID, SourcePartition: r.SourcePartition, SourceOffset: r.SourceOffset,
		SourceTimestamp: r.SourceTimestamp, KafkaPartition: r.KafkaPartition, KafkaOffset: r.KafkaOffset, KafkaTimestamp: r.KafkaTimestamp,
		RecordError: new(Erased),
	}
	return true
}

// Erase empties the row if its message is the complaint of an id, valid or not,
// and says whether it was.
func (r *BronzeRow) Erase(id string) bool {
	if !r.isOf(id) {
		return false
	}
	r.Key, r.Value, r.Headers = nil, nil, []BronzeHeader{{Key: HeaderErased}}
	return true
}

func (r *BronzeRow) isOf(id string) bool {
	if r.Key != nil && string(*r.Key) == id {
		return true
	}
	if r.Value == nil {
		return false
	}
	if c, err := DecodeComplaint(*r.Value, math.MaxInt); err == nil {
		return c.ComplaintID == id
	}
	return namesID(*r.Value, id) // it was dead-lettered, and may have the id all the same
}

// namesID says whether a message that is an object names the id at its top, as far
// as it can be read: it may be cut off.
func namesID(value []byte, id string) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return false
	}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return false
		}
		var field any
		if d.Decode(&field) != nil {
			return false
		}
		if strings.EqualFold(name, "complaint_id") && (field == any(id) || field == any(json.Number(id))) {
			return true
		}
	}
	return false
}
