-- How far the features of a model have moved since its baseline, and whether that is more than chance.
--
-- The relation holds the rows of the baseline and those of now, one after the other (UNION ALL); `is_current` tells them
-- apart. One row per segment, feature and measure: baseline and current, what is compared; statistic, the size of the
-- drift; p_value of no drift, where the measure has a test, and p_holm, adjusted by Holm's method for all tests of the
-- result; verdict; levels, up to five new or missing ones, the most frequent first. The measures, of numbers and texts:
-- 'psi', the stability index of psi(), NULL being a value, and its chi-square test; 'js distance', of Jensen and Shannon,
-- from 0 to 1, over levels, or for numbers ten bins of as many rows each, both sides together and NULL a bin; 'null rate',
-- shares of NULL, their difference and its pooled z-test; of numbers: 'ks', largest distance of the distribution functions,
-- and its test by ks_test(); 'wasserstein', the area between them, in the unit of the feature (this and the ten bins from
-- up to 10,000 steps of as many rows: exact to 10,000 rows); 'mean', the means, their difference in standard deviations by
-- smd(), and Welch's test; of texts: 'new levels' and 'missing levels', the number of levels in the baseline, of those that
-- only now or only the baseline has, and their share of its rows; p_value is the chance that all rows of the most frequent
-- one fell on one side, Bonferroni for the levels. baseline and current are rows for psi, ks, js distance and wasserstein.
-- verdict asks for size first, so that tiny drift in millions of rows is no alarm: 'stable' where the statistic is below
-- its first mark; beyond it 'unclear' where p_holm is not below alpha, else 'shifted', or 'drifted' beyond the second mark;
-- 'no rows' where a side has none to compare. Marks of psi are `shifted` and `drifted`; those of the others what these are
-- for a normal feature whose mean moves, with s the root of psi's mark: s standard deviations for mean and wasserstein, 0.4
-- s for ks and js distance; and a fifth of psi's mark for the shares. wasserstein has the p_holm of ks and js distance that
-- of psi, for the verdict alone, as has the mean that of ks where nothing varies. Rows without is_current are left out. NaN
-- or infinity is an error.
-- Holds when: rows are independent, for the tests.
-- Source: Siddiqi (2006); Lin (1991) for the distance of Jensen and Shannon; Vallender (1974) for wasserstein; Holm (1979).
-- @column is_current 1 or true for rows of now, 0 or false for those of the baseline
-- @columns? features features that are numbers or booleans
-- @levels? levels features of any other type, compared as texts
-- @column? segment what rows are split by
-- @constant alpha = 0.01 false alarm rate of all tests together
-- @constant shifted = 0.1 psi from which a feature has shifted
-- @constant drifted = 0.25 psi from which it has drifted
-- @example
-- SELECT feature, measure, round(statistic, 3) AS statistic, verdict
-- FROM drift_report(
--   (SELECT value % 2 AS now, value + 200 * (value % 2) AS age, CASE WHEN value % 4 = 1 THEN 'app' ELSE 'web' END AS channel
--    FROM range(1000)),
--   is_current => now, features => {'age': age}, levels => {'channel': channel})
-- WHERE measure IN ('psi', 'new levels', 'mean')
-- ORDER BY feature, measure;

WITH given AS (
  SELECT
    CAST(segment AS VARCHAR) AS part,
    CASE
      WHEN :features_sql = 'NULL' AND :levels_sql = 'NULL'
        THEN CAST(raise_error('drift_report: features or levels must be given, got neither') AS DOUBLE)
      WHEN CAST(is_current AS DOUBLE) IN (0, 1) THEN CAST(is_current AS DOUBLE)
      ELSE CAST(raise_error(
        'drift_report: is_current must be 0 or 1, got ' || CAST(is_current AS VARCHAR) || '; 0 marks rows of the baseline'
      ) AS DOUBLE)
    END AS side,
    -- What is not given is a feature without a name.
    unnest(coalesce(features, make_array({'name': CAST(NULL AS VARCHAR), 'value': CAST(NULL AS DOUBLE)}))) AS numeric_item,
    unnest(coalesce(levels, make_array({'name': CAST(NULL AS VARCHAR), 'value': CAST(NULL AS VARCHAR)}))) AS text_item
  FROM input
  WHERE is_current IS NOT NULL
),
-- Of a number one row; of a text one for the feature as a whole, and one for its level.
kinds AS (
  SELECT
    part,
    side,
    numeric_item['name'] AS number_name,
    numeric_item['value'] AS x,
    nullif(text_item['name'], '') AS text_name,
    CAST(text_item['value'] AS VARCHAR) AS word,
    unnest(CASE
      WHEN nullif(text_item['name'], '') IS NULL THEN make_array('number')
      WHEN numeric_item['name'] IS NULL THEN make_array('text', 'level')
      ELSE make_array('number', 'text', 'level')
    END) AS kind
  FROM given
),
flat AS (
  SELECT
    part,
    side,
    kind <> 'number' AS is_text,
    kind = 'level' AS is_level,
    CASE WHEN kind = 'number' THEN number_name ELSE text_name END AS name,
    CASE
      WHEN kind <> 'number' THEN NULL
      WHEN x - x = 0 OR x IS NULL THEN x
      ELSE CAST(raise_error(
        'drift_report: features must be finite, got ' || CAST(x AS VARCHAR) || ' in ' || number_name || '; make it NULL'
      ) AS DOUBLE)
    END AS number,
    CASE WHEN kind = 'text' THEN word END AS text,
    CASE WHEN kind = 'level' THEN word END AS level
  FROM kinds
),
measured AS (
  SELECT
    part,
    name,
    is_text,
    is_level,
    level,
    CAST(count(*) FILTER (WHERE side = 0) AS DOUBLE) AS before,
    CAST(count(*) FILTER (WHERE side = 1) AS DOUBLE) AS after,
    CAST(count(number) FILTER (WHERE side = 0) + count(text) FILTER (WHERE side = 0) AS DOUBLE) AS values_before,
    CAST(count(number) FILTER (WHERE side = 1) + count(text) FILTER (WHERE side = 1) AS DOUBLE) AS values_after,
    psi(number, side) AS number_psi,
    psi(text, side) AS text_psi,
    ks_test(number, side) AS ks,
    avg(number) FILTER (WHERE side = 0) AS mean_before,
    avg(number) FILTER (WHERE side = 1) AS mean_after,
    stddev_samp(number) FILTER (WHERE side = 0) AS deviation,
    smd(number, side) AS smd,
    diff_in_means_ci(number, side)['p_value'] AS mean_p_value,
    -- The share of rows of now in steps of the number.
    uplift_calibration_bins(number, side, {'bins': 10000}) AS steps
  FROM flat
  GROUP BY part, name, is_text, is_level, level
),
stepped AS (
  SELECT
    *,
    unnest(steps) AS step,
    -- One row where there are no steps.
    unnest(make_array(true)) AS is_first
  FROM measured
),
counted AS (
  SELECT
    *,
    CASE
      WHEN is_level THEN before
      WHEN step IS NOT NULL THEN round(step['n'] * (1 - step['actual']))
      ELSE 0
    END AS cell_before,
    CASE
      WHEN is_level THEN after
      WHEN step IS NOT NULL THEN round(step['n'] * step['actual'])
      ELSE 0
    END AS cell_after
  FROM stepped
),
summed AS (
  SELECT
    *,
    max(before) OVER feature AS rows_before,
    max(after) OVER feature AS rows_after,
    max(values_before) OVER feature AS n_before,
    max(values_after) OVER feature AS n_after,
    sum(cell_before) OVER ascending AS until_before,
    sum(cell_after) OVER ascending AS until_after,
    lag(step['upper']) OVER ascending AS last_upper
  FROM counted
  WINDOW
    feature AS (PARTITION BY part, name, is_text),
    ascending AS (PARTITION BY part, name, is_text, is_level ORDER BY step['bin'], level)
),
placed AS (
  SELECT
    *,
    abs(until_after / nullif(n_after, 0) - until_before / nullif(n_before, 0)) AS distance,
    abs(
      (until_after - cell_after) / nullif(n_after, 0) - (until_before - cell_before) / nullif(n_before, 0)
    ) AS last_distance,
    -- The bin of a step is that of its middle.
    CASE
      WHEN step IS NOT NULL THEN floor(
        5 * (2 * (until_before + until_after) - cell_before - cell_after) / (n_before + n_after)
      )
    END AS bin
  FROM summed
),
binned AS (
  SELECT
    part,
    name,
    is_text,
    bin,
    level,
    max(rows_before) AS rows_before,
    max(rows_after) AS rows_after,
    sum(cell_before) AS cell_before,
    sum(cell_after) AS cell_after,
    sum(
      (step['predicted'] - coalesce(last_upper, step['predicted'])) * last_distance
        + (step['upper'] - step['predicted']) * distance
    ) AS area,
    first_value({
      'values_before': values_before, 'values_after': values_after,
      'psi': CASE WHEN is_text THEN text_psi ELSE number_psi END, 'ks': ks,
      'mean_before': mean_before, 'mean_after': mean_after, 'deviation': deviation, 'smd': smd,
      'mean_p_value': mean_p_value
    }) FILTER (WHERE is_first AND NOT is_level) AS feature
  FROM placed
  GROUP BY part, name, is_text, bin, level
),
-- Level by level and bin by bin, and the NULL of numbers.
shares AS (
  SELECT *, unnest(make_array(
    {'before': cell_before / nullif(rows_before, 0), 'after': cell_after / nullif(rows_after, 0)},
    {
      'before': CASE WHEN NOT is_text THEN 1 - feature['values_before'] / nullif(rows_before, 0) END,
      'after': CASE WHEN NOT is_text THEN 1 - feature['values_after'] / nullif(rows_after, 0) END
    }
  )) AS share, unnest(make_array(true)) AS is_cell
  FROM binned
),
features AS (
  SELECT
    part,
    name,
    is_text,
    max(rows_before) AS b,
    max(rows_after) AS a,
    first_value(feature) FILTER (WHERE is_cell AND feature IS NOT NULL) AS f,
    sum(area) FILTER (WHERE is_cell) AS area,
    sum(
      CASE
        WHEN share['before'] > 0 THEN share['before'] / 2 * log2(2 * share['before'] / (share['before'] + share['after']))
        ELSE 0
      END
        + CASE
          WHEN share['after'] > 0 THEN share['after'] / 2 * log2(2 * share['after'] / (share['before'] + share['after']))
          ELSE 0
        END
    ) AS divergence,
    count(*) FILTER (WHERE is_cell AND level IS NOT NULL) AS n_levels,
    count(*) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_before > 0) AS levels_before,
    count(*) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_before = 0) AS levels_new,
    sum(cell_after) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_before = 0) AS rows_new,
    max(cell_after) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_before = 0) AS most_new,
    array_agg(level ORDER BY cell_after DESC, level)
      FILTER (WHERE is_cell AND level IS NOT NULL AND cell_before = 0) AS names_new,
    count(*) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_after = 0) AS levels_missing,
    sum(cell_before) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_after = 0) AS rows_missing,
    max(cell_before) FILTER (WHERE is_cell AND level IS NOT NULL AND cell_after = 0) AS most_missing,
    array_agg(level ORDER BY cell_before DESC, level)
      FILTER (WHERE is_cell AND level IS NOT NULL AND cell_after = 0) AS names_missing
  FROM shares
  GROUP BY part, name, is_text
),
rated AS (
  SELECT
    *,
    b = 0 OR a = 0 AS lacks_rows,
    f['values_before'] = 0 OR f['values_after'] = 0 AS lacks_values,
    1 - f['values_before'] / nullif(b, 0) AS null_before,
    1 - f['values_after'] / nullif(a, 0) AS null_after,
    1 - (f['values_before'] + f['values_after']) / nullif(b + a, 0) AS null_pooled,
    f['values_before'] / nullif(f['values_before'] + f['values_after'], 0) AS share_before,
    sqrt(CAST(:shifted AS DOUBLE)) AS low,
    sqrt(CAST(:drifted AS DOUBLE)) AS high
  FROM features
),
findings AS (
  SELECT part, name, is_text, unnest(make_array(
    {
      'measure': 'psi', 'applies': true, 'lacks': lacks_rows, 'baseline': b, 'current': a,
      'statistic': f['psi']['statistic'], 'p_value': f['psi']['p_value'], 'size': f['psi']['statistic'],
      'low': CAST(:shifted AS DOUBLE), 'high': CAST(:drifted AS DOUBLE), 'levels': CAST(NULL AS VARCHAR)
    },
    {
      'measure': 'js distance', 'applies': true, 'lacks': lacks_rows, 'baseline': b, 'current': a,
      'statistic': sqrt(greatest(divergence, 0.0)), 'p_value': CAST(NULL AS DOUBLE),
      'size': sqrt(greatest(divergence, 0.0)), 'low': 0.4 * low, 'high': 0.4 * high, 'levels': NULL
    },
    {
      'measure': 'null rate', 'applies': true, 'lacks': lacks_rows, 'baseline': null_before, 'current': null_after,
      'statistic': null_after - null_before,
      'p_value': normal_p_value(
        (null_after - null_before)
          / nullif(sqrt(greatest(null_pooled * (1 - null_pooled), 0.0) * (1 / nullif(b, 0) + 1 / nullif(a, 0))), 0)
      ),
      'size': abs(null_after - null_before), 'low': low * low / 5, 'high': high * high / 5, 'levels': NULL
    },
    {
      'measure': 'ks', 'applies': NOT is_text, 'lacks': lacks_values,
      'baseline': f['values_before'], 'current': f['values_after'],
      'statistic': f['ks']['statistic'], 'p_value': f['ks']['p_value'],
      'size': f['ks']['statistic'], 'low': 0.4 * low, 'high': 0.4 * high, 'levels': NULL
    },
    {
      'measure': 'wasserstein', 'applies': NOT is_text, 'lacks': lacks_values,
      'baseline': f['values_before'], 'current': f['values_after'], 'statistic': area, 'p_value': NULL,
      -- Any distance from a feature that was constant is beyond the marks.
      'size': CASE WHEN area = 0 THEN 0 ELSE coalesce(area / nullif(f['deviation'], 0), 2 * high) END,
      'low': low, 'high': high, 'levels': NULL
    },
    {
      'measure': 'mean', 'applies': NOT is_text, 'lacks': lacks_values,
      'baseline': f['mean_before'], 'current': f['mean_after'], 'statistic': f['smd'], 'p_value': f['mean_p_value'],
      'size': CASE WHEN f['mean_before'] = f['mean_after'] THEN 0 ELSE coalesce(abs(f['smd']), 2 * high) END,
      'low': low, 'high': high, 'levels': NULL
    },
    {
      'measure': 'new levels', 'applies': is_text, 'lacks': lacks_rows,
      'baseline': CAST(levels_before AS DOUBLE), 'current': CAST(levels_new AS DOUBLE),
      'statistic': coalesce(rows_new, 0) / nullif(a, 0),
      'p_value': CASE WHEN levels_new > 0 THEN least(1.0, n_levels * power(1 - share_before, most_new)) END,
      'size': coalesce(rows_new, 0) / nullif(a, 0), 'low': low * low / 5, 'high': high * high / 5,
      'levels': array_to_string(array_slice(names_new, 1, 5), ', ')
    },
    {
      'measure': 'missing levels', 'applies': is_text, 'lacks': lacks_rows,
      'baseline': CAST(levels_before AS DOUBLE), 'current': CAST(levels_missing AS DOUBLE),
      'statistic': coalesce(rows_missing, 0) / nullif(b, 0),
      'p_value': CASE WHEN levels_missing > 0 THEN least(1.0, n_levels * power(share_before, most_missing)) END,
      'size': coalesce(rows_missing, 0) / nullif(b, 0), 'low': low * low / 5, 'high': high * high / 5,
      'levels': array_to_string(array_slice(names_missing, 1, 5), ', ')
    }
  )) AS found
  FROM rated
),
tested AS (
  SELECT
    *,
    CASE WHEN NOT found['lacks'] THEN found['p_value'] END AS p_value
  FROM findings
  WHERE found['applies']
),
ranked AS (
  SELECT
    *,
    row_number() OVER (ORDER BY p_value, name, found['measure'], part) AS place,
    count(p_value) OVER () AS n_tests
  FROM tested
),
adjusted AS (
  SELECT
    *,
    CASE
      WHEN p_value IS NOT NULL THEN least(1.0, max((n_tests - place + 1) * p_value) OVER (ORDER BY place))
    END AS p_holm
  FROM ranked
),
borrowed AS (
  SELECT
    *,
    coalesce(p_holm, CASE
      WHEN found['measure'] = 'js distance'
        THEN max(p_holm) FILTER (WHERE found['measure'] = 'psi') OVER (PARTITION BY part, name, is_text)
      WHEN found['measure'] IN ('wasserstein', 'mean')
        THEN max(p_holm) FILTER (WHERE found['measure'] = 'ks') OVER (PARTITION BY part, name, is_text)
    END) AS p_verdict
  FROM adjusted
)
SELECT
  part AS segment,
  name AS feature,
  found['measure'] AS measure,
  found['baseline'] AS baseline,
  found['current'] AS current,
  CASE WHEN NOT found['lacks'] THEN found['statistic'] END AS statistic,
  p_value,
  p_holm,
  CASE
    WHEN found['lacks'] THEN 'no rows'
    WHEN found['size'] < found['low'] THEN 'stable'
    WHEN p_verdict IS NULL OR p_verdict >= :alpha THEN 'unclear'
    WHEN found['size'] < found['high'] THEN 'shifted'
    ELSE 'drifted'
  END AS verdict,
  CASE WHEN NOT found['lacks'] THEN nullif(found['levels'], '') END AS levels
FROM borrowed
