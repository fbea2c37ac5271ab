-- One row a complaint, the latest: a complaint that was published again, or classified again, counts once.
-- Records that are no classified complaint are left out.
CREATE OR REPLACE VIEW gold_latest AS
SELECT *
FROM (
  SELECT
    gold.*,
    row_number() OVER (PARTITION BY complaint_id ORDER BY classified_at DESC, kafka_timestamp DESC, kafka_partition DESC, kafka_offset DESC) AS recency
  FROM gold
  WHERE record_error IS NULL
)
WHERE recency = 1
