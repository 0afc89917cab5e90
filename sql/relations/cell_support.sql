-- Where a log of decisions can tell what an action does: the support of every action in every segment.
--
-- One row per segment and action, also for actions that a segment never saw and another did: n, the decisions with the
-- action; share of the segment's decisions; min_propensity and median_propensity; max_weight and ess, Kish's effective
-- sample size, of the weights target_prob / propensity, or 1 / propensity without target_prob; std_error of the action's
-- Hájek mean reward, and detectable_effect, 2.8 of it: what 80 % of tests at 5 % would find. deficient_mass, the same in
-- all rows of a segment, is how far its mean weight is below 1: the share of the target policy on actions that were never
-- logged there; bias_bound that share of reward_max. family_n and family_ess are those of the action's family in the
-- segment. verdict: 'unsupported' without decisions, 'starved' with fewer than 10 or an ess below 10, 'thin' with fewer
-- than min_rows or an ess below min_ess, else 'ok'; family_verdict the same of the family, to grow into. Decisions without
-- an action or a propensity are left out.
-- Holds when: propensities are those by which actions were chosen.
-- Source: Kish (1965); Sachdeva, Su and Joachims (2020).
-- @column action the action taken, of any type
-- @column propensity probability of the action when it was chosen, in (0, 1]
-- @column? segment what decisions are split by
-- @column? target_prob probability of the action under the target policy
-- @column? reward what followed
-- @column? family the family of the action
-- @constant reward_max = NULL the largest reward that can be
-- @constant min_rows = 100 decisions that are enough
-- @constant min_ess = 100 effective sample size that is enough
-- @example
-- SELECT segment, action, n, verdict
-- FROM cell_support(
--   (SELECT value % 2 AS segment, CASE WHEN value % 10 = 0 THEN 'call' ELSE 'mail' END AS offer, 0.5 AS p FROM range(500)),
--   action => offer, propensity => p, segment => segment)
-- ORDER BY segment, action;

WITH decisions AS (
  SELECT
    -- NULL is a segment; none that is given begins like this.
    coalesce('=' || CAST(segment AS VARCHAR), '') AS part,
    CAST(action AS VARCHAR) AS choice,
    CAST(family AS VARCHAR) AS kin,
    CASE
      WHEN CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) <= 1 THEN CAST(propensity AS DOUBLE)
      ELSE CAST(raise_error(
        'cell_support: propensity must be in (0, 1], got ' || CAST(propensity AS VARCHAR) || '; log_contract shows such rows'
      ) AS DOUBLE)
    END AS p,
    CASE
      WHEN target_prob IS NULL OR CAST(target_prob AS DOUBLE) BETWEEN 0 AND 1 THEN CAST(target_prob AS DOUBLE)
      ELSE CAST(raise_error(
        'cell_support: target_prob must be in [0, 1], got ' || CAST(target_prob AS VARCHAR)
      ) AS DOUBLE)
    END AS target,
    CAST(reward AS DOUBLE) AS r
  FROM input
  WHERE action IS NOT NULL AND propensity IS NOT NULL
),
cells AS (
  SELECT
    part,
    choice,
    max(kin) AS kin,
    count(*) AS n,
    min(p) AS min_propensity,
    median(p) AS median_propensity,
    count(target) AS with_target,
    max(coalesce(target, 1) / p) AS max_weight,
    sum(coalesce(target, 1) / p) AS weights,
    sum(coalesce(target, 1) / p * coalesce(target, 1) / p) AS squares,
    ipw_mean_ci(r, p)['std_error'] AS std_error
  FROM decisions
  GROUP BY part, choice
),
-- The first cell of an action stands for the segments too that never saw it.
spread AS (
  SELECT
    *,
    CASE
      WHEN row_number() OVER (PARTITION BY choice ORDER BY part) = 1
        THEN array_prepend(
          part, array_except(array_agg(part) OVER (), array_agg(part) OVER (PARTITION BY choice))
        )
      ELSE make_array(part)
    END AS parts
  FROM cells
),
grid AS (
  SELECT *, unnest(parts) AS cell_part
  FROM spread
),
filled AS (
  SELECT
    cell_part AS part,
    choice,
    kin,
    CASE WHEN cell_part = part THEN n ELSE 0 END AS n,
    CASE WHEN cell_part = part THEN min_propensity END AS min_propensity,
    CASE WHEN cell_part = part THEN median_propensity END AS median_propensity,
    CASE WHEN cell_part = part THEN with_target ELSE 0 END AS with_target,
    CASE WHEN cell_part = part THEN max_weight END AS max_weight,
    CASE WHEN cell_part = part THEN weights ELSE 0 END AS weights,
    CASE WHEN cell_part = part THEN squares ELSE 0 END AS squares,
    CASE WHEN cell_part = part THEN std_error END AS std_error
  FROM grid
),
related AS (
  SELECT
    *,
    CASE WHEN n > 0 THEN coalesce(weights * weights / nullif(squares, 0), 0.0) END AS ess,
    sum(n) OVER (PARTITION BY part) AS decisions,
    sum(with_target) OVER (PARTITION BY part) AS targets,
    sum(weights) OVER (PARTITION BY part) AS part_weights,
    sum(n) OVER (PARTITION BY part, kin) AS kin_n,
    sum(weights) OVER (PARTITION BY part, kin) AS kin_weights,
    sum(squares) OVER (PARTITION BY part, kin) AS kin_squares
  FROM filled
),
judged AS (
  SELECT
    *,
    CASE WHEN kin IS NOT NULL THEN kin_n END AS family_n,
    CASE WHEN kin IS NOT NULL AND kin_n > 0 THEN coalesce(kin_weights * kin_weights / nullif(kin_squares, 0), 0.0) END
      AS family_ess,
    CASE WHEN targets > 0 THEN greatest(1 - part_weights / CAST(decisions AS DOUBLE), 0.0) END AS deficient_mass
  FROM related
)
SELECT
  CASE WHEN part <> '' THEN substr(part, 2) END AS segment,
  choice AS action,
  n,
  n / CAST(decisions AS DOUBLE) AS share,
  min_propensity,
  median_propensity,
  max_weight,
  ess,
  std_error,
  2.8016 * std_error AS detectable_effect,
  deficient_mass,
  deficient_mass * CAST(:reward_max AS DOUBLE) AS bias_bound,
  CASE
    WHEN n = 0 THEN 'unsupported'
    WHEN n < 10 OR ess < 10 THEN 'starved'
    WHEN n < :min_rows OR ess < :min_ess THEN 'thin'
    ELSE 'ok'
  END AS verdict,
  kin AS family,
  family_n,
  family_ess,
  CASE
    WHEN kin IS NULL THEN NULL
    WHEN family_n = 0 THEN 'unsupported'
    WHEN family_n < 10 OR family_ess < 10 THEN 'starved'
    WHEN family_n < :min_rows OR family_ess < :min_ess THEN 'thin'
    ELSE 'ok'
  END AS family_verdict
FROM judged
