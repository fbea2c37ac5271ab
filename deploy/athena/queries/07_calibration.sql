-- Do probabilities mean what they say? In each tenth, the mean probability and the share that was right.
SELECT least(floor(probability * 10), 9) / 10 AS from_probability, count(*) AS complaints,
  round(avg(probability), 3) AS mean_probability, round(avg(IF(category = true_category, 1.0, 0.0)), 3) AS share_right
FROM gold_latest
WHERE dt BETWEEN '2026-11-07' AND '2026-11-20' AND true_category IS NOT NULL
GROUP BY least(floor(probability * 10), 9) / 10
ORDER BY from_probability
