-- What were a day's complaints about?
SELECT category, count(*) AS complaints, round(avg(probability), 3) AS mean_probability
FROM gold
WHERE dt = '2026-11-20' AND record_error IS NULL
GROUP BY category
ORDER BY complaints DESC
