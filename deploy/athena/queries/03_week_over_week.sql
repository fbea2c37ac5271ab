-- How did each category move against the week before?
SELECT
  category,
  count_if(dt > '2026-11-13') AS this_week,
  count_if(dt <= '2026-11-13') AS week_before,
  round(100.0 * count_if(dt > '2026-11-13') / nullif(count_if(dt <= '2026-11-13'), 0) - 100, 1) AS percent
FROM gold_latest
WHERE dt BETWEEN '2026-11-07' AND '2026-11-20'
GROUP BY category
ORDER BY category
