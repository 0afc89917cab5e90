-- What every policy is worth by every estimator, and whether the log can tell.
--
-- One row per policy and estimator: 'ips', 'snips', 'mips', of the log alone; 'dm', of the predictions alone; 'dr', 'sndr',
-- 'switch_dr', 'dros', 'subgaussian_dr', of both. Columns: the value with its error and interval; band_low and band_high,
-- which hold for all policies at once (Bonferroni, per estimator); lambda, chosen by the data for switch_dr and dros (NULL:
-- nothing is shrunk); for ips and dr the paired lift over the baseline (ips_policy_lift, dr_policy_lift), without a baseline
-- over the logging policy, with lift_p_holm adjusted by Holm's method for the policies, NULL for the others; the effective
-- sample size; the mean, the largest and the largest share of the weights target_prob / propensity, of mips those of the
-- families. `verdict` says whether the log supports the policy, `finding` the rule that says so: 'unsupported' (no decision
-- has a weight, or the 99.9 % interval of the mean weight is below one: the policy takes actions that the log does not
-- have), 'propensities off' (that interval is above one), 'starved' (ess below min_ess / 4), 'thin' (ess below min_ess, or
-- one decision holds more than 5 % of the weight), 'ok'. dm uses no weights: its interval is model-conditional and its
-- verdict is 'model only'. Without q_logged and q_target the estimators that need them are NULL and their verdict is 'no
-- predictions', mips without the families' probabilities is 'no families'. Intervals of shrunk or clipped values do not
-- cover what shrinking costs.
-- Holds when: propensities were logged at the decision, and the policies' probabilities use nothing that came after it.
-- Source: Dudík, Langford and Li (2011); Swaminathan and Joachims (2015); Wang, Agarwal and Dudík (2017); Su et al. (2020);
-- Metelli, Russo and Restelli (2021); Saito and Joachims (2022); Kish (1965); Bonferroni (1936); Holm (1979).
-- @column reward reward of the logged action
-- @column propensity probability in (0, 1] that the logging policy chose it
-- @column target_prob probability in [0, 1] that the policy chooses it
-- @column? q_logged predicted reward of the logged action
-- @column? q_target predicted reward of the policy: the sum over actions of its probability times the prediction
-- @column? policy name of the policy, when the relation has one row per decision and policy
-- @column? baseline_prob probability in [0, 1] that the baseline policy chooses the logged action
-- @column? q_baseline predicted reward of the baseline policy; without it dr has no lift over a baseline that is given
-- @column? family_propensity probability in (0, 1] that the logging policy chose an action of that family
-- @column? family_target_prob probability in [0, 1] that the policy chooses one of that family
-- @column? cluster who is dependent, when rows are
-- @constant alpha = 0.05 miscoverage rate of the intervals, and of the bands together
-- @constant interval = 'default' kind of interval: 'default' (normal, with clusters t), 'normal', 't' or 'bootstrap'
-- @constant seed = 0 seed of the bootstrap
-- @constant replicates = 1000 samples that the bootstrap draws
-- @constant clip = NULL largest weight of ips, snips, mips, dr and sndr; larger ones are set to it
-- @constant mixture = 0.1 lambda of subgaussian_dr, in [0, 1]: the share of 1 in the weights' harmonic mean
-- @constant min_ess = 100 effective sample size below which a policy is thinly supported
-- @example
-- SELECT policy, estimator, round(estimate, 3) AS estimate, round(coalesce(lift, 0), 3) AS lift, verdict
-- FROM ope_report(
--   (SELECT * FROM (VALUES ('new', 1, 0.5, 1), ('new', 1, 0.5, 0), ('new', 0, 0.5, 1), ('new', 1, 0.25, 0.25))
--     AS log(name, reward, propensity, prob)),
--   reward => reward, propensity => propensity, target_prob => prob, policy => name)
-- WHERE estimator IN ('ips', 'snips')
-- ORDER BY estimator;

WITH measured AS (
  SELECT
    CAST(policy AS VARCHAR) AS policy,
    count(q_logged) > 0 AND count(q_target) > 0 AS has_predictions,
    count(family_propensity) > 0 AND count(family_target_prob) > 0 AS has_families,
    -- NULL, not 0, where rows have no clusters.
    nullif(count(DISTINCT input.cluster), 0) AS clusters,
    ips_policy_value_ci(1, propensity, target_prob, input.cluster, {'alpha': 0.001}) AS mean_weight,
    max(CAST(target_prob AS DOUBLE) / propensity) AS max_weight,
    max_weight_share(CAST(target_prob AS DOUBLE) / propensity) AS max_weight_share,
    ips_policy_value_ci(
      1, CAST(family_propensity AS DOUBLE), CAST(family_target_prob AS DOUBLE), input.cluster, {'alpha': 0.001}
    ) AS family_mean_weight,
    max(CAST(family_target_prob AS DOUBLE) / CAST(family_propensity AS DOUBLE)) AS family_max_weight,
    max_weight_share(CAST(family_target_prob AS DOUBLE) / CAST(family_propensity AS DOUBLE)) AS family_max_weight_share,
    ips_policy_value_ci(
      reward, propensity, target_prob, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS ips,
    snips_policy_value_ci(
      reward, propensity, target_prob, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS snips,
    mips_policy_value_ci(
      reward, CAST(family_propensity AS DOUBLE), CAST(family_target_prob AS DOUBLE), input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS mips,
    dm_policy_value_ci(
      q_target, input.cluster, {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates}
    ) AS dm,
    dr_policy_value_ci(
      reward, propensity, target_prob, q_logged, q_target, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS dr,
    sndr_policy_value_ci(
      reward, propensity, target_prob, q_logged, q_target, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS sndr,
    switch_dr_policy_value_ci(
      reward, propensity, target_prob, q_logged, q_target, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'lambda': 'auto'}
    ) AS switch_dr,
    dros_policy_value_ci(
      reward, propensity, target_prob, q_logged, q_target, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'lambda': 'auto'}
    ) AS dros,
    subgaussian_dr_policy_value_ci(
      reward, propensity, target_prob, q_logged, q_target, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'lambda': :mixture}
    ) AS subgaussian_dr,
    ips_policy_lift_ci(
      reward, propensity, target_prob, baseline_prob, input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS ips_lift,
    dr_policy_lift_ci(
      reward, propensity, target_prob, q_logged, q_target,
      -- The score of the logging policy is the reward.
      CAST(CASE WHEN :baseline_prob_sql = 'NULL' THEN propensity ELSE baseline_prob END AS DOUBLE),
      CAST(CASE WHEN :baseline_prob_sql = 'NULL' THEN q_logged ELSE q_baseline END AS DOUBLE),
      input.cluster,
      {'alpha': :alpha, 'interval': :interval, 'seed': :seed, 'replicates': :replicates, 'clip': :clip}
    ) AS dr_lift
  FROM input
  GROUP BY CAST(policy AS VARCHAR)
),
policies AS (
  SELECT
    policy,
    has_predictions,
    has_families,
    clusters,
    mean_weight AS action_mean_weight,
    max_weight AS action_max_weight,
    max_weight_share AS action_max_weight_share,
    family_mean_weight,
    family_max_weight,
    family_max_weight_share,
    unnest(['ips', 'dr', 'dm', 'snips', 'sndr', 'mips', 'subgaussian_dr', 'switch_dr', 'dros']) AS estimator,
    unnest(make_array(
      ips, dr, dm, snips, sndr, mips, subgaussian_dr,
      {
        'estimate': switch_dr['estimate'], 'std_error': switch_dr['std_error'], 'ci_low': switch_dr['ci_low'],
        'ci_high': switch_dr['ci_high'], 'p_value': switch_dr['p_value'], 'n': switch_dr['n'],
        'n_skipped': switch_dr['n_skipped'], 'ess': switch_dr['ess']
      },
      {
        'estimate': dros['estimate'], 'std_error': dros['std_error'], 'ci_low': dros['ci_low'],
        'ci_high': dros['ci_high'], 'p_value': dros['p_value'], 'n': dros['n'],
        'n_skipped': dros['n_skipped'], 'ess': dros['ess']
      }
    )) AS value,
    unnest(make_array(NULL, NULL, NULL, NULL, NULL, NULL, NULL, switch_dr['lambda'], dros['lambda'])) AS lambda,
    -- In the order of the estimators; those behind have none.
    unnest(make_array(ips_lift, dr_lift)) AS lift
  FROM measured
),
weighed AS (
  SELECT
    *,
    CASE WHEN estimator = 'mips' THEN family_mean_weight ELSE action_mean_weight END AS mean_weight,
    CASE WHEN estimator = 'mips' THEN family_max_weight ELSE action_max_weight END AS max_weight,
    CASE WHEN estimator = 'mips' THEN family_max_weight_share ELSE action_max_weight_share END AS max_weight_share,
    -- Each side of each policy's band misses with alpha / 2 over the number of policies.
    1 - :alpha / 2 / nullif(count(value['std_error']) OVER (PARTITION BY estimator), 0) AS band_share,
    row_number() OVER (PARTITION BY estimator ORDER BY lift['p_value'], policy) AS place,
    count(lift['p_value']) OVER (PARTITION BY estimator) AS tests
  FROM policies
),
judged AS (
  SELECT
    *,
    value['std_error'] * CASE
      WHEN clusters IS NULL OR :interval = 'normal' THEN normal_quantile(band_share)
      ELSE t_quantile(band_share, clusters - 1)
    END AS band_reach,
    CASE
      WHEN lift['p_value'] IS NOT NULL
        THEN least(1.0, max((tests - place + 1) * lift['p_value']) OVER (PARTITION BY estimator ORDER BY place))
    END AS lift_p_holm,
    CASE
      WHEN estimator IN ('dr', 'dm', 'sndr', 'subgaussian_dr', 'switch_dr', 'dros') AND NOT has_predictions
        THEN 'no predictions'
      WHEN estimator = 'mips' AND NOT has_families THEN 'no families'
      WHEN estimator = 'dm' THEN 'model only'
      WHEN coalesce(max_weight, 0) = 0 OR value['n'] = 0 OR mean_weight['ci_high'] < 1 THEN 'unsupported'
      WHEN mean_weight['ci_low'] > 1 THEN 'propensities off'
      WHEN value['ess'] < :min_ess / 4.0 THEN 'starved'
      WHEN value['ess'] < :min_ess OR max_weight_share > 0.05 THEN 'thin'
      ELSE 'ok'
    END AS verdict
  FROM weighed
)
SELECT
  policy,
  estimator,
  value['estimate'] AS estimate,
  value['std_error'] AS std_error,
  value['ci_low'] AS ci_low,
  value['ci_high'] AS ci_high,
  value['estimate'] - band_reach AS band_low,
  value['estimate'] + band_reach AS band_high,
  value['n'] AS n,
  value['n_skipped'] AS n_skipped,
  value['ess'] AS ess,
  lambda,
  lift['estimate'] AS lift,
  lift['std_error'] AS lift_std_error,
  lift['ci_low'] AS lift_ci_low,
  lift['ci_high'] AS lift_ci_high,
  lift['p_value'] AS lift_p_value,
  lift_p_holm,
  mean_weight['estimate'] AS mean_weight,
  max_weight,
  max_weight_share,
  verdict,
  CASE verdict
    WHEN 'no predictions' THEN 'q_logged and q_target are not given'
    WHEN 'no families' THEN 'family_propensity and family_target_prob are not given'
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
