package schema

import (
	"bytes"
	"encoding/json"
	"math"
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
	var m struct { // a message that was dead-lettered may have the id all the same
		ComplaintID any `json:"complaint_id"`
	}
	d := json.NewDecoder(bytes.NewReader(*r.Value))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return false
	}
	switch found := m.ComplaintID.(type) {
	case string:
		return found == id
	case json.Number:
		return found.String() == id
	}
	return false
}
