-- Letters that many people send: texts whose first 220 letters and digits are the same.
SELECT near_copy_key, count(DISTINCT complaint_id) AS complaints, count(DISTINCT company) AS companies, min(substr(narrative, 1, 200)) AS beginning
FROM silver
WHERE dt BETWEEN '2026-11-07' AND '2026-11-20' AND record_error IS NULL
GROUP BY near_copy_key
HAVING count(DISTINCT complaint_id) > 1
ORDER BY complaints DESC, near_copy_key
LIMIT 20
