-- Effects of every arm of an experiment, each against the control.
--
-- One row per arm other than the control: the arm, the fields of diff_in_means_ci over the rows of both arms, p_holm
-- (p_value adjusted by Holm's method for the number of arms) and srm_p_value (srm_p_value of the whole split against
-- the shares, the same in each row; NULL without shares). With clusters, errors are clustered and the split counts each
-- cluster once per arm. Rows without an arm are in no comparison. A control that no row has is an error.
-- Holds when: arms were assigned at random, each with one probability for all rows (or clusters).
-- Source: Welch (1947); Holm (1979); Fabijan et al. (2019).
-- @column outcome the outcome, in any unit
-- @column arm the arm that was assigned, of any type, compared by its text
-- @constant control the arm to compare the others with
-- @column? cluster who is dependent, when rows are
-- @constant shares = NULL expected share of each arm, {'a': 0.5, 'b': 0.5}; scaled to sum 1
-- @constant alpha = 0.05 miscoverage rate of the intervals
-- @constant interval = 'default' kind of interval: 'default' (t), 'normal' or 't'
-- @example
-- SELECT arm, round(estimate, 3) AS effect, round(p_holm, 3) AS p_holm, n
-- FROM arm_effects(
--   (SELECT * FROM (VALUES ('none', 1), ('none', 2), ('none', 3), ('mail', 4), ('mail', 6), ('push', 3), ('push', 4))
--     AS t(arm, spend)),
--   outcome => spend, arm => arm, control => 'none')
-- ORDER BY arm;

-- Sums by arm, by cluster when there are clusters; and the split over all rows.
WITH cells AS (
  SELECT
    CAST(arm AS VARCHAR) AS arm,
    input.cluster IS NOT NULL AS has_cluster,
    grouping(arm) = 0 AS is_arm,
    diff_in_means_state(outcome, CAST(arm AS VARCHAR) <> CAST(:control AS VARCHAR), input.cluster) AS state,
    srm_p_value(arm, :shares) AS srm_p_value
  FROM input
  WHERE arm IS NOT NULL
  GROUP BY GROUPING SETS ((arm, input.cluster), ())
),
split AS (
  SELECT
    array_sort(array_agg(DISTINCT arm) FILTER (WHERE is_arm)) AS arms,
    array_agg({'arm': arm, 'state': state}) FILTER (WHERE is_arm) AS cells,
    CASE
      WHEN bool_or(has_cluster AND is_arm) THEN srm_p_value(arm, :shares) FILTER (WHERE is_arm)
      ELSE max(srm_p_value) FILTER (WHERE NOT is_arm)
    END AS srm_p_value
  FROM cells
),
-- The sums of the control are in every comparison, those of another arm in its own.
compared AS (
  SELECT
    unnest(CASE
      WHEN NOT coalesce(array_has(arms, CAST(:control AS VARCHAR)), false) THEN make_array(raise_error(
        'arm_effects: control must be one of the arms ' || array_to_string(arms, ', ') || ', got '
          || coalesce(CAST(:control AS VARCHAR), CAST('NULL' AS VARCHAR))
      ))
      WHEN cell['arm'] = CAST(:control AS VARCHAR) THEN array_remove(arms, CAST(:control AS VARCHAR))
      ELSE make_array(cell['arm'])
    END) AS arm,
    cell['state'] AS state,
    srm_p_value
  FROM (SELECT arms, unnest(cells) AS cell, srm_p_value FROM split)
),
effects AS (
  SELECT
    arm,
    diff_in_means_merge_ci(state, {'alpha': :alpha, 'interval': :interval}) AS effect,
    max(srm_p_value) AS srm_p_value
  FROM compared
  GROUP BY arm
),
ranked AS (
  SELECT
    *,
    row_number() OVER (ORDER BY effect['p_value'], arm) AS place,
    count(effect['p_value']) OVER () AS tests
  FROM effects
)
SELECT
  arm,
  effect['estimate'] AS estimate,
  effect['std_error'] AS std_error,
  effect['ci_low'] AS ci_low,
  effect['ci_high'] AS ci_high,
  effect['p_value'] AS p_value,
  effect['n'] AS n,
  effect['n_skipped'] AS n_skipped,
  effect['ess'] AS ess,
  CASE
    WHEN effect['p_value'] IS NOT NULL
      THEN least(1.0, max((tests - place + 1) * effect['p_value']) OVER (ORDER BY place))
  END AS p_holm,
  srm_p_value
FROM ranked
