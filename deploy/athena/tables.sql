-- Made from the Go row types: go test ./deploy/athena -update. Put the lake's address in place of s3://BUCKET.
-- Athena takes one statement at a time. On AWS, deploy/aws/tables.yaml makes the same tables.

CREATE EXTERNAL TABLE IF NOT EXISTS bronze (
  `key` binary,
  `value` binary,
  `headers` array<struct<key:string,value:binary>>,
  `kafka_topic` string,
  `kafka_topic_id` string,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp
)
COMMENT 'Messages of the complaints topic as they came'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/bronze/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/bronze/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS silver (
  `complaint_id` string,
  `date_received` date,
  `product` string,
  `sub_product` string,
  `issue` string,
  `sub_issue` string,
  `narrative` string,
  `company_public_response` string,
  `company` string,
  `state` string,
  `zip_code` string,
  `tags` string,
  `consumer_consent_provided` string,
  `submitted_via` string,
  `date_sent_to_company` date,
  `company_response` string,
  `timely` boolean,
  `consumer_disputed` boolean,
  `true_category` string,
  `category` string,
  `category_code` int,
  `probability` double,
  `needs_review` boolean,
  `taxonomy` string,
  `model_version` string,
  `text_hash` string,
  `near_copy_key` string,
  `masked_email` int,
  `masked_phone` int,
  `masked_ssn` int,
  `masked_card` int,
  `masked_account` int,
  `source_topic_id` string,
  `source_partition` int,
  `source_offset` bigint,
  `source_timestamp` timestamp,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp,
  `record_error` string,
  `extra` string,
  `notes` string,
  `source_key` string
)
COMMENT 'Classified complaints with their text, typed, tidied, personal data masked'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/silver/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/silver/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS gold (
  `complaint_id` string,
  `date_received` date,
  `product` string,
  `sub_product` string,
  `issue` string,
  `sub_issue` string,
  `company` string,
  `state` string,
  `zip_code` string,
  `tags` string,
  `submitted_via` string,
  `company_response` string,
  `timely` boolean,
  `consumer_disputed` boolean,
  `category` string,
  `category_code` int,
  `true_category` string,
  `probability` double,
  `probabilities` map<string,double>,
  `needs_review` boolean,
  `taxonomy` string,
  `model_version` string,
  `classified_at` timestamp,
  `source_topic` string,
  `source_topic_id` string,
  `source_partition` int,
  `source_offset` bigint,
  `source_timestamp` timestamp,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp,
  `record_error` string,
  `challenger_version` string,
  `challenger_category` string,
  `challenger_probability` double,
  `extra` map<string,string>
)
COMMENT 'Classified complaints for reports, without text'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/gold/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/gold/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS labels (
  `complaint_id` string,
  `category` string,
  `taxonomy` string,
  `labelled_by` string,
  `labelled_at` timestamp,
  `source` string,
  `predicted_category` string,
  `predicted_probability` double,
  `model_version` string,
  `review_reason` string,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp,
  `record_error` string
)
COMMENT 'What people say that the categories are; labels_latest has the newest of each complaint'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/labels/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/labels/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS silver_daily (
  `complaint_id` string,
  `date_received` date,
  `product` string,
  `sub_product` string,
  `issue` string,
  `sub_issue` string,
  `narrative` string,
  `company_public_response` string,
  `company` string,
  `state` string,
  `zip_code` string,
  `tags` string,
  `consumer_consent_provided` string,
  `submitted_via` string,
  `date_sent_to_company` date,
  `company_response` string,
  `timely` boolean,
  `consumer_disputed` boolean,
  `true_category` string,
  `category` string,
  `category_code` int,
  `probability` double,
  `needs_review` boolean,
  `taxonomy` string,
  `model_version` string,
  `text_hash` string,
  `near_copy_key` string,
  `masked_email` int,
  `masked_phone` int,
  `masked_ssn` int,
  `masked_card` int,
  `masked_account` int,
  `source_topic_id` string,
  `source_partition` int,
  `source_offset` bigint,
  `source_timestamp` timestamp,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp,
  `record_error` string,
  `extra` string,
  `notes` string,
  `source_key` string
)
COMMENT 'Closed days of silver in large objects, for the view silver_all'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/silver_daily/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/silver_daily/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS gold_daily (
  `complaint_id` string,
  `date_received` date,
  `product` string,
  `sub_product` string,
  `issue` string,
  `sub_issue` string,
  `company` string,
  `state` string,
  `zip_code` string,
  `tags` string,
  `submitted_via` string,
  `company_response` string,
  `timely` boolean,
  `consumer_disputed` boolean,
  `category` string,
  `category_code` int,
  `true_category` string,
  `probability` double,
  `probabilities` map<string,double>,
  `needs_review` boolean,
  `taxonomy` string,
  `model_version` string,
  `classified_at` timestamp,
  `source_topic` string,
  `source_topic_id` string,
  `source_partition` int,
  `source_offset` bigint,
  `source_timestamp` timestamp,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp,
  `record_error` string,
  `challenger_version` string,
  `challenger_category` string,
  `challenger_probability` double,
  `extra` map<string,string>
)
COMMENT 'Closed days of gold in large objects, for the view gold_all'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/gold_daily/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/gold_daily/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS labels_daily (
  `complaint_id` string,
  `category` string,
  `taxonomy` string,
  `labelled_by` string,
  `labelled_at` timestamp,
  `source` string,
  `predicted_category` string,
  `predicted_probability` double,
  `model_version` string,
  `review_reason` string,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `kafka_timestamp` timestamp,
  `record_error` string
)
COMMENT 'Closed days of labels in large objects, for the view labels_all'
PARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/labels_daily/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/labels_daily/complaints/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS predictions (
  `true_category` string,
  `category` string,
  `category_code` int,
  `probability` double,
  `probabilities` map<string,double>,
  `needs_review` boolean,
  `category_before` string,
  `model_before` string,
  `source_topic_id` string,
  `source_partition` int,
  `source_offset` bigint,
  `kafka_partition` int,
  `kafka_offset` bigint,
  `record_error` string
)
COMMENT 'What a model says of the complaints of silver, by trainer score'
PARTITIONED BY (`model` string COMMENT 'version of the model; a query must name it', `dt` string COMMENT 'day of the Kafka timestamp, UTC')
STORED AS PARQUET
LOCATION 's3://BUCKET/predictions/complaints/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.model.type' = 'injected',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2025-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/predictions/complaints/model=${model}/dt=${dt}/'
);
