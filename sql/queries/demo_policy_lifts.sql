-- Which candidate should replace the baseline?
-- Input: evaluations and truth. Doubly robust, paired: each decision is compared with itself under the
-- logging policy, which is much sharper than subtracting two intervals.
-- Reading: dollars per user over 28 days. A policy is better when the interval of its net value lies
-- above zero. One candidate earns more value and loses it to its cost; the other gives up some value
-- and saves twice that.
WITH lifts AS (
  SELECT
    policy,
    unnest(['value', 'cost', 'net value']) AS lift_in,
    unnest([
      dr_policy_lift_ci(value, propensity, target_prob, q_value_logged, q_value_target, NULL, NULL, household_id),
      dr_policy_lift_ci(cost, propensity, target_prob, q_cost_logged, q_cost_target, NULL, NULL, household_id),
      dr_policy_lift_ci(net_value, propensity, target_prob, q_logged, q_target, NULL, NULL, household_id)
    ]) AS lift
  FROM evaluations
  WHERE policy <> 'baseline'
  GROUP BY policy
),
compared AS (
  SELECT
    lifts.*,
    CASE lift_in WHEN 'value' THEN truth.value WHEN 'cost' THEN truth.cost ELSE truth.net_value END AS truth
  FROM lifts JOIN truth ON truth.name = policy AND truth.estimand = 'policy_lift'
)
SELECT
  policy,
  lift_in,
  round(lift['estimate'], 3) AS estimate,
  round(lift['ci_low'], 3) AS ci_low,
  round(lift['ci_high'], 3) AS ci_high,
  round(lift['p_value'], 4) AS p_value,
  round(truth, 3) AS truth,
  truth BETWEEN lift['ci_low'] AND lift['ci_high'] AS truth_inside
FROM compared
ORDER BY policy, lift_in DESC;
