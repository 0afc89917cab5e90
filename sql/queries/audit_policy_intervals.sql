-- How sure is the cost of each policy, by intervals that assume less and less?
-- Input: evaluations and truth. IPS of the incentive paid. normal and bootstrap trust that there are many
-- households; empirical_bernstein and hoeffding hold for any number of rows, given what can be: an incentive
-- of up to 30 dollars, and weights of up to 23, since candidates choose an action with probability 0.92 at
-- most, the log with 0.04 at least.
-- Reading: dollars per user over 28 days. normal and bootstrap should agree: where they do not, few
-- households carry the estimate. The others take rows as independent. They are wider, and hoeffding, which
-- knows the range alone, says nothing here. A decision that stands by empirical_bernstein needs no trust in
-- large numbers.
WITH estimates AS (
  SELECT
    policy,
    unnest(['normal', 'bootstrap', 'empirical_bernstein', 'hoeffding']) AS kind,
    unnest([
      ips_policy_value_ci(cost, propensity, target_prob, household_id, {'interval': 'normal'}),
      ips_policy_value_ci(cost, propensity, target_prob, household_id, {'interval': 'bootstrap', 'replicates': 400}),
      ips_policy_value_ci(
        cost, propensity, target_prob,
        {'interval': 'empirical_bernstein', 'reward_range': [0, 30], 'max_weight': 23}
      ),
      ips_policy_value_ci(
        cost, propensity, target_prob,
        {'interval': 'hoeffding', 'reward_range': [0, 30], 'max_weight': 23}
      )
    ]) AS result
  FROM evaluations
  GROUP BY policy
)
SELECT
  policy,
  kind AS interval,
  round(result['estimate'], 3) AS estimate,
  round(result['ci_low'], 3) AS ci_low,
  round(result['ci_high'], 3) AS ci_high,
  round(result['ci_high'] - result['ci_low'], 3) AS width,
  round(truth.cost, 3) AS truth,
  truth.cost BETWEEN result['ci_low'] AND result['ci_high'] AS truth_inside
FROM estimates JOIN truth ON truth.name = policy AND truth.estimand = 'policy_value'
ORDER BY policy, width;
