package schema

import (
	"fmt"
	"path"
)

// PredictionRow is what one model says of one row of silver. It has neither text
// nor id of the complaint: where its record came from joins it with silver and
// gold, and a complaint that is erased there leaves nothing of itself here.
//
// A row of silver without a complaint has its row too, with RecordError.
type PredictionRow struct {
	TrueCategory   *string        `parquet:"true_category,optional,dict"` // where the product is known
	Category       string         `parquet:"category,dict"`
	CategoryCode   int32          `parquet:"category_code"`
	Probability    float64        `parquet:"probability"`
	Probabilities  ProbabilityMap `parquet:"probabilities"`
	NeedsReview    bool           `parquet:"needs_review"`
	CategoryBefore string         `parquet:"category_before,dict"` // as silver has it
	ModelBefore    string         `parquet:"model_before,dict"`    // the version that said so

	SourceTopicID   string  `parquet:"source_topic_id,dict"`
	SourcePartition int32   `parquet:"source_partition"`
	SourceOffset    int64   `parquet:"source_offset"`
	KafkaPartition  int32   `parquet:"kafka_partition"` // of the classified topic
	KafkaOffset     int64   `parquet:"kafka_offset"`
	RecordError     *string `parquet:"record_error,optional,dict"`
}

// SetProbabilities fills in what a model says, by the codes of the categories.
func (r *PredictionRow) SetProbabilities(t *Taxonomy, code int, p []float64) {
	r.Category, r.CategoryCode, r.Probability = t.CategoryName(code), int32(code), p[code]
	r.Probabilities.Entries = t.AppendProbabilities(nil, p)
}

// Predictions is the folder of what models say of stored complaints.
const Predictions = "predictions"

// PredictionPrefix is the folder of a model's predictions, with a slash at its end.
func PredictionPrefix(version string) string {
	return fmt.Sprintf("%s/%s/model=%s/", Predictions, Dataset, version)
}

// PredictionKey is the object of a model's predictions for the rows of an object of silver.
func PredictionKey(version string, silver ObjectName) string {
	c := Claim{Layer: silver.Layer, TopicID: silver.TopicID, Partition: silver.Partition, Start: silver.Start}
	return fmt.Sprintf("%sdt=%s/%s", PredictionPrefix(version), silver.Day, path.Base(c.ObjectKey(silver.Day)))
}
