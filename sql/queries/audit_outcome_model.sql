-- Whose value does the outcome model get wrong?
-- Input: decisions: what the model predicted for the action taken, and what came of it; by lifecycle.
-- Reading: dollars per user over 28 days. gap is actual less predicted, and its interval holds 0 where the
-- model is right on average: below zero it promises too much, above zero too little. Errors like these go
-- straight into dm; dr and sndr correct them by the log.
WITH gaps AS (
  SELECT
    lifecycle,
    avg(q_value_logged) AS predicted,
    avg(value) AS actual,
    mean_ci(value - q_value_logged, household_id) AS gap
  FROM decisions
  GROUP BY lifecycle
)
SELECT
  lifecycle,
  gap['n'] AS n,
  round(predicted, 3) AS predicted,
  round(actual, 3) AS actual,
  round(gap['estimate'], 3) AS gap,
  round(gap['ci_low'], 3) AS ci_low,
  round(gap['ci_high'], 3) AS ci_high,
  CASE
    WHEN gap['ci_high'] < 0 THEN 'promises too much'
    WHEN gap['ci_low'] > 0 THEN 'promises too little'
    ELSE 'unclear'
  END AS verdict
FROM gaps
ORDER BY gap;
