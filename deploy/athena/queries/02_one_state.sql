-- One state on one day. The rows of an object are sorted by category and state, so most pages are skipped.
SELECT category, company, count(*) AS complaints
FROM gold
WHERE dt = '2026-11-20' AND state = 'CA'
GROUP BY category, company
ORDER BY complaints DESC, company
LIMIT 20
