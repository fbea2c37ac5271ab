package schema

// GoldRow is one row of gold: a classified complaint for reports, without its
// narrative. The tags are those of parquet-go. A nil pointer is NULL.
//
// A record of the classified topic that is no classified complaint has its row
// too, so that rows and records can be counted against each other: RecordError
// says what is wrong with it, and all that could not be read is NULL or zero.
type GoldRow struct {
	ComplaintID      string  `parquet:"complaint_id"`
	DateReceived     *int32  `parquet:"date_received,optional,date"` // days since 1970-01-01
	Product          *string `parquet:"product,optional,dict"`
	SubProduct       *string `parquet:"sub_product,optional,dict"`
	Issue            *string `parquet:"issue,optional,dict"`
	SubIssue         *string `parquet:"sub_issue,optional,dict"`
	Company          *string `parquet:"company,optional,dict"`
	State            *string `parquet:"state,optional,dict"`
	ZipCode          *string `parquet:"zip_code,optional,dict"`
	Tags             *string `parquet:"tags,optional,dict"`
	SubmittedVia     *string `parquet:"submitted_via,optional,dict"`
	CompanyResponse  *string `parquet:"company_response,optional,dict"`
	Timely           *bool   `parquet:"timely,optional"`
	ConsumerDisputed *bool   `parquet:"consumer_disputed,optional"`

	Category      string         `parquet:"category,dict"`
	CategoryCode  int32          `parquet:"category_code"`
	TrueCategory  *string        `parquet:"true_category,optional,dict"` // where the product is known
	Probability   float64        `parquet:"probability"`
	Probabilities ProbabilityMap `parquet:"probabilities"`
	NeedsReview   bool           `parquet:"needs_review"`
	Taxonomy      *string        `parquet:"taxonomy,optional,dict"`
	ModelVersion  string         `parquet:"model_version,dict"`
	ClassifiedAt  int64          `parquet:"classified_at,timestamp(millisecond)"`

	SourceTopic     string  `parquet:"source_topic,dict"`
	SourceTopicID   string  `parquet:"source_topic_id,dict"`
	SourcePartition int32   `parquet:"source_partition"`
	SourceOffset    int64   `parquet:"source_offset"`
	SourceTimestamp int64   `parquet:"source_timestamp,timestamp(millisecond)"`
	KafkaPartition  int32   `parquet:"kafka_partition"` // of the classified topic
	KafkaOffset     int64   `parquet:"kafka_offset"`
	KafkaTimestamp  int64   `parquet:"kafka_timestamp,timestamp(millisecond)"`
	RecordError     *string `parquet:"record_error,optional,dict"`

	// What another model says of the same text, NULL where none was asked. Objects
	// that were written before these columns were there lack them.
	ChallengerVersion     *string  `parquet:"challenger_version,optional,dict"`
	ChallengerCategory    *string  `parquet:"challenger_category,optional,dict"`
	ChallengerProbability *float64 `parquet:"challenger_probability,optional"` // of that category

	Extra ExtraMap `parquet:"extra"` // what the operator named of what is no field
}
