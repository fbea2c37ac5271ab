-- Complaints a day and category, with how sure the model was.
CREATE OR REPLACE VIEW daily_counts AS
SELECT dt, category, count(*) AS complaints, avg(probability) AS mean_probability, count_if(needs_review) AS to_review
FROM gold_latest
GROUP BY dt, category
