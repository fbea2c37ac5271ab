-- Which category is taken for which?
SELECT true_category, category, count(*) AS complaints
FROM gold_latest
WHERE dt BETWEEN '2026-11-07' AND '2026-11-20' AND true_category IS NOT NULL
GROUP BY true_category, category
ORDER BY true_category, complaints DESC
