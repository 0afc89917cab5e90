-- Where treated and control rows overlap: whether the data can compare them at every propensity.
--
-- One row per segment and bin of the propensity that has rows, and one per segment with bin NULL for all of its rows. bin
-- from 1 to bins, lower <= propensity < upper; n, n_treated, n_control; mean_propensity; min_treated, max_treated,
-- min_control, max_control, the range of the propensity in each arm, NULL where the arm has no rows. Weights are those of
-- the average effect, 1 / propensity of the treated and 1 / (1 - propensity) of the controls: ess_treated and ess_control,
-- Kish's effective sample sizes, 0 where the arm has no rows; max_weight_share, the largest share that one row has in the
-- weights of its arm; mean_weight_treated and mean_weight_control, the weights of an arm over all rows, both 1 up to chance
-- where the propensities are right. outside_share, the share of rows whose propensity is outside of the range of the other
-- arm in the segment; extreme_share, that of rows with a propensity below `extreme` or above 1 - extreme. verdict, the
-- first that is true: 'no treated', 'no controls'; 'starved' where an arm has fewer than 10 rows or an ess below 10; 'off
-- support' where outside_share is above max_outside; 'extreme propensities' where a row has one; 'thin' where an arm has an
-- ess below min_ess or max_weight_share is above 0.05; else 'ok'. Rows without an arm or a propensity are left out. A
-- propensity of exactly 0 or 1 is an error, as in ipw_ate: such a row can be compared with none.
-- Holds when: propensities are those of the assignment; fitted ones show overlap in what they were fitted on, no more.
-- Source: Kish (1965); Crump et al. (2009); Dehejia and Wahba (1999) for the common support.
-- @column treated 1 or true for the arm under test, 0 or false for the control
-- @column propensity P(treated), in (0, 1)
-- @column? segment what rows are split by
-- @constant bins = 10 number of bins, of equal width
-- @constant extreme = 0.01 propensity below which, or above 1 - which, weights are extreme
-- @constant max_outside = 0.05 share of rows outside of the other arm's range that is still support
-- @constant min_ess = 100 effective sample size of an arm that is enough
-- @example
-- SELECT bin, n_treated, n_control, round(ess_treated, 1) AS ess_treated, verdict
-- FROM overlap_report(
--   (SELECT value % 10 = 0 AS t, CASE WHEN value < 500 THEN 0.1 ELSE 0.9 END AS p FROM range(1000) WHERE value % 10 < 6),
--   treated => t, propensity => p, bins => 2)
-- WHERE bin IS NOT NULL
-- ORDER BY bin;

-- Weights depend on the arm and the propensity alone, so rows need not be kept.
WITH scores AS (
  SELECT
    CAST(segment AS VARCHAR) AS part,
    CASE
      WHEN CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) < 1 THEN CAST(propensity AS DOUBLE)
      ELSE CAST(raise_error(
        'overlap_report: propensity must be in (0, 1), got ' || CAST(propensity AS VARCHAR)
          || '; rows that could only be in one arm have no counterpart, leave them out'
      ) AS DOUBLE)
    END AS e,
    CASE
      WHEN CAST(treated AS DOUBLE) IN (0, 1) THEN CAST(treated AS DOUBLE)
      ELSE CAST(raise_error(
        'overlap_report: treated must be 0 or 1, got ' || CAST(treated AS VARCHAR) || '; filter to two arms first'
      ) AS DOUBLE)
    END AS arm
  FROM input
  WHERE treated IS NOT NULL AND propensity IS NOT NULL
),
cells AS (
  SELECT part, e, count(*) FILTER (WHERE arm = 1) AS ones, count(*) FILTER (WHERE arm = 0) AS zeros
  FROM scores
  GROUP BY part, e
),
-- Positions of the rows of each arm in the order of the propensity, from `until - rows` to `until`.
placed AS (
  SELECT
    *,
    CASE
      WHEN :bins >= 1 AND :bins = floor(:bins) THEN CAST(least(floor(e * :bins) + 1, :bins) AS BIGINT)
      ELSE CAST(raise_error(
        'overlap_report: bins must be a whole number of at least 1, got ' || CAST(:bins AS VARCHAR)
      ) AS BIGINT)
    END AS bin,
    -- The square of a weight stays finite.
    ones / greatest(e, 1e-150) AS weight_ones,
    zeros / (1 - e) AS weight_zeros,
    sum(ones) OVER (PARTITION BY part ORDER BY e ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS until_ones,
    sum(zeros) OVER (PARTITION BY part ORDER BY e ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS until_zeros
  FROM cells
),
bins AS (
  SELECT
    part,
    bin,
    grouping(bin) = 1 AS is_whole,
    sum(ones) AS ones,
    sum(zeros) AS zeros,
    sum((ones + zeros) * e) AS propensities,
    min(e) FILTER (WHERE ones > 0) AS min_ones,
    max(e) FILTER (WHERE ones > 0) AS max_ones,
    min(e) FILTER (WHERE zeros > 0) AS min_zeros,
    max(e) FILTER (WHERE zeros > 0) AS max_zeros,
    sum(weight_ones) AS weights_ones,
    sum(weight_zeros) AS weights_zeros,
    sum(weight_ones / greatest(e, 1e-150)) AS squares_ones,
    sum(weight_zeros / (1 - e)) AS squares_zeros,
    sum(ones + zeros) FILTER (WHERE e < :extreme OR e > 1 - :extreme) AS extremes,
    min(until_ones - ones) AS from_ones,
    max(until_ones) AS until_ones,
    min(until_zeros - zeros) AS from_zeros,
    max(until_zeros) AS until_zeros,
    -- Positions of the rows of an arm that are within the range of the other one.
    min(until_ones - ones) FILTER (WHERE zeros > 0) AS inner_from_ones,
    max(until_ones) FILTER (WHERE zeros > 0) AS inner_until_ones,
    min(until_zeros - zeros) FILTER (WHERE ones > 0) AS inner_from_zeros,
    max(until_zeros) FILTER (WHERE ones > 0) AS inner_until_zeros
  FROM placed
  GROUP BY GROUPING SETS ((part, bin), (part))
),
ranged AS (
  SELECT
    *,
    CAST(ones + zeros AS DOUBLE) AS n,
    min(inner_from_ones) OVER (PARTITION BY part) AS low_ones,
    max(inner_until_ones) OVER (PARTITION BY part) AS high_ones,
    min(inner_from_zeros) OVER (PARTITION BY part) AS low_zeros,
    max(inner_until_zeros) OVER (PARTITION BY part) AS high_zeros
  FROM bins
),
measured AS (
  SELECT
    *,
    weights_ones * (weights_ones / nullif(squares_ones, 0)) AS ess_ones,
    weights_zeros * (weights_zeros / nullif(squares_zeros, 0)) AS ess_zeros,
    greatest(
      1 / greatest(min_ones, 1e-150) / nullif(weights_ones, 0), 1 / (1 - max_zeros) / nullif(weights_zeros, 0)
    ) AS max_weight_share,
    1 - (
      CASE
        WHEN low_ones IS NULL THEN 0
        ELSE greatest(least(until_ones, high_ones) - greatest(from_ones, low_ones), 0)
      END
      + CASE
        WHEN low_zeros IS NULL THEN 0
        ELSE greatest(least(until_zeros, high_zeros) - greatest(from_zeros, low_zeros), 0)
      END
    ) / n AS outside_share,
    coalesce(extremes, 0) / n AS extreme_share
  FROM ranged
)
SELECT
  part AS segment,
  CASE WHEN NOT is_whole THEN bin END AS bin,
  CASE WHEN is_whole THEN 0.0 ELSE (bin - 1) / CAST(:bins AS DOUBLE) END AS lower,
  CASE WHEN is_whole THEN 1.0 ELSE bin / CAST(:bins AS DOUBLE) END AS upper,
  ones + zeros AS n,
  ones AS n_treated,
  zeros AS n_control,
  propensities / n AS mean_propensity,
  min_ones AS min_treated,
  max_ones AS max_treated,
  min_zeros AS min_control,
  max_zeros AS max_control,
  coalesce(ess_ones, 0) AS ess_treated,
  coalesce(ess_zeros, 0) AS ess_control,
  max_weight_share,
  weights_ones / n AS mean_weight_treated,
  weights_zeros / n AS mean_weight_control,
  outside_share,
  extreme_share,
  CASE
    WHEN ones = 0 THEN 'no treated'
    WHEN zeros = 0 THEN 'no controls'
    WHEN least(ones, zeros) < 10 OR least(ess_ones, ess_zeros) < 10 THEN 'starved'
    WHEN outside_share > :max_outside THEN 'off support'
    WHEN extreme_share > 0 THEN 'extreme propensities'
    WHEN least(ess_ones, ess_zeros) < :min_ess OR max_weight_share > 0.05 THEN 'thin'
    ELSE 'ok'
  END AS verdict
FROM measured
