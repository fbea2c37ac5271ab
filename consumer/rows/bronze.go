package rows

import (
	"cmp"

	"complaints/internal/kafka"
	"complaints/schema"
)

// bronze has the messages of the complaints topic as they came, in the order of
// their offsets.
func bronze(m *schema.Mapping) Format {
	return table[schema.BronzeRow, offsetKey]{
		begin:   func() maker[schema.BronzeRow] { return maker[schema.BronzeRow]{row: bronzeRow, stored: func() {}} },
		key:     func(r *schema.BronzeRow) offsetKey { return offsetKey{r.KafkaOffset} },
		offset:  func(k *offsetKey) int64 { return k.KafkaOffset },
		compare: func(a, b *offsetKey) int { return cmp.Compare(a.KafkaOffset, b.KafkaOffset) },
		columns: []string{"kafka_offset"},
		empty:   func(r *schema.BronzeRow, ids IDs) bool { return eraseBronze(m, r, ids) },
	}
}

type offsetKey struct{ KafkaOffset int64 }

func bronzeRow(c *schema.Claim, r *kafka.Record) schema.BronzeRow {
	row := schema.BronzeRow{
		KafkaTopic: c.Topic, KafkaTopicID: c.TopicID, KafkaPartition: c.Partition,
		KafkaOffset: r.Offset, KafkaTimestamp: r.Timestamp,
		Key: bytesOrNull(r.Key), Value: bytesOrNull(r.Value),
	}
	for _, h := range r.Headers {
		row.Headers = append(row.Headers, schema.BronzeHeader{Key: h.Key, Value: bytesOrNull(h.Value)})
	}
	return row
}

func bytesOrNull(b []byte) *[]byte {
	if b == nil {
		return nil
	}
	return &b
}
