-- What each of several programs that run at once adds, alone and beside the others.
--
-- One row per finding; program is the one whose effect it is. Effects compare rows with and without the program among rows
-- with the same other programs, by Hájek means of each combination, weighted by one over propensity when it is given:
-- 'isolated', without any other program; 'beside', with exactly the others named in beside; 'interaction', beside less
-- isolated; 'current mix', the effects beside each combination of the others, weighted by how often it occurs. 'marginal' is
-- the difference in means of all rows with and without the program, unweighted, as a report of it alone would show, and
-- 'bias' is marginal less isolated on the same rows: what the other programs, and propensities that vary between rows, add
-- to that number. 'dependence', one row per pair with the other program in beside, tests whether the two were assigned
-- independently: its estimate is Cramér's V, its p_value that of the chi-square summed over the strata, its n the rows of
-- strata in which both vary. 'partition', when partition and unit are given, counts in estimate the further partitions in
-- which units were seen, 0 when audiences are disjoint and nobody changed; its n counts units.
-- Errors are those of influence values, so differences are paired; ci_low, ci_high and p_value (two-sided, of no effect)
-- are normal; p_holm is p_value adjusted by Holm's method for all rows of the same finding; n counts the rows that a finding
-- uses, smallest_cell those of its smallest combination (of one arm for marginal). verdict: 'thin cell' where smallest_cell
-- is below min_rows, and the estimate is then NULL; 'no variation' where the error is 0, or no stratum has both programs
-- varying; else by p_holm below alpha: 'positive' or 'negative' for effects and interactions, 'overstates' or
-- 'understates' for the bias, 'dependent' for the dependence; and where it is not 'unclear', or 'ok' for the dependence;
-- 'disjoint' or 'overlap' for the partition. An interaction that is unclear may still be there. Rows without the outcome, a
-- program, or a propensity when it is given, are left out. A propensity outside of (0, 1] and a program that is not 0 or 1
-- are errors. The number of combinations doubles with each program: five or six are a lot.
-- Holds when: rows are independent, programs were assigned at random, the propensity is that of the whole combination or,
-- without it, combinations were assigned with one probability for all rows; and no row's programs act on another row.
-- Source: Hájek (1971); Hudgens and Halloran (2008); Cramér (1946); Holm (1979).
-- @column outcome the outcome, in any unit
-- @columns programs whether the row had each program, 0 or 1: {'loyalty': loyalty, 'mail': mail}
-- @column? propensity probability of the row's combination of all programs, in (0, 1]
-- @column? stratum within what programs should be independent, such as eligibility
-- @column? partition the audience or holdout that the row was in
-- @column? unit who was in the partition
-- @constant min_rows = 10 rows of a combination that are enough
-- @constant alpha = 0.05 miscoverage rate of the intervals, and false alarm rate of all rows of a finding together
-- @example
-- SELECT program, finding, beside, round(estimate, 2) AS estimate, verdict
-- FROM joint_effects(
--   (SELECT value % 2 AS loyalty, value / 2 % 2 AS mail,
--      value % 7 + value % 2 + 2 * (value % 2) * (value / 2 % 2) AS spend FROM range(560)),
--   outcome => spend, programs => {'loyalty': loyalty, 'mail': mail})
-- WHERE program = 'loyalty' AND beside IS NOT NULL
-- ORDER BY finding;

WITH decisions AS (
  SELECT
    programs,
    CAST(stratum AS VARCHAR) AS stratum,
    CAST(outcome AS DOUBLE) AS y,
    CASE
      WHEN arrow_typeof(propensity) = 'Null' THEN 1.0
      WHEN CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) <= 1 THEN CAST(propensity AS DOUBLE)
      ELSE CAST(raise_error('joint_effects: propensity must be in (0, 1], got ' || CAST(propensity AS VARCHAR)
        || '; log_contract shows such rows') AS DOUBLE)
    END AS p,
    CASE WHEN partition IS NOT NULL THEN CAST(unit AS VARCHAR) END AS member,
    CAST(partition AS VARCHAR) || chr(31) || CAST(unit AS VARCHAR) AS membership
  FROM input
  WHERE outcome IS NOT NULL AND (propensity IS NOT NULL OR arrow_typeof(propensity) = 'Null')
),
-- Sums of each combination; the row of all counts units.
combinations AS (
  SELECT
    programs,
    stratum,
    grouping(programs) = 0 AS is_combination,
    CAST(count(*) AS DOUBLE) AS n,
    ipw_mean_state(y, p) AS weighted,
    ipw_mean_state(y, sqrt(p)) AS halfway,
    ipw_mean_state(y, 1.0) AS plain,
    count(DISTINCT member) AS units,
    count(DISTINCT membership) AS memberships
  FROM decisions
  GROUP BY GROUPING SETS ((programs, stratum), ())
),
numbered AS (
  SELECT
    programs,
    stratum,
    n,
    weighted,
    halfway,
    plain,
    max(units) OVER () AS units,
    max(memberships) OVER () AS memberships,
    row_number() OVER () AS place,
    is_combination
  FROM combinations
),
members AS (
  SELECT *, unnest(programs) AS item, unnest(range(1, CAST(array_length(programs) AS BIGINT) + 1)) AS position
  FROM numbered
  WHERE is_combination
),
-- A combination with a NULL in it is of rows that are left out.
whole AS (
  SELECT
    *,
    count(item['value']) OVER combination = count(*) OVER combination AS is_whole,
    array_agg(CASE WHEN item['value'] = 1 THEN item['name'] END) OVER (
      PARTITION BY place ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS names
  FROM members
  WINDOW combination AS (PARTITION BY place)
),
-- A program beside itself stands for its effects, beside one that follows for the pair.
paired AS (
  SELECT
    position,
    item['name'] AS program,
    CASE
      WHEN item['value'] IN (0, 1) THEN item['value']
      ELSE CAST(raise_error(
        'joint_effects: programs must be 0 or 1, got ' || CAST(item['value'] AS VARCHAR) || ' as ' || item['name']
      ) AS DOUBLE)
    END AS had,
    coalesce(nullif(array_to_string(array_remove(names, item['name']), ' + '), ''), 'none') AS others,
    unnest(array_slice(programs, position, CAST(array_length(programs) AS BIGINT))) AS other,
    unnest(range(position, CAST(array_length(programs) AS BIGINT) + 1)) AS other_position,
    stratum,
    n,
    weighted,
    halfway,
    plain,
    units,
    memberships
  FROM whole
  WHERE is_whole
),
-- Both arms of a program beside a combination of the others; or the table of a pair in a stratum.
blocks AS (
  SELECT
    position,
    other_position,
    program,
    max(other['name']) AS other,
    CASE WHEN other_position = position THEN others END AS beside,
    CASE WHEN other_position > position THEN stratum END AS stratum,
    coalesce(sum(n) FILTER (WHERE had = 1), 0.0) AS n1,
    coalesce(sum(n) FILTER (WHERE had = 0), 0.0) AS n0,
    coalesce(sum(n) FILTER (WHERE had = 1 AND other['value'] = 1), 0.0) AS n11,
    coalesce(sum(n) FILTER (WHERE had = 0 AND other['value'] = 1), 0.0) AS n01,
    ipw_mean_merge_ci(weighted) FILTER (WHERE had = 1) AS w1,
    ipw_mean_merge_ci(weighted) FILTER (WHERE had = 0) AS w0,
    ipw_mean_merge_ci(halfway) FILTER (WHERE had = 1) AS h1,
    ipw_mean_merge_ci(halfway) FILTER (WHERE had = 0) AS h0,
    ipw_mean_merge_ci(plain) FILTER (WHERE had = 1) AS p1,
    ipw_mean_merge_ci(plain) FILTER (WHERE had = 0) AS p0,
    max(units) AS units,
    max(memberships) AS memberships
  FROM paired
  GROUP BY
    position, other_position, program,
    CASE WHEN other_position = position THEN others END, CASE WHEN other_position > position THEN stratum END
),
-- v, the sum of squared influences of both means over n^2; c, what each shares with a plain mean: with weights w,
-- sum(w (y - mu)^2) / sum(w), from the weights sqrt(w), whose squares are w.
measured AS (
  SELECT
    *,
    least(n1, n0) >= greatest(:min_rows, 2) AS is_enough,
    CASE WHEN least(n1, n0) >= greatest(:min_rows, 2) THEN w1['estimate'] - w0['estimate'] END AS effect,
    w1['std_error'] * w1['std_error'] * (n1 - 1) / n1 + w0['std_error'] * w0['std_error'] * (n0 - 1) / n0 AS v,
    h1['std_error'] * h1['std_error'] * h1['ess'] * (n1 - 1) / n1 - power(w1['estimate'] - h1['estimate'], 2) AS c1,
    h0['std_error'] * h0['std_error'] * h0['ess'] * (n0 - 1) / n0 - power(w0['estimate'] - h0['estimate'], 2) AS c0,
    coalesce(p1['std_error'] * p1['std_error'] * n1 * (n1 - 1), 0.0) AS squares1,
    coalesce(p0['std_error'] * p0['std_error'] * n0 * (n0 - 1), 0.0) AS squares0,
    -- About one of the means: a high level would cost the sums their digits.
    coalesce(p1['estimate'] - min(coalesce(p0['estimate'], p1['estimate'])) OVER program, 0.0) AS mean1,
    coalesce(p0['estimate'] - min(coalesce(p0['estimate'], p1['estimate'])) OVER program, 0.0) AS mean0,
    n1 + n0 AS n,
    sum(n1 + n0) OVER program AS n_all,
    (n1 + n0) * power(n11 * (n0 - n01) - n01 * (n1 - n11), 2)
      / nullif(n1 * n0 * (n11 + n01) * (n1 - n11 + n0 - n01), 0) AS chi2
  FROM blocks
  WINDOW program AS (PARTITION BY position, other_position)
),
compared AS (
  SELECT
    *,
    (n1 + n0) / n_all AS share,
    sum(n1) OVER program AS rows1,
    sum(n0) OVER program AS rows0,
    sum(n1 * mean1) OVER program / nullif(sum(n1) OVER program, 0) AS marginal1,
    sum(n0 * mean0) OVER program / nullif(sum(n0) OVER program, 0) AS marginal0,
    max(effect) FILTER (WHERE beside = 'none') OVER program AS isolated,
    max(v) FILTER (WHERE beside = 'none') OVER program AS isolated_v,
    coalesce(max(n) FILTER (WHERE beside = 'none') OVER program, 0.0) AS isolated_n,
    coalesce(max(least(n1, n0)) FILTER (WHERE beside = 'none') OVER program, 0.0) AS isolated_smallest,
    sum((n1 + n0) / n_all * effect) OVER program AS mix
  FROM measured
  WINDOW program AS (PARTITION BY position, other_position)
),
summed AS (
  SELECT
    position,
    other_position,
    program,
    max(other) AS other,
    max(units) AS units,
    max(memberships) AS memberships,
    max(n_all) AS n_all,
    max(isolated) AS isolated,
    max(isolated_v) AS isolated_v,
    max(isolated_n) AS isolated_n,
    max(isolated_smallest) AS isolated_smallest,
    min(least(n1, n0)) AS smallest,
    CASE WHEN bool_and(is_enough) THEN max(mix) END AS mix,
    sum(share * share * v) + sum(share * power(effect - mix, 2)) / max(n_all) AS mix_v,
    max(rows1) AS rows1,
    max(rows0) AS rows0,
    CASE WHEN least(max(rows1), max(rows0)) >= greatest(:min_rows, 2) THEN max(marginal1) - max(marginal0) END AS marginal,
    sum(squares1 + n1 * power(mean1 - marginal1, 2)) / nullif(power(max(rows1), 2), 0)
      + sum(squares0 + n0 * power(mean0 - marginal0, 2)) / nullif(power(max(rows0), 2), 0) AS marginal_v,
    max(c1) FILTER (WHERE beside = 'none') / nullif(max(rows1), 0)
      + max(c0) FILTER (WHERE beside = 'none') / nullif(max(rows0), 0) AS shared,
    array_agg({
      'finding': 'beside', 'beside': beside, 'estimate': effect, 'v': v, 'n': n, 'smallest': least(n1, n0)
    }) FILTER (WHERE beside <> 'none') AS besides,
    array_agg({
      'finding': 'interaction', 'beside': beside, 'estimate': effect - isolated, 'v': v + isolated_v,
      'n': n + isolated_n, 'smallest': least(n1, n0, isolated_smallest)
    }) FILTER (WHERE beside <> 'none') AS interactions,
    coalesce(sum(chi2), 0.0) AS chi2,
    CASE WHEN other_position > position THEN count(chi2) ELSE 0 END AS df,
    coalesce(sum(n) FILTER (WHERE chi2 IS NOT NULL), 0.0) AS tested_n,
    least(sum(n11), sum(n1 - n11), sum(n01), sum(n0 - n01)) AS smallest_pair
  FROM compared
  GROUP BY position, other_position, program
),
found AS (
  SELECT
    program,
    n_all,
    chi_square_p_value(chi2, df) AS tail,
    unnest(CASE
      WHEN other_position > position THEN make_array({
        'finding': 'dependence', 'beside': other, 'estimate': sqrt(chi2 / nullif(tested_n, 0)), 'v': CAST(NULL AS DOUBLE),
        'n': tested_n, 'smallest': smallest_pair
      })
      ELSE array_concat(
        make_array(
          {'finding': 'isolated', 'beside': 'none', 'estimate': isolated, 'v': isolated_v, 'n': isolated_n,
            'smallest': isolated_smallest},
          {'finding': 'current mix', 'beside': CAST(NULL AS VARCHAR), 'estimate': mix, 'v': mix_v, 'n': n_all,
            'smallest': smallest},
          {'finding': 'marginal', 'beside': CAST(NULL AS VARCHAR), 'estimate': marginal, 'v': marginal_v, 'n': n_all,
            'smallest': least(rows1, rows0)},
          {'finding': 'bias', 'beside': CAST(NULL AS VARCHAR), 'estimate': marginal - isolated, 'v': CASE
            -- Without other programs both are the same number, and their difference is rounding.
            WHEN marginal_v + isolated_v - 2 * shared > 1e-12 * (marginal_v + isolated_v)
              THEN marginal_v + isolated_v - 2 * shared
            WHEN shared IS NOT NULL THEN 0.0
          END, 'n': n_all, 'smallest': isolated_smallest}
        ),
        coalesce(besides, make_array()),
        coalesce(interactions, make_array()),
        CASE
          WHEN position = 1 AND units > 0 THEN make_array(
            {'finding': 'partition', 'beside': CAST(NULL AS VARCHAR), 'estimate': CAST(memberships - units AS DOUBLE),
              'v': CAST(NULL AS DOUBLE), 'n': CAST(units AS DOUBLE), 'smallest': CAST(NULL AS DOUBLE)}
          )
          ELSE make_array()
        END
      )
    END) AS item
  FROM summed
),
-- The critical value of a standard normal, and tests.
judged AS (
  SELECT
    CASE WHEN item['finding'] <> 'partition' THEN program END AS program,
    item['finding'] AS finding,
    item['beside'] AS beside,
    item['estimate'] AS estimate,
    CASE
      WHEN item['estimate'] IS NOT NULL AND item['v'] IS NOT NULL
        THEN sqrt(greatest(item['v'], 0.0) * n_all / nullif(n_all - 1, 0))
    END AS std_error,
    CASE WHEN item['finding'] = 'dependence' AND item['estimate'] IS NOT NULL THEN tail END AS tail,
    item['n'] AS n,
    item['smallest'] AS smallest_cell,
    (
      SELECT mean_ci(one, {'alpha': :alpha, 'interval': 'normal'})['ci_high']
      FROM (SELECT unnest(make_array(-1.0, 1.0)) AS one)
    ) AS critical
  FROM found
),
valued AS (
  SELECT *, coalesce(tail, normal_p_value(estimate / nullif(std_error, 0))) AS p_value
  FROM judged
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY finding ORDER BY p_value, program, beside) AS place,
    count(p_value) OVER (PARTITION BY finding) AS tests
  FROM valued
),
adjusted AS (
  SELECT
    *,
    CASE
      WHEN p_value IS NOT NULL
        THEN least(1.0, max((tests - place + 1) * p_value) OVER (PARTITION BY finding ORDER BY place))
    END AS p_holm
  FROM ranked
)
SELECT
  program,
  finding,
  beside,
  estimate,
  std_error,
  estimate - critical * std_error AS ci_low,
  estimate + critical * std_error AS ci_high,
  p_value,
  p_holm,
  CAST(n AS BIGINT) AS n,
  CAST(smallest_cell AS BIGINT) AS smallest_cell,
  CASE
    WHEN finding = 'partition' AND estimate = 0 THEN 'disjoint'
    WHEN finding = 'partition' THEN 'overlap'
    WHEN finding = 'dependence' AND estimate IS NULL THEN 'no variation'
    WHEN finding = 'dependence' AND p_holm < :alpha THEN 'dependent'
    WHEN finding = 'dependence' THEN 'ok'
    WHEN estimate IS NULL THEN 'thin cell'
    WHEN p_value IS NULL THEN 'no variation'
    WHEN NOT p_holm < :alpha THEN 'unclear'
    WHEN finding = 'bias' AND estimate > 0 THEN 'overstates'
    WHEN finding = 'bias' THEN 'understates'
    WHEN estimate > 0 THEN 'positive'
    ELSE 'negative'
  END AS verdict
FROM adjusted
