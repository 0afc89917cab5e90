-- How sure one may be of a mean, an effect or a policy's value at every look at data that still come in.
--
-- One row per series and time: series, position, n (rows so far) and estimate, with intervals that hold at all times
-- together: one may look after every row and stop whenever one likes. What is estimated follows from the columns: value
-- gives its mean, also of a row score such as aipw_score or dr_score; outcome, treated and propensity (of the treatment)
-- the average effect by inverse propensity weighting; reward, propensity and target_prob the target policy's value by IPS.
-- ci_low and ci_high: by default the empirical-Bernstein sequence with predictable mixing, valid from the first row for
-- any distribution in the range that lower and upper (and min_propensity or max_weight) promise, NULL without them; each
-- as of its own time, not intersected with those before, and within the range of a score. Other methods hold as well, if
-- fixed before: 'empirical_bernstein_mixture' follows the variance too, is tuned for n_star rows and narrower in long
-- series; 'hoeffding_mixture', also tuned, and 'hoeffding' know the range alone: their widths are known before the values.
-- asymptotic_low and asymptotic_high: the asymptotic sequence, narrowest near n_star rows; NULL before min_n rows, where
-- it misses more than it says, and while values do not vary. running_low and running_high: what all intervals so far have
-- in common, the greatest ci_low and the least ci_high (of the asymptotic sequence where there is no range), which hold as
-- well. p_value: for null_value (0 for an effect), valid at all times, of the asymptotic sequence: below alpha where that
-- interval leaves null_value out. verdict: 'above' or 'below' null_value once an interval has left it out, decided_n being
-- the first n that did; 'undecided' until then; 'no common value' where running_low is above running_high, as when the
-- mean moves; else NULL without null_value or before the first interval. Rows are taken by position, those of one position
-- by unit; two rows of a series the same in both are an error, and so are values outside of the range. Rows without a
-- position or a column of the score are left out. The range of an effect is narrowest for outcomes around 0: a constant
-- fixed before may be subtracted from them.
-- Holds when: positions are the order in which rows came; given those before it, each score has the same mean; range,
-- propensities and target probabilities were fixed before the outcome.
-- Source: Waudby-Smith and Ramdas (2024); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024); Howard, Ramdas, McAuliffe
-- and Sekhon (2021) for the mixtures.
-- @column position what rows are ordered by, such as a time or a number
-- @column? value the values whose mean is asked for
-- @column? outcome what followed, for an effect
-- @column? treated 1 or true for the arm under test, 0 or false for the control
-- @column? reward reward of the logged action, for a policy's value
-- @column? propensity probability of the treatment, in (0, 1), or of the logged action, in (0, 1]
-- @column? target_prob probability in [0, 1] that the target policy chooses the logged action
-- @column? unit what orders the rows of one position; it must not depend on what followed
-- @column? series what rows are split by, one sequence each
-- @constant lower = NULL the least value, outcome or reward that can be, not the least that was seen
-- @constant upper = NULL the greatest
-- @constant min_propensity = NULL the least probability of either arm
-- @constant max_weight = NULL the greatest target_prob / propensity that can be
-- @constant alpha = 0.05 greatest rate of series whose intervals ever miss, of each of the two sequences
-- @constant null_value = NULL what p_value and verdict compare with; 0 for an effect
-- @constant points = NULL at most so many rows of each series, evenly spaced, the last among them; 1 is the last alone
-- @constant method = 'empirical_bernstein' how ci_low and ci_high are made; or 'empirical_bernstein_mixture', 'hoeffding' or 'hoeffding_mixture'
-- @constant n_star = 1000 rows at which the asymptotic sequence, or a mixture, is narrowest
-- @constant expected_variance = NULL variance of scores for which n_star tunes 'empirical_bernstein_mixture', such as that of a past series; else a quarter of the squared range, the greatest that can be
-- @constant min_n = 500 rows from which the asymptotic sequence is given
-- @example
-- SELECT n, round(estimate, 3) AS estimate, round(ci_low, 3) AS ci_low, round(ci_high, 3) AS ci_high, verdict
-- FROM confidence_sequence(
--   (SELECT value AS day, CASE WHEN value % 5 = 0 THEN 0 ELSE 1 END AS kept FROM range(1000)),
--   position => day, value => kept, lower => 0, upper => 1, null_value => 0.5, points => 4)
-- ORDER BY n;

WITH given AS (
  SELECT
    CAST(series AS VARCHAR) AS sequence,
    position AS place,
    unit AS tie,
    CASE WHEN :value_sql <> 'NULL' THEN 'value' WHEN :outcome_sql <> 'NULL' THEN 'outcome' ELSE 'reward' END AS kind,
    CAST(coalesce(value, outcome, reward) AS DOUBLE) AS y,
    CAST(treated AS DOUBLE) AS arm,
    CAST(propensity AS DOUBLE) AS p,
    CAST(target_prob AS DOUBLE) AS target,
    CASE
      WHEN (:method IN ('empirical_bernstein', 'empirical_bernstein_mixture', 'hoeffding', 'hoeffding_mixture')) IS NOT TRUE
        THEN CAST(raise_error(
          'confidence_sequence: method must be empirical_bernstein, empirical_bernstein_mixture, hoeffding or '
            || 'hoeffding_mixture, got ' || coalesce(CAST(:method AS VARCHAR), 'NULL')
        ) AS DOUBLE)
      WHEN :expected_variance IS NOT NULL AND (CAST(:expected_variance AS DOUBLE) > 0) IS NOT TRUE
        THEN CAST(raise_error(
          'confidence_sequence: expected_variance must be above 0, got ' || CAST(:expected_variance AS VARCHAR)
        ) AS DOUBLE)
      WHEN CAST(:alpha AS DOUBLE) > 0 AND CAST(:alpha AS DOUBLE) < 1 THEN -ln(CAST(:alpha AS DOUBLE))
      ELSE CAST(raise_error(
        'confidence_sequence: alpha must be in (0, 1), got ' || coalesce(CAST(:alpha AS VARCHAR), 'NULL')
      ) AS DOUBLE)
    END AS level,
    CASE
      WHEN CAST(:upper AS DOUBLE) - CAST(:lower AS DOUBLE) BETWEEN 5e-324 AND 1e300 OR (:lower IS NULL AND :upper IS NULL)
        THEN CAST(:lower AS DOUBLE)
      ELSE CAST(raise_error(
        'confidence_sequence: upper must be above lower, by at most 1e300, got ' || coalesce(CAST(:upper AS VARCHAR), 'NULL') || ' and '
          || coalesce(CAST(:lower AS VARCHAR), 'NULL')
      ) AS DOUBLE)
    END AS lower,
    CAST(:upper AS DOUBLE) AS upper,
    CASE
      WHEN :min_propensity IS NULL OR (CAST(:min_propensity AS DOUBLE) > 0 AND CAST(:min_propensity AS DOUBLE) <= 0.5)
        THEN CAST(:min_propensity AS DOUBLE)
      ELSE CAST(raise_error(
        'confidence_sequence: min_propensity must be in (0, 0.5], got ' || CAST(:min_propensity AS VARCHAR)
      ) AS DOUBLE)
    END AS min_propensity,
    CASE
      WHEN :max_weight IS NULL OR CAST(:max_weight AS DOUBLE) > 0 THEN CAST(:max_weight AS DOUBLE)
      ELSE CAST(raise_error(
        'confidence_sequence: max_weight must be above 0, got ' || CAST(:max_weight AS VARCHAR)
      ) AS DOUBLE)
    END AS max_weight,
    CASE
      WHEN CAST(:n_star AS DOUBLE) > 0 THEN CAST(:n_star AS DOUBLE)
      ELSE CAST(raise_error(
        'confidence_sequence: n_star must be above 0, got ' || coalesce(CAST(:n_star AS VARCHAR), 'NULL')
      ) AS DOUBLE)
    END AS n_star,
    CAST(:expected_variance AS DOUBLE) AS expected_variance
  FROM input
  WHERE position IS NOT NULL
    AND CASE concat_ws(
        ', ',
        CASE WHEN :value_sql <> 'NULL' THEN 'value' END,
        CASE WHEN :outcome_sql <> 'NULL' THEN 'outcome' END,
        CASE WHEN :treated_sql <> 'NULL' THEN 'treated' END,
        CASE WHEN :reward_sql <> 'NULL' THEN 'reward' END,
        CASE WHEN :propensity_sql <> 'NULL' THEN 'propensity' END,
        CASE WHEN :target_prob_sql <> 'NULL' THEN 'target_prob' END
      )
      WHEN 'value' THEN value IS NOT NULL
      WHEN 'outcome, treated, propensity' THEN outcome IS NOT NULL AND treated IS NOT NULL AND propensity IS NOT NULL
      WHEN 'reward, propensity, target_prob' THEN reward IS NOT NULL AND propensity IS NOT NULL AND target_prob IS NOT NULL
      ELSE CAST(raise_error(
        'confidence_sequence: columns must be value, or outcome, treated and propensity, or reward, propensity and '
          || 'target_prob'
      ) AS BOOLEAN)
    END
),
-- The range of a score; and rho, which tunes the asymptotic sequence: rho^2 n_star = u = -W(-alpha^2 / e) - 1 by the lower
-- branch of Lambert's W, that is u - ln(1 + u) = -2 ln(alpha). Newton's method from a bound above it: three steps are exact
-- to 1e-12 for any alpha.
ranged AS (
  SELECT
    *,
    CASE
      WHEN kind = 'value' THEN lower
      WHEN kind = 'outcome' THEN -greatest(abs(lower), abs(upper)) / min_propensity
      WHEN lower < 0 THEN lower * max_weight
      ELSE 0 * upper * max_weight
    END AS score_min,
    CASE
      WHEN kind = 'value' THEN upper
      WHEN kind = 'outcome' THEN greatest(abs(lower), abs(upper)) / min_propensity
      WHEN upper > 0 THEN upper * max_weight
      ELSE 0 * upper * max_weight
    END AS score_max,
    2 * level + 2 * sqrt(level) AS u0
  FROM given
),
step_1 AS (
  SELECT *, (1 + u0) * (ln(1 + u0) + 2 * level) / u0 - 1 AS u1 FROM ranged
),
step_2 AS (
  SELECT *, (1 + u1) * (ln(1 + u1) + 2 * level) / u1 - 1 AS u2 FROM step_1
),
step_3 AS (
  SELECT *, ((1 + u2) * (ln(1 + u2) + 2 * level) / u2 - 1) / n_star AS rho2 FROM step_2
),
scored AS (
  SELECT
    *,
    CASE
      WHEN y < lower OR y > upper THEN CAST(raise_error(
        'confidence_sequence: ' || kind || ' must be in [' || CAST(lower AS VARCHAR) || ', ' || CAST(upper AS VARCHAR)
          || '], got ' || CAST(y AS VARCHAR) || '; lower and upper are what can be, not what was seen'
      ) AS DOUBLE)
      WHEN NOT abs(y) <= 1.7976931348623157e308
        THEN CAST(raise_error('confidence_sequence: ' || kind || ' must be finite, got ' || CAST(y AS VARCHAR)) AS DOUBLE)
      ELSE y
    END * CASE
      WHEN kind = 'value' THEN 1.0
      WHEN kind = 'outcome' AND arm NOT IN (0, 1)
        THEN CAST(raise_error('confidence_sequence: treated must be 0 or 1, got ' || CAST(arm AS VARCHAR)) AS DOUBLE)
      WHEN kind = 'outcome' AND NOT (p > 0 AND p < 1)
        THEN CAST(raise_error('confidence_sequence: propensity must be in (0, 1), got ' || CAST(p AS VARCHAR)) AS DOUBLE)
      WHEN kind = 'outcome' AND least(p, 1 - p) < min_propensity * 0.999999999 THEN CAST(raise_error(
        'confidence_sequence: propensity must be between min_propensity and 1 - min_propensity, got ' || CAST(p AS VARCHAR)
          || '; min_propensity is what can be, not what was seen'
      ) AS DOUBLE)
      WHEN kind = 'outcome' THEN arm / p - (1 - arm) / (1 - p)
      WHEN NOT (p > 0 AND p <= 1)
        THEN CAST(raise_error('confidence_sequence: propensity must be in (0, 1], got ' || CAST(p AS VARCHAR)) AS DOUBLE)
      WHEN NOT (target >= 0 AND target <= 1)
        THEN CAST(raise_error(
          'confidence_sequence: target_prob must be in [0, 1], got ' || CAST(target AS VARCHAR)
        ) AS DOUBLE)
      WHEN target / p > max_weight * 1.000000001 THEN CAST(raise_error(
        'confidence_sequence: target_prob / propensity must be at most max_weight, got ' || CAST(target / p AS VARCHAR)
          || '; max_weight is what can be, not what was seen'
      ) AS DOUBLE)
      ELSE target / p
    END AS score
  FROM step_3
),
-- Scores in [0, 1]; as they are where there is no range.
scaled AS (
  SELECT
    sequence,
    place,
    tie,
    level,
    rho2,
    score_min,
    score_max - score_min AS width,
    n_star * 0.25 AS greatest_v,
    n_star * coalesce(expected_variance / ((score_max - score_min) * (score_max - score_min)), 0.25) AS expected_v,
    CAST(CASE WHEN kind = 'outcome' THEN coalesce(:null_value, 0) ELSE :null_value END AS DOUBLE) AS null_value,
    CASE
      WHEN score_min IS NULL THEN score
      ELSE least(greatest((score - score_min) / (score_max - score_min), 0.0), 1.0)
    END AS x
  FROM scored
),
counted AS (
  SELECT
    *,
    CASE
      WHEN rank() OVER so_far < row_number() OVER so_far THEN CAST(raise_error(
        'confidence_sequence: position must be of one row in a series, got ' || CAST(place AS VARCHAR)
          || ' twice; say with unit => what orders its rows'
      ) AS DOUBLE)
      ELSE CAST(row_number() OVER so_far AS DOUBLE)
    END AS n,
    sum(x) OVER so_far AS total,
    var_samp(x) OVER so_far AS variance,
    CAST(count(*) OVER (PARTITION BY sequence) AS DOUBLE) AS series_rows
  FROM scaled
  WINDOW so_far AS (PARTITION BY sequence ORDER BY place, tie ROWS UNBOUNDED PRECEDING)
),
centred AS (
  SELECT
    *,
    (x - (0.5 + total) / (n + 1)) * (x - (0.5 + total) / (n + 1)) AS square,
    CASE WHEN n > 1 THEN (total - x) / (n - 1) ELSE 0.0 END AS centre
  FROM counted
),
-- A row's weight lambda = sqrt(2 ln(2 / alpha) / (variance n ln(n + 1))), where the variance is that of the rows before it:
-- a quarter and their squares, over n; or a quarter, which it is at most, by Hoeffding. A mixture weighs rows alike, and its
-- boundary depends on the variance of the sum so far: n quarters, or squared distances from the mean before each row.
weighed AS (
  SELECT
    *,
    CASE
      WHEN :method IN ('empirical_bernstein_mixture', 'hoeffding_mixture') THEN 1.0
      WHEN :method = 'hoeffding' THEN least(sqrt(8 * (level + ln(2.0)) / (n * ln(n + 1))), 1.0)
      ELSE least(sqrt(2 * (level + ln(2.0)) / ((0.25 + sum(square) OVER so_far - square) * ln(n + 1))), 0.5)
    END AS lambda,
    CASE
      WHEN :method = 'hoeffding_mixture' THEN mixture_boundary(n * 0.25, greatest_v, CAST(:alpha AS DOUBLE))
      -- Without a range there is no such boundary, nor does the sum have to be a number.
      WHEN :method = 'empirical_bernstein_mixture' THEN mixture_boundary(
        CASE
          WHEN score_min IS NOT NULL
            THEN sum(CASE WHEN n > 1 THEN (x - centre) * (x - centre) ELSE (x - 0.5) * (x - 0.5) END) OVER so_far
        END,
        expected_v, CAST(:alpha AS DOUBLE), 1
      )
      ELSE level + ln(2.0)
    END AS boundary
  FROM centred
  WINDOW so_far AS (PARTITION BY sequence ORDER BY place, tie ROWS UNBOUNDED PRECEDING)
),
summed AS (
  SELECT
    *,
    sum(lambda) OVER so_far AS lambdas,
    sum(
      lambda * x + CASE
        WHEN :method IN ('empirical_bernstein_mixture', 'hoeffding_mixture') THEN 0.0
        WHEN :method = 'hoeffding' THEN -lambda * lambda / 8
        ELSE (ln(1 - lambda) + lambda) * (x - centre) * (x - centre)
      END
    ) OVER so_far AS low_sum,
    -- The upper end is 1 - the lower end of 1 - x, whose first centre is 0 too.
    sum(
      lambda * x - CASE
        WHEN :method IN ('empirical_bernstein_mixture', 'hoeffding_mixture') THEN 0.0
        WHEN :method = 'hoeffding' THEN -lambda * lambda / 8
        ELSE (ln(1 - lambda) + lambda) * CASE WHEN n > 1 THEN (x - centre) * (x - centre) ELSE (1 - x) * (1 - x) END
      END
    ) OVER so_far AS high_sum
  FROM weighed
  WINDOW so_far AS (PARTITION BY sequence ORDER BY place, tie ROWS UNBOUNDED PRECEDING)
),
measured AS (
  SELECT
    *,
    coalesce(score_min, 0.0) + coalesce(width, 1.0) * total / n AS estimate,
    CASE
      WHEN score_min IS NOT NULL THEN score_min + width * greatest((low_sum - boundary) / lambdas, 0.0)
    END AS ci_low,
    CASE
      WHEN score_min IS NOT NULL THEN score_min + width * least((high_sum + boundary) / lambdas, 1.0)
    END AS ci_high,
    CASE WHEN n >= :min_n AND variance > 0 THEN coalesce(width, 1.0) * sqrt(variance) END AS deviation,
    sqrt(2 * (n * rho2 + 1) / (n * n * rho2) * (0.5 * ln(n * rho2 + 1) + level)) AS radius
  FROM summed
),
bounded AS (
  SELECT
    *,
    estimate - deviation * radius AS asymptotic_low,
    estimate + deviation * radius AS asymptotic_high,
    CASE WHEN score_min IS NOT NULL THEN ci_low ELSE estimate - deviation * radius END AS low,
    CASE WHEN score_min IS NOT NULL THEN ci_high ELSE estimate + deviation * radius END AS high
  FROM measured
),
watched AS (
  SELECT
    *,
    max(low) OVER so_far AS running_low,
    min(high) OVER so_far AS running_high,
    min(CASE WHEN low > null_value OR high < null_value THEN n END) OVER so_far AS decided_n
  FROM bounded
  WINDOW so_far AS (PARTITION BY sequence ORDER BY place, tie ROWS UNBOUNDED PRECEDING)
)
SELECT
  sequence AS series,
  place AS position,
  CAST(n AS BIGINT) AS n,
  estimate,
  ci_low,
  ci_high,
  asymptotic_low,
  asymptotic_high,
  running_low,
  running_high,
  CASE
    WHEN deviation IS NOT NULL AND null_value IS NOT NULL THEN least(
      sqrt(n * rho2 + 1) * exp(-n * n * rho2 / (2 * (n * rho2 + 1)) * power((estimate - null_value) / deviation, 2)), 1.0
    )
  END AS p_value,
  CASE
    WHEN running_low > running_high THEN 'no common value'
    WHEN running_low > null_value THEN 'above'
    WHEN running_high < null_value THEN 'below'
    WHEN running_low IS NOT NULL AND null_value IS NOT NULL THEN 'undecided'
  END AS verdict,
  CAST(decided_n AS BIGINT) AS decided_n
FROM watched
WHERE CASE
  WHEN :points IS NULL THEN true
  WHEN :points >= 1 THEN floor(n * :points / series_rows) > floor((n - 1) * :points / series_rows)
  ELSE CAST(raise_error('confidence_sequence: points must be 1 or more, got ' || CAST(:points AS VARCHAR)) AS BOOLEAN)
END
