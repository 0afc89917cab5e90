-- Whom do offers move, and what does a dollar of value cost there?
-- Input: decisions and truth. Any offer against none, by lifecycle, weighted by one over the
-- propensity (Hájek).
-- Reading: effect in dollars per user over 28 days. Below 1, cost per value says that offers pay for
-- themselves; the interval is unbounded where the effect on value may be zero.
WITH effects AS (
  SELECT
    lifecycle,
    ipw_ate_ci(value, action <> 'no_offer', 1 - propensity_no_offer, household_id) AS effect,
    relative_lift(value, action <> 'no_offer', 1 - propensity_no_offer, household_id) AS relative_lift,
    incremental_cost_per_value_ci(value, cost, action <> 'no_offer', 1 - propensity_no_offer, household_id) AS price
  FROM decisions
  GROUP BY lifecycle
)
SELECT
  lifecycle,
  round(effect['estimate'], 3) AS estimate,
  round(effect['ci_low'], 3) AS ci_low,
  round(effect['ci_high'], 3) AS ci_high,
  round(truth.value, 3) AS truth,
  truth.value BETWEEN effect['ci_low'] AND effect['ci_high'] AS truth_inside,
  round(relative_lift, 3) AS relative_lift,
  round(price['estimate'], 2) AS cost_per_value,
  round(price['ci_low'], 2) AS price_low,
  round(price['ci_high'], 2) AS price_high
FROM effects JOIN truth ON truth.name = lifecycle AND truth.estimand = 'lifecycle_effect'
ORDER BY cost_per_value;
