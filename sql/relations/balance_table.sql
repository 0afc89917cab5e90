-- Whether the arms of an experiment are alike in what was known before it.
--
-- One row per covariate: means of the treated and of the controls, smd (standardised mean difference) and
-- variance_ratio without weights; smd_weighted and variance_ratio_weighted with them, over the same unweighted standard
-- deviation, so that both columns compare; missing_treated and missing_control, the shares of NULL, and their difference
-- in standard errors as missing_z; n, the rows with a value. verdict: 'unlike' where the smd that counts (weighted when
-- weights are given) is beyond `threshold`, 'missing differs' where missing_z is beyond 3.29 (p 0.001), 'constant' where
-- a covariate does not vary, 'no rows' where an arm has fewer than two values, else 'ok'. Rows without an arm are left out.
-- Source: Austin (2009); Stuart, Lee and Leacy (2013).
-- @column treated 1 or true for the arm under test, 0 or false for the control
-- @columns covariates what was known before the assignment
-- @column? weight weight of the row, such as one over the propensity of its arm
-- @constant threshold = 0.1 standardised difference that counts as unlike
-- @example
-- SELECT covariate, round(smd, 3) AS smd, verdict
-- FROM balance_table(
--   (SELECT * FROM (VALUES (1, 30, 2), (1, 41, 5), (1, 36, 3), (0, 31, 9), (0, 37, 6), (0, 39, 8)) AS t(t, age, orders)),
--   treated => t, covariates => {'age': age, 'orders': orders})
-- ORDER BY covariate;

WITH long AS (
  SELECT CAST(treated AS DOUBLE) AS arm, CAST(weight AS DOUBLE) AS row_weight, unnest(covariates) AS item
  FROM input
  WHERE treated IS NOT NULL
),
measured AS (
  SELECT
    item['name'] AS covariate,
    avg(item['value']) FILTER (WHERE arm = 1) AS mean_treated,
    avg(item['value']) FILTER (WHERE arm = 0) AS mean_control,
    smd(item['value'], arm) AS smd,
    variance_ratio(item['value'], arm) AS variance_ratio,
    CASE WHEN count(row_weight) > 0 THEN smd(item['value'], arm, row_weight) END AS smd_weighted,
    CASE WHEN count(row_weight) > 0 THEN variance_ratio(item['value'], arm, row_weight) END AS variance_ratio_weighted,
    count(row_weight) > 0 AS is_weighted,
    count(item['value']) AS n,
    least(
      count(item['value']) FILTER (WHERE arm = 1), count(item['value']) FILTER (WHERE arm = 0)
    ) AS n_smaller,
    count(DISTINCT item['value']) <= 1 AS is_constant,
    CAST(count(*) FILTER (WHERE arm = 1) AS DOUBLE) AS rows_treated,
    CAST(count(*) FILTER (WHERE arm = 0) AS DOUBLE) AS rows_control,
    1 - count(item['value']) FILTER (WHERE arm = 1)
      / nullif(CAST(count(*) FILTER (WHERE arm = 1) AS DOUBLE), 0) AS missing_treated,
    1 - count(item['value']) FILTER (WHERE arm = 0)
      / nullif(CAST(count(*) FILTER (WHERE arm = 0) AS DOUBLE), 0) AS missing_control,
    1 - count(item['value']) / CAST(count(*) AS DOUBLE) AS missing
  FROM long
  GROUP BY item['name']
),
compared AS (
  SELECT
    *,
    (missing_treated - missing_control)
      / nullif(sqrt(missing * (1 - missing) * (1 / rows_treated + 1 / rows_control)), 0) AS missing_z
  FROM measured
)
SELECT
  covariate,
  mean_treated,
  mean_control,
  smd,
  variance_ratio,
  smd_weighted,
  variance_ratio_weighted,
  missing_treated,
  missing_control,
  missing_z,
  n,
  CASE
    WHEN n_smaller < 2 THEN 'no rows'
    WHEN is_constant THEN 'constant'
    WHEN abs(coalesce(smd_weighted, smd)) > :threshold THEN 'unlike'
    -- Both arms are constant, at different values: there is no standard deviation to divide by.
    WHEN coalesce(smd_weighted, smd) IS NULL THEN 'unlike'
    WHEN abs(missing_z) > 3.29 THEN 'missing differs'
    ELSE 'ok'
  END AS verdict
FROM compared
