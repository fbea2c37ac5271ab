package sink

import (
	"cmp"

	"complaints/schema"
)

// Bronze is the layer with the messages as they came, of the complaints topic,
// in the order of their offsets.
func Bronze(topic string) Layer {
	return Layer{Name: schema.Bronze, Topic: topic, codec: parquetRows[schema.BronzeRow, offsetKey]{
		rows:    func() func(*Record, *schema.Claim) schema.BronzeRow { return bronzeRow },
		key:     func(r *schema.BronzeRow) offsetKey { return offsetKey{r.KafkaOffset} },
		offset:  func(k *offsetKey) int64 { return k.KafkaOffset },
		compare: func(a, b *offsetKey) int { return cmp.Compare(a.KafkaOffset, b.KafkaOffset) },
		columns: []string{"kafka_offset"},
		empty:   (*schema.BronzeRow).Erase,
	}}
}

type offsetKey struct{ KafkaOffset int64 }

func bronzeRow(r *Record, l *schema.Claim) schema.BronzeRow {
	row := schema.BronzeRow{
		KafkaTopic: l.Topic, KafkaTopicID: l.TopicID, KafkaPartition: l.Partition,
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
