package schema

// BronzeRow is one row of bronze: a message of the complaints topic as it came,
// valid or not. The tags are those of parquet-go. A nil pointer is NULL.
type BronzeRow struct {
	Key            *[]byte        `parquet:"key,optional"`
	Value          *[]byte        `parquet:"value,optional"` // NULL is a tombstone
	Headers        []BronzeHeader `parquet:"headers,list"`
	KafkaTopic     string         `parquet:"kafka_topic,dict"`
	KafkaTopicID   string         `parquet:"kafka_topic_id,dict"` // 32 hex digits
	KafkaPartition int32          `parquet:"kafka_partition"`
	KafkaOffset    int64          `parquet:"kafka_offset"`
	KafkaTimestamp int64          `parquet:"kafka_timestamp,timestamp(millisecond)"`
}

// BronzeHeader is a header of a message.
type BronzeHeader struct {
	Key   string  `parquet:"key"`
	Value *[]byte `parquet:"value,optional"`
}
