-- The three most named companies of each category.
SELECT category, company, complaints
FROM (
  SELECT category, company, count(*) AS complaints, row_number() OVER (PARTITION BY category ORDER BY count(*) DESC, company) AS place
  FROM gold_latest
  WHERE dt BETWEEN '2026-11-07' AND '2026-11-20' AND company IS NOT NULL
  GROUP BY category, company
)
WHERE place <= 3
ORDER BY category, place
