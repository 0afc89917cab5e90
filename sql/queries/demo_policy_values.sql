-- What is each policy worth: value less cost, in dollars per user over 28 days?
-- Input: evaluations and truth. dm trusts the outcome model; ips and snips only the logged
-- propensities; dr and sndr correct the model by the log.
-- Reading: dm's interval misses the truth, because it does not know that its model is wrong.
WITH estimates AS (
  SELECT
    policy,
    unnest(['dm', 'ips', 'snips', 'dr', 'sndr']) AS estimator,
    unnest([
      dm_policy_value_ci(q_target, household_id),
      ips_policy_value_ci(net_value, propensity, target_prob, household_id),
      snips_policy_value_ci(net_value, propensity, target_prob, household_id),
      dr_policy_value_ci(net_value, propensity, target_prob, q_logged, q_target, household_id),
      sndr_policy_value_ci(net_value, propensity, target_prob, q_logged, q_target, household_id)
    ]) AS result
  FROM evaluations
  GROUP BY policy
)
SELECT
  policy,
  estimator,
  round(result['estimate'], 3) AS estimate,
  round(result['std_error'], 3) AS std_error,
  round(result['ci_low'], 3) AS ci_low,
  round(result['ci_high'], 3) AS ci_high,
  round(truth.net_value, 3) AS truth,
  truth.net_value BETWEEN result['ci_low'] AND result['ci_high'] AS truth_inside
FROM estimates JOIN truth ON truth.name = policy AND truth.estimand = 'policy_value'
ORDER BY truth, policy, std_error;
