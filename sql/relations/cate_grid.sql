-- Which learner and which of its options predict effects best, by a small grid of them on units they have not seen.
--
-- One row per candidate, best first in column place: method and options, as text to give to the training function; then
-- what uplift_report says of its predictions: predicted, the mean, beside effect, the average effect by ipw_ate; slope of
-- the actual on the predicted effect with its error, 1 being right; calibration_error, the mean distance of predicted and
-- actual over `bins` bins; kendall_tau of the bins, 1 when the actual effect rises from bin to bin; autoc with its error, 0
-- for a ranking by chance; split_qini_mean and split_qini_sd over `splits` parts of the units; policy_value, what treating
-- the `top` share of rows is worth per row of all rows, with its interval; the verdict. Candidates that no test refutes go
-- first: by_verdict is 1 for 'ranks and is calibrated', 2 'ranks, not calibrated', 3 'ranks, order refuted', 4 'no better
-- than chance', 5 for the rest. Among equals place is by the sum of four others, ties by policy_value: by_calibration
-- (calibration_error, least first), by_monotonicity (kendall_tau, largest first), by_stability
-- (split_qini_mean / split_qini_sd, largest first), by_value (policy_value, largest first), where what says nothing, as a
-- constant prediction, is last. Places are 1 to 9, the same for equal candidates. The candidates: X-learners with linear
-- functions and a small or a large penalty, with trees of 4, 8 or 31 leaves, and with 8 leaves and a low learning_rate; T-, R- and DR-learners
-- with trees of 8 leaves. Differences of neighbours are often chance: autoc_std_error says how large that is. All train on
-- all rows in folds, so this is nine trainings; take a sample of units when the relation is large. The relation is read
-- twice. The winner's policy_value is that of the best of nine, so it promises too much: validate it on later data.
-- Holds when: treatment is as good as random given the features with the given propensity, and one unit's treatment does
-- not change another's outcome.
-- Source: Chernozhukov, Demirer, Duflo and Fernández-Val (2018) and Yadlowsky et al. (2025), for the criteria.
-- @column outcome the outcome
-- @column treated 1 or true for the arm under test, 0 or false for the control
-- @column propensity P(treated), in (0, 1)
-- @column features what effects may depend on: features(a, b) or {'a': a, 'b': b}
-- @column unit who the row is about, of any type: rows of a unit are in one fold, and are one cluster
-- @constant trees = 100 trees of a function at most
-- @constant folds = 5 folds, 3 or more
-- @constant top = 0.3 share of the rows that would be treated
-- @constant bins = 10 bins of the predictions
-- @constant splits = 5 parts for the stability
-- @constant seed = 0 seed of folds and parts
-- @example
-- SELECT method, place <= 9 AS has_place
-- FROM cate_grid(
--   (SELECT value AS u, value % 2 AS t, value % 40 / 4 AS size, value % 40 / 4 * (value % 2) + value * 7919 % 31 / 10.0 AS y
--    FROM range(600)),
--   outcome => y, treated => t, propensity => 0.5, features => {'size': size}, unit => u, trees => 5, folds => 3)
-- ORDER BY place LIMIT 1;

WITH models AS (
  SELECT
    cate_xlearner(
      outcome, treated, propensity, features, unit, {'learner': 'linear', 'folds': :folds, 'seed': :seed}
    ) AS linear,
    cate_xlearner(
      outcome, treated, propensity, features, unit, {'learner': 'linear', 'l2': 0.1, 'folds': :folds, 'seed': :seed}
    ) AS shrunk,
    cate_xlearner(
      outcome, treated, propensity, features, unit, {'leaves': 4, 'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS stumpy,
    cate_xlearner(
      outcome, treated, propensity, features, unit, {'leaves': 8, 'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS small,
    cate_xlearner(
      outcome, treated, propensity, features, unit, {'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS large,
    cate_xlearner(
      outcome, treated, propensity, features, unit,
      {'leaves': 8, 'learning_rate': 0.03, 'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS slow,
    cate_tlearner(
      outcome, treated, propensity, features, unit, {'leaves': 8, 'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS t,
    cate_rlearner(
      outcome, treated, propensity, features, unit, {'leaves': 8, 'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS r,
    cate_drlearner(
      outcome, treated, propensity, features, unit, {'leaves': 8, 'trees': :trees, 'folds': :folds, 'seed': :seed}
    ) AS dr
  FROM input
),
scored AS (
  SELECT
    outcome, treated, propensity, unit,
    predict(linear, features, unit) AS linear,
    predict(shrunk, features, unit) AS shrunk,
    predict(stumpy, features, unit) AS stumpy,
    predict(small, features, unit) AS small,
    predict(large, features, unit) AS large,
    predict(slow, features, unit) AS slow,
    predict(t, features, unit) AS t,
    predict(r, features, unit) AS r,
    predict(dr, features, unit) AS dr
  FROM input CROSS JOIN models
),
reported AS (
  SELECT *
  FROM uplift_report(
    scored,
    outcome => outcome, treated => treated, propensity => propensity, unit => unit, cluster => unit,
    scores => {
      'linear': linear, 'shrunk': shrunk, 'stumpy': stumpy, 'small': small, 'large': large, 'slow': slow, 't': t, 'r': r, 'dr': dr
    },
    top => :top, bins => :bins, splits => :splits, seed => :seed
  )
),
candidates AS (
  SELECT *
  FROM (VALUES
    ('linear', 'cate_xlearner', false, '''learner'': ''linear'''),
    ('shrunk', 'cate_xlearner', false, '''learner'': ''linear'', ''l2'': 0.1'),
    ('stumpy', 'cate_xlearner', true, '''leaves'': 4'),
    ('small', 'cate_xlearner', true, '''leaves'': 8'),
    ('large', 'cate_xlearner', true, NULL),
    ('slow', 'cate_xlearner', true, '''leaves'': 8, ''learning_rate'': 0.03'),
    ('t', 'cate_tlearner', true, '''leaves'': 8'),
    ('r', 'cate_rlearner', true, '''leaves'': 8'),
    ('dr', 'cate_drlearner', true, '''leaves'': 8')
  ) AS list(name, method, grows, options)
),
placed AS (
  SELECT
    method,
    '{' || concat_ws(
      ', ', options, CASE WHEN grows THEN '''trees'': ' || :trees END, '''folds'': ' || :folds, '''seed'': ' || :seed
    ) || '}' AS options,
    reported.*,
    CASE verdict
      WHEN 'ranks and is calibrated' THEN 1
      WHEN 'ranks, not calibrated' THEN 2
      WHEN 'ranks, order refuted' THEN 3
      WHEN 'no better than chance' THEN 4
      ELSE 5
    END AS by_verdict,
    rank() OVER (ORDER BY calibration_error ASC NULLS LAST) AS by_calibration,
    rank() OVER (ORDER BY kendall_tau DESC NULLS LAST) AS by_monotonicity,
    rank() OVER (
      ORDER BY CASE WHEN split_qini_sd > 0 THEN split_qini_mean / split_qini_sd END DESC NULLS LAST
    ) AS by_stability,
    rank() OVER (ORDER BY policy_value DESC NULLS LAST) AS by_value
  FROM reported JOIN candidates ON candidates.name = reported.model
)
SELECT
  rank() OVER (
    ORDER BY by_verdict, by_calibration + by_monotonicity + by_stability + by_value, policy_value DESC NULLS LAST
  ) AS place,
  method,
  options,
  n,
  predicted,
  effect,
  slope,
  slope_std_error,
  calibration_error,
  kendall_tau,
  autoc,
  autoc_std_error,
  split_qini_mean,
  split_qini_sd,
  policy_value,
  policy_value_ci_low,
  policy_value_ci_high,
  verdict,
  by_verdict,
  by_calibration,
  by_monotonicity,
  by_stability,
  by_value
FROM placed
