-- Whether the effects that a model predicts are still right, period by period.
--
-- One row per period: n, n_treated, n_control; predicted, the mean prediction; actual, the effect by ipw_ate (difference of
-- Hájek means) over the same rows; gap, predicted less actual, with std_error, ci_low, ci_high and p_value of a gap of 0,
-- paired, since both come from the same rows; p_holm, adjusted by Holm's method for all periods. slope, the
-- calibration_slope of the actual on the predicted effect, with slope_std_error, and slope_p_value and slope_p_holm of a
-- slope of 1; NULL where all predictions are equal. change, the gap less that of the baseline, the first period with both
-- arms, with change_std_error, change_p_value and change_p_holm; NULL in the baseline. ess, the effective sample size of
-- both arms. Errors, intervals and tests are normal; with clusters they are clustered, t with G - 1 degrees of freedom, and
-- change counts a cluster that is in both periods once. verdict, the first that is true: 'few rows' where an arm has fewer
-- than min_rows rows, ess is below min_rows, or there are fewer than 20 clusters; 'constant' where nothing varies, so that
-- the gap has no test; 'overpredicts' or 'underpredicts' where p_holm is below alpha; 'drifted' where change_p_holm is;
-- 'slope off' where slope_p_holm is; else 'ok'. An arm without rows makes actual and gap NULL. Rows with NULL in an argument
-- are left out. Invalid values are errors.
-- Holds when: predictions were made without these rows, and treatment was assigned with the given propensity; rows, or
-- clusters, are independent, so units that come back in several periods are given as cluster.
-- Source: Hájek (1971); Chernozhukov, Demirer, Duflo and Fernández-Val (2018); Holm (1979).
-- @column period the period of the row, of any type that has an order
-- @column prediction the predicted effect
-- @column outcome the outcome, in the unit of the prediction
-- @column treated 1 or true for the arm under test, 0 or false for the control
-- @column propensity P(treated), in (0, 1)
-- @column? cluster who is dependent, when rows are
-- @constant alpha = 0.05 miscoverage rate of the intervals, and false alarm rate of each kind of test over all periods
-- @constant min_rows = 100 rows of an arm that are enough
-- @example
-- SELECT period, predicted, round(actual, 3) AS actual, round(gap, 3) AS gap, verdict
-- FROM calibration_over_time(
--   (SELECT CAST(value >= 400 AS INT) AS week, 2 AS tau, value % 2 AS t,
--      value % 5 + CASE WHEN value < 400 THEN 2 ELSE 1 END * (value % 2) AS y FROM range(800)),
--   period => week, prediction => tau, outcome => y, treated => t, propensity => 0.5)
-- ORDER BY period;

WITH given AS (
  SELECT
    period,
    input.cluster AS kin,
    CASE
      WHEN CAST(prediction AS DOUBLE) - CAST(prediction AS DOUBLE) = 0 THEN CAST(prediction AS DOUBLE)
      ELSE CAST(raise_error(
        'calibration_over_time: prediction must be finite, got ' || CAST(prediction AS VARCHAR) || '; leave such rows out'
      ) AS DOUBLE)
    END AS tau,
    CASE
      WHEN CAST(outcome AS DOUBLE) - CAST(outcome AS DOUBLE) = 0 THEN CAST(outcome AS DOUBLE)
      ELSE CAST(raise_error(
        'calibration_over_time: outcome must be finite, got ' || CAST(outcome AS VARCHAR) || '; leave such rows out'
      ) AS DOUBLE)
    END AS y,
    CASE
      WHEN CAST(treated AS DOUBLE) IN (0, 1) THEN CAST(treated AS DOUBLE)
      ELSE CAST(raise_error(
        'calibration_over_time: treated must be 0 or 1, got ' || CAST(treated AS VARCHAR) || '; filter to two arms first'
      ) AS DOUBLE)
    END AS t,
    CASE
      WHEN CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) < 1 THEN CAST(propensity AS DOUBLE)
      ELSE CAST(raise_error(
        'calibration_over_time: propensity must be in (0, 1), got ' || CAST(propensity AS VARCHAR)
          || '; rows that could only be in one arm have no effect to compare with, leave them out'
      ) AS DOUBLE)
    END AS e
  FROM input
  WHERE period IS NOT NULL AND prediction IS NOT NULL AND outcome IS NOT NULL AND treated IS NOT NULL
    AND propensity IS NOT NULL AND (:cluster_sql = 'NULL' OR input.cluster IS NOT NULL)
),
-- With the weights of the treated and of the controls.
scored AS (
  SELECT *, t / e AS a, (1 - t) / (1 - e) AS b
  FROM given
),
-- Sums by period, by cluster when there are clusters.
cells AS (
  SELECT
    period,
    kin,
    count(*) AS n,
    count(*) FILTER (WHERE t = 1) AS n_treated,
    sum(tau) AS tau,
    sum(a) AS a,
    sum(b) AS b,
    sum(a * y) AS ay,
    sum(b * y) AS by,
    var_samp(tau) AS tau_variance,
    covar_samp(tau, a) AS tau_a,
    covar_samp(tau, b) AS tau_b,
    covar_samp(tau, a * y) AS tau_ay,
    covar_samp(tau, b * y) AS tau_by,
    mean_state(tau, kin) AS mean_state,
    ipw_ate_state(y, t, e, kin) AS effect_state,
    calibration_slope_state(tau, y, t, e, kin) AS slope_state
  FROM scored
  GROUP BY period, kin
),
totals AS (
  SELECT
    *,
    sum(n) OVER (PARTITION BY period) AS period_n,
    sum(n_treated) OVER (PARTITION BY period) AS period_treated,
    CAST(count(*) OVER (PARTITION BY period) AS DOUBLE) AS clusters,
    mean_merge(mean_state) OVER (PARTITION BY period) AS predicted,
    ipw_ate_merge_ci(effect_state, {'alpha': :alpha}) OVER (PARTITION BY period) AS effect,
    calibration_slope_merge_ci(slope_state, {'alpha': :alpha}) OVER (PARTITION BY period) AS slope,
    sum(a) OVER (PARTITION BY period) AS period_a,
    sum(b) OVER (PARTITION BY period) AS period_b,
    sum(ay) OVER (PARTITION BY period) / nullif(sum(a) OVER (PARTITION BY period), 0) AS mu1,
    sum(by) OVER (PARTITION BY period) / nullif(sum(b) OVER (PARTITION BY period), 0) AS mu0
  FROM cells
),
-- The influence of a row on the gap is its prediction about the mean, less a (y - mu1) / mean a, plus b (y - mu0) / mean b.
-- influence: with clusters the sum of it over the cluster by the rows of the period; without the error of the period.
influences AS (
  SELECT
    *,
    predicted - effect['estimate'] AS gap,
    CASE
      WHEN :cluster_sql <> 'NULL'
        THEN (tau - n * predicted) / period_n - (ay - mu1 * a) / nullif(period_a, 0) + (by - mu0 * b) / nullif(period_b, 0)
      ELSE sqrt(greatest(
        tau_variance / n
          - 2 * ((tau_ay - mu1 * tau_a) / nullif(period_a, 0) - (tau_by - mu0 * tau_b) / nullif(period_b, 0))
          + effect['std_error'] * effect['std_error'],
        0.0
      ))
    END AS influence
  FROM totals
),
compared AS (
  SELECT
    *,
    -- What the cluster had in the baseline; shared only when there are clusters.
    CASE WHEN :cluster_sql <> 'NULL' THEN
      max(CASE WHEN period = baseline THEN influence END) OVER (PARTITION BY kin)
    END AS influence_before
  FROM (SELECT *, min(CASE WHEN gap IS NOT NULL THEN period END) OVER () AS baseline FROM influences)
),
-- Values whose mean is the gap, with its error: one per cluster, or two without clusters.
valued AS (
  SELECT
    *,
    unnest(CASE
      WHEN :cluster_sql <> 'NULL' THEN make_array(gap + clusters * influence)
      ELSE make_array(gap + influence, gap - influence)
    END) AS value
  FROM compared
),
periods AS (
  SELECT
    period,
    period = max(baseline) AS is_baseline,
    max(period_n) AS n,
    max(period_treated) AS n_treated,
    max(clusters) AS clusters,
    max(predicted) AS predicted,
    max(gap) AS gap,
    first_value(effect) AS effect,
    first_value(slope) AS slope,
    -- A mean that has a test.
    ips_policy_lift_ci(value, 1, 1, 0, kin, {'alpha': :alpha}) AS lift,
    sum(influence * influence) / CASE WHEN :cluster_sql <> 'NULL' THEN 1 ELSE 2 END AS squares,
    coalesce(sum(influence * influence_before), 0) AS products,
    count(influence_before) AS clusters_before
  FROM valued
  GROUP BY period
),
drifts AS (
  SELECT
    *,
    CASE WHEN NOT is_baseline THEN gap - max(gap) FILTER (WHERE is_baseline) OVER () END AS change,
    greatest(squares - 2 * products + max(squares) FILTER (WHERE is_baseline) OVER (), 0.0) AS change_squares,
    CASE
      WHEN :cluster_sql <> 'NULL' THEN clusters + max(clusters) FILTER (WHERE is_baseline) OVER () - clusters_before
    END AS change_clusters
  FROM periods
),
tested AS (
  SELECT
    *,
    CASE
      WHEN change IS NULL THEN NULL
      WHEN :cluster_sql = 'NULL' THEN sqrt(change_squares)
      ELSE sqrt(change_squares * change_clusters / nullif(change_clusters - 1, 0))
    END AS change_error
  FROM drifts
),
tests AS (
  SELECT
    *,
    unnest(make_array(
      {'kind': 'gap', 't': gap / nullif(lift['std_error'], 0), 'df': CAST(NULL AS DOUBLE)},
      {
        'kind': 'slope', 't': abs(slope['estimate'] - 1) / nullif(slope['std_error'], 0),
        'df': CASE WHEN :cluster_sql <> 'NULL' THEN clusters - 1 END
      },
      {'kind': 'change', 't': abs(change) / nullif(change_error, 0), 'df': change_clusters - 1}
    )) AS test
  FROM tested
),
p_values AS (
  SELECT
    *,
    test['kind'] AS kind,
    CASE
      WHEN test['kind'] = 'gap' THEN lift['p_value']
      WHEN test['df'] IS NULL THEN normal_p_value(test['t'])
      ELSE t_p_value(test['t'], test['df'])
    END AS p_value
  FROM tests
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY kind ORDER BY p_value, period) AS place,
    count(p_value) OVER (PARTITION BY kind) AS n_tests
  FROM p_values
),
adjusted AS (
  SELECT
    *,
    CASE
      WHEN p_value IS NOT NULL
        THEN least(1.0, max((n_tests - place + 1) * p_value) OVER (PARTITION BY kind ORDER BY place))
    END AS p_holm
  FROM ranked
),
gathered AS (
  SELECT
    *,
    max(p_value) FILTER (WHERE kind = 'slope') OVER (PARTITION BY period) AS slope_p_value,
    max(p_holm) FILTER (WHERE kind = 'slope') OVER (PARTITION BY period) AS slope_p_holm,
    max(p_value) FILTER (WHERE kind = 'change') OVER (PARTITION BY period) AS change_p_value,
    max(p_holm) FILTER (WHERE kind = 'change') OVER (PARTITION BY period) AS change_p_holm
  FROM adjusted
)
SELECT
  period,
  n,
  n_treated,
  n - n_treated AS n_control,
  predicted,
  effect['estimate'] AS actual,
  gap,
  lift['std_error'] AS std_error,
  lift['ci_low'] AS ci_low,
  lift['ci_high'] AS ci_high,
  p_value,
  p_holm,
  slope['estimate'] AS slope,
  slope['std_error'] AS slope_std_error,
  slope_p_value,
  slope_p_holm,
  change,
  change_error AS change_std_error,
  change_p_value,
  change_p_holm,
  effect['ess'] AS ess,
  CASE
    WHEN least(n_treated, n - n_treated) < :min_rows OR effect['ess'] < :min_rows THEN 'few rows'
    WHEN :cluster_sql <> 'NULL' AND clusters < 20 THEN 'few rows'
    WHEN p_value IS NULL THEN 'constant'
    WHEN p_holm < :alpha AND gap > 0 THEN 'overpredicts'
    WHEN p_holm < :alpha THEN 'underpredicts'
    WHEN change_p_holm < :alpha THEN 'drifted'
    WHEN slope_p_holm < :alpha THEN 'slope off'
    ELSE 'ok'
  END AS verdict
FROM gathered
WHERE kind = 'gap'
