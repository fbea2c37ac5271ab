-- The whole way of one complaint: the message as it came, and what became of it. For an auditor.
SELECT b.kafka_partition, b.kafka_offset, b.kafka_timestamp, g.classified_at, g.category, g.probability, g.model_version, length(b.value) AS message_bytes
FROM gold g
JOIN bronze b ON b.kafka_topic_id = g.source_topic_id AND b.kafka_partition = g.source_partition AND b.kafka_offset = g.source_offset
WHERE g.dt = '2026-11-20' AND b.dt = '2026-11-20' AND g.complaint_id = (SELECT min(complaint_id) FROM gold WHERE dt = '2026-11-20' AND record_error IS NULL)
ORDER BY b.kafka_offset
