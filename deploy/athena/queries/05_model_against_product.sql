-- Where the product is known: how often does the model agree with it, by model version and category?
SELECT model_version, true_category, count(*) AS complaints, round(avg(IF(category = true_category, 1.0, 0.0)), 4) AS agreement
FROM gold_latest
WHERE dt BETWEEN '2026-11-07' AND '2026-11-20' AND true_category IS NOT NULL
GROUP BY model_version, true_category
ORDER BY model_version, true_category
