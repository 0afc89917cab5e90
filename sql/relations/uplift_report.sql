-- Which of several models of an effect ranks rows best, and whether its predictions can be believed.
--
-- One row per model, a column of scores over the same held-out rows: n, n_skipped, n_treated, n_control; predicted, the
-- mean score, beside effect, the average effect by ipw_ate, and effect_std_error. Ranking: autoc and qini with error,
-- interval and p_value of a ranking by chance, autoc_p_holm adjusted by Holm's method for the models; is_best, the largest
-- autoc. Calibration: slope of the actual on the predicted effect with its error, slope_p_value of a slope of 0 and
-- slope_one_p_value of 1, which is right, by a normal test; intercept; calibration_error, the mean distance of predicted
-- and actual over `bins` bins, weighted by their rows, which chance alone makes positive. Order of the bins, of
-- monotonicity_test: violations, largest_violation, kendall_tau, and monotone_p_value, which refutes the order when small.
-- Decision: uplift_at, the average effect among the `top` share of rows with error and interval; policy_value, what that
-- treats is worth per row of all rows over treating nobody (`top` times uplift_at), with interval; with `cost`, aucc, the
-- area under the cost curve, 0.5 for a ranking by chance, with interval. Stability, with `unit`: rows are drawn into
-- `splits` parts by a hash of seed and unit; parts, those with a qini; split_qini_mean and split_qini_sd over them;
-- sign_flips, parts where qini has another sign than over all rows; parts_best, parts where no other model has a larger
-- one. Chance alone makes split_qini_sd about the root of `splits` times qini_std_error. All effects are in the unit of the
-- outcome. verdict, the first that is true: 'no rows' where an arm has none; 'constant' where scores tell no rows apart;
-- 'few rows' where an arm has fewer than min_rows; 'ranks the wrong way' where autoc_p_holm is below alpha and autoc
-- negative; 'no better than chance' where it is not below; 'ranks, order refuted' where monotone_p_value is below alpha;
-- 'ranks, not calibrated' where slope_one_p_value is, or the normal interval of effect leaves predicted out; else 'ranks
-- and is calibrated', as far as these rows can tell. Scores that are not in the unit of the outcome can only rank.
-- Intervals of different models are not independent: the same rows are in all, and the error of a difference of two autocs
-- is not here. A row that lacks a score is left out for that model alone, one without an outcome, treated, propensity or
-- cluster for all, one without cost of aucc alone, one without unit of the parts alone. Invalid values are errors.
-- Holds when: the models were trained without these rows, and treatment was assigned with the given propensity.
-- Source: Yadlowsky et al. (2025); Radcliffe (2007); Chernozhukov, Demirer, Duflo and Fernández-Val (2018); Holm (1979).
-- @column outcome the outcome, in the unit of the scores
-- @column treated 1 or true for the arm under test, 0 or false for the control
-- @column propensity P(treated), in (0, 1)
-- @columns scores what each model predicts, larger first: {'model': expression}
-- @column? unit who was assigned, of any type: rows of one unit are in the same part
-- @column? cost what a row has cost, in any unit
-- @column? cluster who is dependent, when rows are
-- @constant top = 0.3 share of the rows that would be treated
-- @constant bins = 10 bins of the predictions
-- @constant splits = 5 parts for the stability
-- @constant seed = 0 seed of the parts, and of the draws of monotonicity_test
-- @constant alpha = 0.05 miscoverage rate of the intervals, and false alarm rate of the verdicts
-- @constant min_rows = 100 rows of an arm that are enough
-- @example
-- SELECT model, round(autoc, 2) AS autoc, round(slope, 2) AS slope, round(policy_value, 2) AS policy_value, is_best, verdict
-- FROM uplift_report(
--   (SELECT value % 2 AS t, value % 40 / 4 AS size, value * 7919 % 31 AS noise,
--      value % 40 / 4 * (value % 2) + value % 7 AS y FROM range(2800)),
--   outcome => y, treated => t, propensity => 0.5, scores => {'by size': size, 'noise': noise})
-- ORDER BY model;

WITH given AS (
  SELECT
    CASE
      WHEN outcome IS NULL OR treated IS NULL OR propensity IS NULL THEN NULL
      WHEN :cluster_sql <> 'NULL' AND input.cluster IS NULL THEN NULL
      WHEN CAST(outcome AS DOUBLE) - CAST(outcome AS DOUBLE) = 0 THEN CAST(outcome AS DOUBLE)
      ELSE CAST(raise_error(
        'uplift_report: outcome must be finite, got ' || CAST(outcome AS VARCHAR) || '; leave such rows out'
      ) AS DOUBLE)
    END AS y,
    CASE
      WHEN treated IS NULL OR CAST(treated AS DOUBLE) IN (0, 1) THEN CAST(treated AS DOUBLE)
      ELSE CAST(raise_error(
        'uplift_report: treated must be 0 or 1, got ' || CAST(treated AS VARCHAR) || '; filter to two arms first'
      ) AS DOUBLE)
    END AS t,
    CASE
      WHEN propensity IS NULL OR (CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) < 1)
        THEN CAST(propensity AS DOUBLE)
      ELSE CAST(raise_error(
        'uplift_report: propensity must be in (0, 1), got ' || CAST(propensity AS VARCHAR) || '; leave such rows out'
      ) AS DOUBLE)
    END AS e,
    CAST(cost AS DOUBLE) AS spent,
    input.cluster AS kin,
    md5(CAST(:seed AS VARCHAR) || ':' || CAST(unit AS VARCHAR)) AS hash,
    unnest(scores) AS score
  FROM input
),
-- Each row for all rows, and for its part: the number of the first four hexadecimal digits, modulo `splits`.
placed AS (
  SELECT
    score['name'] AS model,
    CASE
      WHEN score['value'] - score['value'] = 0 OR score['value'] IS NULL THEN score['value']
      ELSE CAST(raise_error(
        'uplift_report: scores must be finite, got ' || CAST(score['value'] AS VARCHAR) || ' of ' || score['name']
          || '; make it NULL'
      ) AS DOUBLE)
    END AS tau,
    y,
    t,
    e,
    spent,
    kin,
    unnest(CASE
      WHEN hash IS NULL THEN make_array(-1)
      ELSE make_array(-1, (
        4096 * strpos('123456789abcdef', substr(hash, 1, 1)) + 256 * strpos('123456789abcdef', substr(hash, 2, 1))
          + 16 * strpos('123456789abcdef', substr(hash, 3, 1)) + strpos('123456789abcdef', substr(hash, 4, 1))
      ) % CASE
        WHEN :splits >= 2 AND :splits <= 1000 AND :splits = floor(:splits) THEN CAST(:splits AS BIGINT)
        ELSE CAST(raise_error(
          'uplift_report: splits must be a whole number from 2 to 1000, got ' || CAST(:splits AS VARCHAR)
        ) AS BIGINT)
      END)
    END) AS part
  FROM given
),
-- By model, in the part -1, and by model and part.
measured AS (
  SELECT
    model,
    part,
    qini_ci(tau, y, t, e, kin, {'alpha': :alpha}) AS qini,
    autoc_ci(tau, y, t, e, kin, {'alpha': :alpha}) FILTER (WHERE part < 0) AS autoc,
    uplift_at_ci(tau, y, t, e, kin, {'alpha': :alpha, 'top': :top}) FILTER (WHERE part < 0) AS uplift,
    calibration_slope_ci(tau, y, t, e, kin, {'alpha': :alpha}) FILTER (WHERE part < 0) AS slope,
    aucc_ci(tau, y, spent, t, e, kin, {'alpha': :alpha}) FILTER (WHERE part < 0) AS aucc,
    ipw_ate_ci(y, t, e, kin, {'alpha': :alpha}) FILTER (WHERE part < 0 AND tau IS NOT NULL) AS effect,
    uplift_calibration_bins(tau, y, t, e, {'bins': :bins}) FILTER (WHERE part < 0) AS bins,
    count(*) FILTER (WHERE part < 0 AND t = 1 AND y IS NOT NULL AND tau IS NOT NULL) AS n_treated,
    count(*) FILTER (WHERE part < 0 AND t = 0 AND y IS NOT NULL AND tau IS NOT NULL) AS n_control
  FROM placed
  GROUP BY model, part
),
compared AS (
  SELECT
    *,
    max(qini['estimate']) OVER (PARTITION BY part) AS best_qini,
    max(qini['estimate']) FILTER (WHERE part < 0) OVER (PARTITION BY model) AS all_qini,
    max(abs(autoc['estimate'])) OVER () AS largest_autoc
  FROM measured
),
binned AS (
  SELECT
    *,
    unnest(bins) AS bin,
    -- One row where there are no bins.
    unnest(make_array(true)) AS is_first
  FROM compared
),
models AS (
  SELECT
    model,
    first_value({
      'qini': qini, 'autoc': autoc, 'uplift': uplift, 'slope': slope, 'aucc': aucc, 'effect': effect,
      'order': monotonicity_test(bins, {'seed': :seed}), 'n_treated': n_treated, 'n_control': n_control
    }) FILTER (WHERE part < 0 AND is_first) AS m,
    sum(bin['n'] * bin['predicted']) / nullif(CAST(sum(bin['n']) AS DOUBLE), 0) AS predicted,
    sum(bin['n'] * abs(bin['predicted'] - bin['actual']))
      / nullif(CAST(sum(bin['n']) FILTER (WHERE bin['actual'] IS NOT NULL) AS DOUBLE), 0) AS calibration_error,
    min(bin['lower']) = max(bin['upper']) AS is_constant,
    count(qini['estimate']) FILTER (WHERE part >= 0 AND is_first) AS parts,
    avg(qini['estimate']) FILTER (WHERE part >= 0 AND is_first) AS split_qini_mean,
    stddev_samp(qini['estimate']) FILTER (WHERE part >= 0 AND is_first) AS split_qini_sd,
    count(*) FILTER (WHERE part >= 0 AND is_first AND qini['estimate'] * all_qini < 0) AS sign_flips,
    -- Rankings that are the same may differ in the last digits.
    count(*) FILTER (
      WHERE part >= 0 AND is_first AND qini['estimate'] >= best_qini - 1e-12 * abs(best_qini)
    ) AS parts_best,
    max(largest_autoc) AS largest_autoc
  FROM binned
  GROUP BY model
),
ranked AS (
  SELECT
    *,
    m['autoc']['p_value'] AS p_value,
    row_number() OVER (ORDER BY m['autoc']['p_value'], model) AS place,
    count(m['autoc']['p_value']) OVER () AS tests,
    row_number() OVER (
      ORDER BY round(m['autoc']['estimate'] / nullif(largest_autoc, 0), 12) DESC NULLS LAST, model
    ) AS rank,
    normal_p_value((m['slope']['estimate'] - 1) / nullif(m['slope']['std_error'], 0)) AS slope_one_p_value
  FROM models
),
adjusted AS (
  SELECT
    *,
    CASE
      WHEN p_value IS NOT NULL THEN least(1.0, max((tests - place + 1) * p_value) OVER (ORDER BY place))
    END AS p_holm
  FROM ranked
)
SELECT
  model,
  m['autoc']['n'] AS n,
  m['autoc']['n_skipped'] AS n_skipped,
  m['n_treated'] AS n_treated,
  m['n_control'] AS n_control,
  predicted,
  m['effect']['estimate'] AS effect,
  m['effect']['std_error'] AS effect_std_error,
  m['autoc']['estimate'] AS autoc,
  m['autoc']['std_error'] AS autoc_std_error,
  m['autoc']['ci_low'] AS autoc_ci_low,
  m['autoc']['ci_high'] AS autoc_ci_high,
  p_value AS autoc_p_value,
  p_holm AS autoc_p_holm,
  rank = 1 AND m['autoc']['estimate'] IS NOT NULL AS is_best,
  m['qini']['estimate'] AS qini,
  m['qini']['std_error'] AS qini_std_error,
  m['qini']['ci_low'] AS qini_ci_low,
  m['qini']['ci_high'] AS qini_ci_high,
  m['qini']['p_value'] AS qini_p_value,
  m['slope']['estimate'] AS slope,
  m['slope']['std_error'] AS slope_std_error,
  m['slope']['p_value'] AS slope_p_value,
  slope_one_p_value,
  m['slope']['intercept'] AS intercept,
  calibration_error,
  m['order']['violations'] AS violations,
  m['order']['largest_violation'] AS largest_violation,
  m['order']['kendall_tau'] AS kendall_tau,
  m['order']['p_value'] AS monotone_p_value,
  m['uplift']['estimate'] AS uplift_at,
  m['uplift']['std_error'] AS uplift_at_std_error,
  m['uplift']['ci_low'] AS uplift_at_ci_low,
  m['uplift']['ci_high'] AS uplift_at_ci_high,
  :top * m['uplift']['estimate'] AS policy_value,
  :top * m['uplift']['ci_low'] AS policy_value_ci_low,
  :top * m['uplift']['ci_high'] AS policy_value_ci_high,
  m['aucc']['estimate'] AS aucc,
  m['aucc']['ci_low'] AS aucc_ci_low,
  m['aucc']['ci_high'] AS aucc_ci_high,
  parts,
  split_qini_mean,
  split_qini_sd,
  CASE WHEN parts > 0 THEN sign_flips END AS sign_flips,
  CASE WHEN parts > 0 THEN parts_best END AS parts_best,
  CASE
    WHEN m['autoc']['estimate'] IS NULL THEN 'no rows'
    WHEN is_constant THEN 'constant'
    WHEN least(m['n_treated'], m['n_control']) < :min_rows THEN 'few rows'
    WHEN p_holm < :alpha AND m['autoc']['estimate'] < 0 THEN 'ranks the wrong way'
    WHEN p_holm IS NULL OR p_holm >= :alpha THEN 'no better than chance'
    WHEN m['order']['p_value'] < :alpha THEN 'ranks, order refuted'
    WHEN slope_one_p_value < :alpha
      OR NOT (predicted >= m['effect']['ci_low'] AND predicted <= m['effect']['ci_high']) THEN 'ranks, not calibrated'
    ELSE 'ranks and is calibrated'
  END AS verdict
FROM adjusted
