-- One row a complaint, its newest label. A complaint whose newest label was withdrawn has none.
-- Records that are no label are left out.
CREATE OR REPLACE VIEW labels_latest AS
SELECT *
FROM (
  SELECT
    labels.*,
    row_number() OVER (PARTITION BY complaint_id ORDER BY labelled_at DESC, kafka_offset DESC) AS recency
  FROM labels
  WHERE record_error IS NULL
)
WHERE recency = 1 AND category IS NOT NULL
