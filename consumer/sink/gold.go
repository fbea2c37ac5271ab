package sink

import (
	"cmp"

	"complaints/internal/classifier"
	"complaints/schema"
)

// Gold is the layer for reports, of the classified topic. An object is sorted by
// category and state, the columns that most queries filter by.
func Gold(topic string) Layer { return ShadowedGold(topic, nil) }

// ShadowedGold is Gold with what the holder's classifier, the challenger, says of
// each row. It may change at any time, and be none.
func ShadowedGold(topic string, challenger *classifier.Holder) Layer {
	return Layer{Name: schema.Gold, Topic: topic, codec: shadowedGold{challenger: challenger, parquetRows: parquetRows[schema.GoldRow, reportKey]{
		key:    func(r *schema.GoldRow) reportKey { return reportKey{r.Category, r.State, r.KafkaOffset} },
		offset: reportOffset, compare: compareReport, columns: reportColumns,
		empty: (*schema.GoldRow).Erase, byID: true,
	}}}
}

// reportKey is what gold and silver are sorted by.
type reportKey struct {
	Category    string
	State       *string
	KafkaOffset int64
}

// reportColumns are the columns of a key, in its order.
var reportColumns = []string{"category", "state", "kafka_offset"}

func reportOffset(k *reportKey) int64 { return k.KafkaOffset }

func compareReport(a, b *reportKey) int {
	return cmp.Or(cmp.Compare(a.Category, b.Category), compareText(a.State, b.State), cmp.Compare(a.KafkaOffset, b.KafkaOffset))
}

func positionOf(r *Record, l *schema.Claim) schema.Position {
	return schema.Position{Partition: l.Partition, Offset: r.Offset, Timestamp: r.Timestamp}
}
