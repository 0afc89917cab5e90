-- Whom would a candidate help, and whom would it hurt?
-- Input: decisions and policies. Lift of each candidate over the logging policy in net value, by lifecycle.
-- Reading: dollars per user over 28 days, and total, what all users of the lifecycle together would gain or
-- lose. A candidate that is better on average may lose in a segment: better and worse are shown where the
-- interval lies beside zero, with alpha divided by the eight rows, so that hardly one of them is chance.
-- unclear is not none.
WITH lifts AS (
  SELECT
    policy,
    lifecycle,
    count(*) AS users,
    dr_policy_lift_ci(
      value - cost, propensity, target_prob, q_value_logged - q_cost_logged, q_value_target - q_cost_target,
      NULL, NULL, household_id, {'alpha': 0.00625}
    ) AS lift
  FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id
  WHERE policy <> 'baseline'
  GROUP BY policy, lifecycle
)
SELECT
  policy,
  lifecycle,
  users,
  round(lift['estimate'], 3) AS lift,
  round(lift['ci_low'], 3) AS ci_low,
  round(lift['ci_high'], 3) AS ci_high,
  round(users * lift['estimate']) AS total,
  CASE WHEN lift['ci_low'] > 0 THEN 'better' WHEN lift['ci_high'] < 0 THEN 'worse' ELSE 'unclear' END AS verdict
FROM lifts
ORDER BY policy, lift DESC;
