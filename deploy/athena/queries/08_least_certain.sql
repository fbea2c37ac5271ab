-- The fifty complaints that a person should look at first, with their texts.
SELECT s.complaint_id, s.company, s.category, round(s.probability, 3) AS probability, substr(s.narrative, 1, 300) AS beginning
FROM silver s
WHERE s.dt = '2026-11-20' AND s.needs_review AND s.record_error IS NULL
ORDER BY s.probability, s.complaint_id
LIMIT 50
