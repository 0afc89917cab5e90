-- Which label window an experiment can be read at: how sure each horizon is, and what it says of the longest.
--
-- One row per horizon, shortest first by the order in which they are given; the last one is the long one that counts.
-- Each horizon is compared with the long one on the rows that have both: n; effect, the difference in means, with
-- std_error; signal_to_noise, effect over std_error; n_for_80_power, the rows with which 80 % of tests at 5 % would find
-- this effect; share_of_long, the effect over the long one on the same rows, with Fieller's interval share_low and
-- share_high, (-Infinity, Infinity) where the long effect may be zero; correlation of the two outcomes within arms;
-- surrogate_gap, the part of the long effect that the short one does not foretell: long effect - slope · effect, slope of
-- the long on the short outcome within arms, with gap_std_error, gap_low, gap_high, gap_p_value and gap_p_holm, adjusted by
-- Holm's method for the number of horizons. The long horizon has no interval of its share and no gap. verdict: 'few rows'
-- where an arm has fewer than 10 rows or no error can be told; 'constant' where the outcome does not vary within arms;
-- 'misses part' where gap_p_holm is below alpha; 'noisy' where n is below n_for_80_power, that is signal_to_noise within
-- 2.8016 of zero; else 'reliable'. A gap that is not found is no proof that there is none: gap_low and gap_high tell how
-- large it may be. With clusters errors are CR1 and intervals t on G - 1 degrees of freedom, else arm-wise (Welch) and
-- normal. Rows without treated, without cluster where it is given, or without the long outcome, which are not old enough,
-- are left out; a row without the outcome of a horizon is left out of that horizon. A treated that is not 0 or 1 and an
-- outcome that is not finite are errors. Memory grows with the distinct pairs of outcomes, or with the clusters.
-- Holds when: treatment was randomised with one probability; a gap of zero, that the short outcome carries the whole
-- effect, when nothing else moves both outcomes.
-- Source: Prentice (1989); Fieller (1954); Athey, Chetty, Imbens and Kang (2019).
-- @columns horizons the outcomes, one per label window, the longest last: {'d7': spend_7, 'd90': spend_90}
-- @column treated 1 or true for the arm under test, 0 or false for the control
-- @column? cluster who is dependent, when rows are
-- @constant alpha = 0.05 miscoverage rate of the intervals, and false alarm rate of all gaps together
-- @example
-- SELECT horizon, round(effect, 2) AS effect, round(signal_to_noise, 2) AS z, round(share_of_long, 2) AS share, verdict
-- FROM horizon_reliability(
--   (SELECT value % 2 AS t, value % 7 + value % 2 AS week, value % 7 + value % 11 + 2 * (value % 2) AS quarter
--    FROM range(400)),
--   horizons => {'week': week, 'quarter': quarter}, treated => t)
-- ORDER BY position;

-- A row has the long outcome beside each of its own.
WITH outcomes AS (
  SELECT
    CASE
      WHEN CAST(treated AS DOUBLE) IN (0, 1) THEN CAST(treated AS DOUBLE)
      ELSE CAST(raise_error(
        'horizon_reliability: treated must be 0 or 1, got ' || CAST(treated AS VARCHAR) || '; filter to two arms first'
      ) AS DOUBLE)
    END AS arm,
    CAST(input.cluster AS VARCHAR) AS kin,
    horizons[-1]['value'] AS y,
    unnest(horizons) AS item,
    unnest(range(1, CAST(array_length(horizons) AS BIGINT) + 1)) AS position
  FROM input
  WHERE treated IS NOT NULL
    AND horizons[-1]['value'] IS NOT NULL
    AND (input.cluster IS NOT NULL OR arrow_typeof(input.cluster) = 'Null')
),
pairs AS (
  SELECT
    position,
    item['name'] AS horizon,
    arm,
    kin,
    CASE
      WHEN abs(item['value']) <= 1.7976931348623157e308 THEN item['value']
      ELSE CAST(raise_error(
        'horizon_reliability: horizons must be finite, got ' || CAST(item['value'] AS VARCHAR) || ' as ' || item['name']
      ) AS DOUBLE)
    END AS x,
    y
  FROM outcomes
  WHERE item['value'] IS NOT NULL
),
-- Rows with the same outcomes, or those of a cluster and arm. Equal values have their own mean, without rounding.
cells AS (
  SELECT
    position,
    horizon,
    arm,
    kin,
    CAST(count(*) AS DOUBLE) AS n,
    CASE WHEN min(x) = max(x) THEN min(x) ELSE avg(x) END AS x,
    CASE WHEN min(y) = max(y) THEN min(y) ELSE avg(y) END AS y,
    CASE WHEN min(x) = max(x) THEN 0.0 ELSE var_pop(x) END AS xx,
    CASE WHEN min(y) = max(y) THEN 0.0 ELSE var_pop(y) END AS yy,
    CASE WHEN min(x) = max(x) OR min(y) = max(y) THEN 0.0 ELSE (var_pop(y + x) - var_pop(y - x)) / 4 END AS xy
  FROM pairs
  GROUP BY position, horizon, arm, kin, CASE WHEN kin IS NULL THEN x END, CASE WHEN kin IS NULL THEN y END
),
-- Sums are about the least value: a high level would cost them their digits.
shifted AS (
  SELECT
    position,
    horizon,
    arm,
    kin,
    n,
    x - min(x) OVER horizons AS x,
    y - min(y) OVER horizons AS y,
    xx,
    yy,
    xy
  FROM cells
  WINDOW horizons AS (PARTITION BY position)
),
-- Both arms' means, equal values without rounding here too.
arms AS (
  SELECT
    *,
    sum(n) OVER arms AS n_arm,
    CASE
      WHEN min(x) OVER arms = max(x) OVER arms THEN min(x) OVER arms
      ELSE sum(n * x) OVER arms / sum(n) OVER arms
    END AS x_mean,
    CASE
      WHEN min(y) OVER arms = max(y) OVER arms THEN min(y) OVER arms
      ELSE sum(n * y) OVER arms / sum(n) OVER arms
    END AS y_mean
  FROM shifted
  WINDOW arms AS (PARTITION BY position, arm)
),
-- dx and dy are about the means of the arm. The sums within arms are xx, yy and xy.
spreads AS (
  SELECT
    position,
    horizon,
    arm,
    kin,
    CASE WHEN kin IS NULL THEN row_number() OVER horizons END AS place,
    n,
    n_arm,
    sum(n) OVER horizons AS n_all,
    x - x_mean AS dx,
    y - y_mean AS dy,
    xx,
    xy,
    max(x_mean) FILTER (WHERE arm = 1) OVER horizons - max(x_mean) FILTER (WHERE arm = 0) OVER horizons AS effect,
    max(y_mean) FILTER (WHERE arm = 1) OVER horizons - max(y_mean) FILTER (WHERE arm = 0) OVER horizons AS effect_long,
    sum(n * ((x - x_mean) * (x - x_mean) + xx)) OVER horizons AS sum_xx,
    sum(n * ((y - y_mean) * (y - y_mean) + yy)) OVER horizons AS sum_yy,
    sum(n * ((x - x_mean) * (y - y_mean) + xy)) OVER horizons AS sum_xy
  FROM arms
  WINDOW horizons AS (PARTITION BY position)
),
fitted AS (
  SELECT
    *,
    sum_xy / nullif(sum_xx, 0) AS slope,
    -- A long outcome that is the short one times a number has no residual but its rounding.
    sum_xx * sum_yy - sum_xy * sum_xy > 1e-20 * sum_xx * sum_yy AS has_residual,
    (2 * arm - 1) * n * n_all / n_arm AS weight
  FROM spreads
),
-- Influences on the effect, the long effect and the gap psi_H - slope psi_h - effect psi_slope, summed over what depends.
influences AS (
  SELECT
    position,
    kin IS NOT NULL AS has_kin,
    max(horizon) AS horizon,
    max(effect) AS effect,
    max(effect_long) AS effect_long,
    max(effect_long - slope * effect) AS gap,
    max(sum_xy / nullif(sqrt(sum_xx * sum_yy), 0)) AS correlation,
    max(n_all) AS n_all,
    least(min(n_arm), max(n_all) - max(n_arm)) AS n_smaller,
    CASE WHEN kin IS NULL THEN max(n_arm) / nullif(max(n_arm) - 1, 0) / sum(n) END AS arm_factor,
    sum(weight * dx) AS short,
    sum(weight * dy) AS long,
    sum(CASE
      WHEN has_residual
        THEN weight * (dy - slope * dx) - effect * n * n_all * (dx * dy + xy - slope * (dx * dx + xx)) / sum_xx
      WHEN sum_xx > 0 THEN 0.0
    END) AS miss
  FROM fitted
  GROUP BY position, kin, place
),
-- Arm-wise n / (n - 1), or G / (G - 1) of the clusters.
scaled AS (
  SELECT
    *,
    CAST(count(*) OVER horizons AS DOUBLE) AS groups,
    CASE
      WHEN has_kin THEN count(*) OVER horizons / nullif(CAST(count(*) OVER horizons AS DOUBLE) - 1, 0)
      ELSE arm_factor
    END / n_all / n_all AS factor
  FROM influences
  WINDOW horizons AS (PARTITION BY position)
),
errors AS (
  SELECT
    position,
    position = max(position) OVER () AS is_long,
    has_kin,
    max(horizon) AS horizon,
    max(effect) AS effect,
    max(effect_long) AS effect_long,
    max(gap) AS gap,
    max(correlation) AS correlation,
    max(n_all) AS n_all,
    min(n_smaller) AS n_smaller,
    CASE WHEN count(factor) = count(*) THEN sum(factor * short * short) END AS variance,
    CASE WHEN count(factor) = count(*) THEN sum(factor * long * long) END AS variance_long,
    sum(factor * short * long) AS covariance,
    CASE WHEN count(factor) = count(*) THEN sqrt(sum(factor * miss * miss)) END AS gap_error,
    mean_ci(long, {'alpha': :alpha, 'interval': 't'}) AS long_mean,
    ips_policy_lift_ci(gap + miss * groups / n_all, 1, 1, 0, {'alpha': :alpha, 'interval': 't'})['p_value'] AS t_p_value
  FROM scaled
  GROUP BY position, has_kin
),
-- The critical value, and Fieller's quadratic a R^2 - 2 b R + d for the share.
tested AS (
  SELECT
    *,
    nullif(sqrt(variance), 0) AS std_error,
    CASE
      WHEN has_kin THEN (long_mean['ci_high'] - long_mean['estimate']) / nullif(long_mean['std_error'], 0)
      ELSE (
        SELECT mean_ci(unit, {'alpha': :alpha, 'interval': 'normal'})['ci_high']
        FROM (SELECT unnest(make_array(-1.0, 1.0)) AS unit)
      )
    END AS critical,
    CASE
      WHEN gap_error > 0 AND NOT is_long AND has_kin THEN t_p_value
      WHEN gap_error > 0 AND NOT is_long THEN normal_p_value(gap / nullif(gap_error, 0))
    END AS gap_p_value
  FROM errors
),
quadratics AS (
  SELECT
    *,
    effect_long * effect_long - critical * critical * variance_long AS a,
    effect * effect_long - critical * critical * covariance AS b,
    effect * effect - critical * critical * variance AS d,
    row_number() OVER (ORDER BY gap_p_value, position) AS place,
    count(gap_p_value) OVER () AS tests
  FROM tested
),
intervals AS (
  SELECT
    *,
    n_all * power(2.8016 * sqrt(variance) / nullif(effect, 0), 2) AS n_for_80_power,
    CASE
      WHEN effect_long <> 0 AND NOT is_long AND a > 0 THEN (b - sqrt(greatest(b * b - a * d, 0.0))) / a
      WHEN effect_long <> 0 AND NOT is_long AND a <= 0 THEN -CAST('Infinity' AS DOUBLE)
    END AS share_low,
    CASE
      WHEN effect_long <> 0 AND NOT is_long AND a > 0 THEN (b + sqrt(greatest(b * b - a * d, 0.0))) / a
      WHEN effect_long <> 0 AND NOT is_long AND a <= 0 THEN CAST('Infinity' AS DOUBLE)
    END AS share_high,
    CASE
      WHEN gap_p_value IS NOT NULL THEN least(1.0, max((tests - place + 1) * gap_p_value) OVER (ORDER BY place))
    END AS gap_p_holm
  FROM quadratics
)
SELECT
  position,
  horizon,
  CAST(n_all AS BIGINT) AS n,
  effect,
  CASE WHEN effect IS NOT NULL THEN sqrt(variance) END AS std_error,
  effect / std_error AS signal_to_noise,
  n_for_80_power,
  effect / nullif(effect_long, 0) AS share_of_long,
  share_low,
  share_high,
  correlation,
  CASE WHEN NOT is_long THEN gap END AS surrogate_gap,
  CASE WHEN NOT is_long THEN gap_error END AS gap_std_error,
  CASE WHEN NOT is_long THEN gap - critical * gap_error END AS gap_low,
  CASE WHEN NOT is_long THEN gap + critical * gap_error END AS gap_high,
  gap_p_value,
  gap_p_holm,
  CASE
    WHEN n_smaller < 10 OR effect IS NULL OR variance IS NULL THEN 'few rows'
    WHEN std_error IS NULL THEN 'constant'
    WHEN gap_p_holm < :alpha THEN 'misses part'
    WHEN n_for_80_power <= n_all THEN 'reliable'
    ELSE 'noisy'
  END AS verdict
FROM intervals
