-- What a person should look at, the least certain first when sorted by probability.
CREATE OR REPLACE VIEW needs_review AS
SELECT dt, complaint_id, company, state, product, category, probability, model_version, source_partition, source_offset
FROM gold_latest
WHERE needs_review
