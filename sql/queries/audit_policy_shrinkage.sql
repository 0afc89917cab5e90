-- Do a few large weights decide what a policy is worth?
-- Input: evaluations and truth. switch leaves decisions with weights beyond lambda to the outcome model,
-- which costs bias and saves variance: no lambda (doubly robust), 4, 2 and 0 (the model alone). auto_lambda
-- is what the data would choose; rewards are in hundreds of dollars and back, as it takes them to be within
-- 1 of their predictions.
-- Reading: dollars per user over 28 days. Where estimates move as lambda falls, it is the model that moves
-- them: this one promises too much, so they tend to rise beyond the truth while their intervals shrink.
-- auto_lambda is NULL when there is nothing to gain, as with propensities that have a floor; a small one
-- would mean that the log is thin, and that any estimate leans on the model.
WITH hundreds AS (
  SELECT
    policy, household_id, propensity, target_prob,
    net_value / 100 AS reward, q_logged / 100 AS q_logged, q_target / 100 AS q_target
  FROM evaluations
  WHERE policy <> 'baseline'
),
estimates AS (
  SELECT
    policy,
    unnest(['none', '4', '2', '0']) AS lambda,
    unnest([
      switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id),
      switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id, {'lambda': 4}),
      switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id, {'lambda': 2}),
      switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id, {'lambda': 0})
    ]) AS result,
    switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id, {'lambda': 'auto'})
      AS auto
  FROM hundreds
  GROUP BY policy
)
SELECT
  policy,
  lambda,
  round(100 * result['estimate'], 3) AS estimate,
  round(100 * result['std_error'], 3) AS std_error,
  round(100 * result['ci_low'], 3) AS ci_low,
  round(100 * result['ci_high'], 3) AS ci_high,
  round(truth.net_value, 3) AS truth,
  truth.net_value BETWEEN 100 * result['ci_low'] AND 100 * result['ci_high'] AS truth_inside,
  auto['lambda'] AS auto_lambda
FROM estimates JOIN truth ON truth.name = policy AND truth.estimand = 'policy_value'
ORDER BY policy, std_error DESC, lambda;
