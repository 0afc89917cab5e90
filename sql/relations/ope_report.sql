-- What every policy is worth by every estimator, and whether the log can tell.
--
-- One row per policy and estimator: 'ips', 'dr', 'dm', 'snips', 'sndr'. Columns: the value with its error and interval;
-- for ips and dr the paired lift over the baseline (ips_policy_lift, dr_policy_lift), without a baseline over the
-- logging policy, NULL for the others; the effective sample size; the mean, the largest and the largest share of the
-- weights target_prob / propensity. `verdict` says whether the log supports the policy, `finding` the rule that says
-- so: 'unsupported' (no decision has a weight, or the 99.9 % interval of the mean weight is below one: the policy takes
-- actions that the log does not have), 'propensities off' (that interval is above one), 'starved' (ess below min_ess /
-- 4), 'thin' (ess below min_ess, or one decision holds more than 5 % of the weight), 'ok'. dm uses no weights: its
-- interval is model-conditional and its verdict is 'model only'. Without q_logged and q_target dm, dr and sndr are NULL
-- and their verdict is 'no predictions'.
-- Holds when: propensities were logged at the decision, and the policies' probabilities use nothing that came after it.
-- Source: Dudík, Langford and Li (2011); Swaminathan and Joachims (2015); Kish (1965).
-- @column reward reward of the logged action
-- @column propensity probability in (0, 1] that the logging policy chose it
-- @column target_prob probability in [0, 1] that the policy chooses it
-- @column? q_logged predicted reward of the logged action
-- @column? q_target predicted reward of the policy: the sum over actions of its probability times the prediction
-- @column? policy name of the policy, when the relation has one row per decision and policy
-- @column? baseline_prob probability in [0, 1] that the baseline policy chooses the logged action
-- @column? q_baseline predicted reward of the baseline policy; without it dr has no lift over a baseline that is given
-- @column? cluster who is dependent, when rows are
-- @constant alpha = 0.05 miscoverage rate of the intervals
-- @constant min_ess = 100 effective sample size below which a policy is thinly supported
-- @example
-- SELECT policy, estimator, round(estimate, 3) AS estimate, round(coalesce(lift, 0), 3) AS lift, verdict
-- FROM ope_report(
--   (SELECT * FROM (VALUES ('new', 1, 0.5, 1), ('new', 1, 0.5, 0), ('new', 0, 0.5, 1), ('new', 1, 0.25, 0.25))
--     AS log(name, reward, propensity, prob)),
--   reward => reward, propensity => propensity, target_prob => prob, policy => name)
-- WHERE estimator IN ('ips', 'snips')
-- ORDER BY estimator;

WITH policies AS (
  SELECT
    CAST(policy AS VARCHAR) AS policy,
    count(q_logged) > 0 AND count(q_target) > 0 AS has_predictions,
    ips_policy_value_ci(1, propensity, target_prob, input.cluster, {'alpha': 0.001}) AS mean_weight,
    max(CAST(target_prob AS DOUBLE) / propensity) AS max_weight,
    max_weight_share(CAST(target_prob AS DOUBLE) / propensity) AS max_weight_share,
    unnest(['ips', 'dr', 'dm', 'snips', 'sndr']) AS estimator,
    unnest([
      ips_policy_value_ci(reward, propensity, target_prob, input.cluster, {'alpha': :alpha}),
      dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, input.cluster, {'alpha': :alpha}),
      dm_policy_value_ci(q_target, input.cluster, {'alpha': :alpha}),
      snips_policy_value_ci(reward, propensity, target_prob, input.cluster, {'alpha': :alpha}),
      sndr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, input.cluster, {'alpha': :alpha})
    ]) AS value,
    -- In the order of the estimators; those behind have none.
    unnest([
      ips_policy_lift_ci(reward, propensity, target_prob, baseline_prob, input.cluster, {'alpha': :alpha}),
      dr_policy_lift_ci(
        reward, propensity, target_prob, q_logged, q_target,
        -- The score of the logging policy is the reward.
        CAST(CASE WHEN :baseline_prob_sql = 'NULL' THEN propensity ELSE baseline_prob END AS DOUBLE),
        CAST(CASE WHEN :baseline_prob_sql = 'NULL' THEN q_logged ELSE q_baseline END AS DOUBLE),
        input.cluster, {'alpha': :alpha}
      )
    ]) AS lift
  FROM input
  GROUP BY CAST(policy AS VARCHAR)
),
judged AS (
  SELECT
    *,
    CASE
      WHEN estimator IN ('dr', 'dm', 'sndr') AND NOT has_predictions THEN 'no predictions'
      WHEN estimator = 'dm' THEN 'model only'
      WHEN coalesce(max_weight, 0) = 0 OR value['n'] = 0 OR mean_weight['ci_high'] < 1 THEN 'unsupported'
      WHEN mean_weight['ci_low'] > 1 THEN 'propensities off'
      WHEN value['ess'] < :min_ess / 4.0 THEN 'starved'
      WHEN value['ess'] < :min_ess OR max_weight_share > 0.05 THEN 'thin'
      ELSE 'ok'
    END AS verdict
  FROM policies
)
SELECT
  policy,
  estimator,
  value['estimate'] AS estimate,
  value['std_error'] AS std_error,
  value['ci_low'] AS ci_low,
  value['ci_high'] AS ci_high,
  value['n'] AS n,
  value['n_skipped'] AS n_skipped,
  value['ess'] AS ess,
  lift['estimate'] AS lift,
  lift['std_error'] AS lift_std_error,
  lift['ci_low'] AS lift_ci_low,
  lift['ci_high'] AS lift_ci_high,
  lift['p_value'] AS lift_p_value,
  mean_weight['estimate'] AS mean_weight,
  max_weight,
  max_weight_share,
  verdict,
  CASE verdict
    WHEN 'no predictions' THEN 'q_logged and q_target are not given'
    WHEN 'model only' THEN 'the predictions alone; the log is not used'
    WHEN 'unsupported' THEN CASE
      WHEN value['n'] = 0 THEN 'no decision has a reward, a propensity and a probability'
      ELSE 'mean weight ' || round(coalesce(mean_weight['estimate'], 0), 3)
        || ' is below 1: the policy takes actions that the log does not have'
    END
    WHEN 'propensities off' THEN 'mean weight ' || round(mean_weight['estimate'], 3) || ' is above 1'
    WHEN 'ok' THEN 'ess ' || round(value['ess']) || ' of ' || value['n'] || ' decisions'
    ELSE 'ess ' || round(value['ess'], 1) || ' of ' || value['n'] || ' decisions, the largest weight has a share of '
      || round(max_weight_share, 3)
  END AS finding
FROM judged
