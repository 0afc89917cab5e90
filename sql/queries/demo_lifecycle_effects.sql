-- Whom do offers move, and where do they pay for themselves?
-- Input: decisions and truth. Any offer against none, by lifecycle, weighted by one over the
-- propensity (Hájek).
-- Reading: dollars per user over 28 days. The interval is of the effect on net value: where it lies
-- below zero, offers cost more than they bring. Cost per value is what a dollar of value costs there.
WITH effects AS (
  SELECT
    lifecycle,
    ipw_ate(value, action <> 'no_offer', 1 - propensity_no_offer) AS value_lift,
    ipw_ate(cost, action <> 'no_offer', 1 - propensity_no_offer) AS cost_lift,
    ipw_ate_ci(value - cost, action <> 'no_offer', 1 - propensity_no_offer, household_id) AS net_value,
    relative_lift(value, action <> 'no_offer', 1 - propensity_no_offer, household_id) AS relative_lift,
    incremental_cost_per_value(value, cost, action <> 'no_offer', 1 - propensity_no_offer) AS cost_per_value
  FROM decisions
  GROUP BY lifecycle
)
SELECT
  lifecycle,
  round(value_lift, 3) AS value_lift,
  round(relative_lift, 3) AS relative_lift,
  round(cost_lift, 3) AS cost_lift,
  round(cost_per_value, 2) AS cost_per_value,
  round(effects.net_value['estimate'], 3) AS net_lift,
  round(effects.net_value['ci_low'], 3) AS ci_low,
  round(effects.net_value['ci_high'], 3) AS ci_high,
  round(truth.net_value, 3) AS truth,
  truth.net_value BETWEEN effects.net_value['ci_low'] AND effects.net_value['ci_high'] AS truth_inside
FROM effects JOIN truth ON truth.name = lifecycle AND truth.estimand = 'lifecycle_effect'
ORDER BY net_lift DESC;
