package sink

import (
	"cmp"

	"complaints/schema"
)

// Gold is the layer for reports, of the classified topic. An object is sorted by
// category and state, the columns that most queries filter by.
func Gold(topic string) Layer {
	return Layer{Name: schema.Gold, Topic: topic, codec: parquetRows[schema.GoldRow]{
		row:    func(r *Record, l *schema.Link) schema.GoldRow { return schema.GoldRowOf(r.Value, positionOf(r, l)) },
		offset: func(r *schema.GoldRow) int64 { return r.KafkaOffset },
		compare: func(a, b *schema.GoldRow) int {
			return cmp.Or(cmp.Compare(a.Category, b.Category), compareText(a.State, b.State), cmp.Compare(a.KafkaOffset, b.KafkaOffset))
		},
		columns: []string{"category", "state", "kafka_offset"},
	}}
}

func positionOf(r *Record, l *schema.Link) schema.Position {
	return schema.Position{Partition: l.Partition, Offset: r.Offset, Timestamp: r.Timestamp}
}
