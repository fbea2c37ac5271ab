package rows

import (
	"cmp"

	"complaints/internal/kafka"
	"complaints/schema"
)

// labels has the messages of the labels topic. An object is sorted by complaint, so
// that what people said of one stands together.
func labels() Format {
	return table[schema.LabelRow, labelKey]{
		begin: func() maker[schema.LabelRow] {
			var texts columns
			return maker[schema.LabelRow]{
				row:    func(c *schema.Claim, r *kafka.Record) schema.LabelRow { return labelRow(&texts, c, r) },
				stored: func() {},
			}
		},
		key:    func(r *schema.LabelRow) labelKey { return labelKey{r.ComplaintID, r.KafkaOffset} },
		offset: func(k *labelKey) int64 { return k.KafkaOffset },
		compare: func(a, b *labelKey) int {
			return cmp.Or(cmp.Compare(a.ComplaintID, b.ComplaintID), cmp.Compare(a.KafkaOffset, b.KafkaOffset))
		},
		columns: []string{"complaint_id", "kafka_offset"},
		empty:   eraseLabel, byID: true,
	}
}

type labelKey struct {
	ComplaintID string
	KafkaOffset int64
}

// labelRow maps a record of the labels topic to its row.
func labelRow(texts *columns, claim *schema.Claim, r *kafka.Record) schema.LabelRow {
	row := schema.LabelRow{KafkaPartition: claim.Partition, KafkaOffset: r.Offset, KafkaTimestamp: r.Timestamp}
	l, err := schema.DecodeLabel(r.Value)
	if err != nil {
		row.RecordError = new(err.Error())
		return row
	}
	row.ComplaintID, row.Taxonomy, row.Source = texts.name(l.ComplaintID), texts.name(l.Taxonomy), texts.name(l.Source)
	row.LabelledBy, row.LabelledAt = texts.name(l.LabelledBy), int64(l.LabelledAt)
	if l.Category != nil {
		row.Category = new(texts.name(*l.Category))
	}
	row.PredictedCategory, row.PredictedProbability = orNull(texts.name(l.PredictedCategory)), l.PredictedProbability
	row.ModelVersion, row.ReviewReason = orNull(texts.name(l.ModelVersion)), orNull(texts.name(string(l.ReviewReason)))
	return row
}
