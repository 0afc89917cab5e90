-- Whether the propensities that were logged are those by which actions were chosen.
--
-- One row per segment and action: taken, the decisions with the action; decisions, all of the segment; mean_weight, the
-- mean over them of one over the propensity where the action was taken and zero elsewhere, which is 1 up to chance when
-- the propensities are right; std_error and p_value of that test, two-sided; p_holm, adjusted by Holm's method for all
-- rows of the result; share, how often the action was taken, beside implied_share, one over its mean inverse propensity;
-- min_propensity; ess, the effective sample size of the weights. Where every decision had the action, with one propensity,
-- the p-value is the chance of that. verdict: 'few rows' where the action was taken fewer than 10 times or ess is below 10;
-- 'taken too often' where the mean weight is above 1 and p_holm below alpha, so that the true propensities are higher than
-- those logged, 'taken too rarely' where it is below 1; else 'ok'. Decisions without an action or a propensity are left out
-- of every count. A propensity outside of (0, 1] is an error.
-- Holds when: decisions are independent, and every decision of a segment could have been the action.
-- Source: Li, Chu, Langford and Wang (2011).
-- @column action the action taken, of any type
-- @column propensity probability of the action when it was chosen, in (0, 1]
-- @column? segment what decisions are split by
-- @constant alpha = 0.001 false alarm rate of all tests together
-- @example
-- SELECT action, taken, round(mean_weight, 3) AS mean_weight, verdict
-- FROM propensity_audit(
--   (SELECT CASE WHEN value % 4 = 0 THEN 'mail' ELSE 'none' END AS offer, CASE WHEN value % 4 = 0 THEN 0.5 ELSE 0.75 END AS p
--    FROM range(400)),
--   action => offer, propensity => p)
-- ORDER BY action;

WITH cells AS (
  SELECT
    CAST(segment AS VARCHAR) AS segment,
    CAST(action AS VARCHAR) AS action,
    count(*) AS taken,
    sum(1.0 / CASE
      WHEN CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) <= 1 THEN CAST(propensity AS DOUBLE)
      ELSE CAST(raise_error(
        'propensity_audit: propensity must be in (0, 1], got ' || CAST(propensity AS VARCHAR) || '; log_contract shows such rows'
      ) AS DOUBLE)
    END) AS weights,
    var_pop(1.0 / CAST(propensity AS DOUBLE)) AS variance,
    min(CAST(propensity AS DOUBLE)) AS min_propensity
  FROM input
  WHERE propensity IS NOT NULL AND action IS NOT NULL
  GROUP BY CAST(segment AS VARCHAR), CAST(action AS VARCHAR)
),
weighed AS (
  SELECT
    *,
    sum(taken) OVER (PARTITION BY segment) AS decisions,
    weights / CAST(sum(taken) OVER (PARTITION BY segment) AS DOUBLE) AS mean_weight
  FROM cells
),
tested AS (
  SELECT
    *,
    -- About the mean of all decisions, of which those with other actions have the weight 0.
    sqrt(
      (
        taken * (variance + power(weights / taken - mean_weight, 2)) + (decisions - taken) * mean_weight * mean_weight
      ) / decisions / nullif(decisions - 1, 0)
    ) AS std_error,
    weights * weights / (taken * variance + weights * weights / taken) AS ess
  FROM weighed
),
valued AS (
  SELECT
    *,
    CASE
      -- Every decision had the action, with one propensity: the chance of that.
      WHEN std_error = 0 AND mean_weight > 1 THEN power(1 / mean_weight, CAST(decisions AS DOUBLE))
      ELSE normal_p_value((mean_weight - 1) / nullif(std_error, 0))
    END AS p_value
  FROM tested
),
ranked AS (
  SELECT
    *,
    row_number() OVER (ORDER BY p_value, segment, action) AS place,
    count(p_value) OVER () AS tests
  FROM valued
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
  segment,
  action,
  taken,
  decisions,
  mean_weight,
  std_error,
  p_value,
  p_holm,
  taken / CAST(decisions AS DOUBLE) AS share,
  taken / weights AS implied_share,
  min_propensity,
  ess,
  CASE
    WHEN taken < 10 THEN 'few rows'
    WHEN ess < 10 THEN 'few rows'
    WHEN p_holm < :alpha AND mean_weight > 1 THEN 'taken too often'
    WHEN p_holm < :alpha THEN 'taken too rarely'
    ELSE 'ok'
  END AS verdict
FROM adjusted
