-- All in one: what is each policy worth by every estimator, what would it add, and can the log tell?
-- Input: evaluations.
-- Reading: dollars per user over 28 days, value less cost; lift is over the policy that made the log, decision by
-- decision. A verdict other than ok would mean that the estimate is about decisions the log hardly has.
SELECT
  policy,
  estimator,
  round(estimate, 3) AS estimate,
  round(ci_low, 3) AS ci_low,
  round(ci_high, 3) AS ci_high,
  round(lift, 3) AS lift,
  round(lift_ci_low, 3) AS lift_low,
  round(lift_ci_high, 3) AS lift_high,
  round(ess) AS ess,
  round(max_weight, 1) AS max_weight,
  verdict
FROM ope_report(
  evaluations,
  reward => net_value, propensity => propensity, target_prob => target_prob, q_logged => q_logged, q_target => q_target,
  policy => policy, cluster => household_id
)
ORDER BY policy, estimator;
