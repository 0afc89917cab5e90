-- Whether the features that a model is served keep what its training data promised.
--
-- The relation holds the training rows and the serving rows, one after the other (UNION ALL), and `is_current` tells them
-- apart: 0 the baseline, 1 the current rows. One row per feature and finding, and a few with feature NULL for all: finding;
-- feature; baseline and current, what is compared; violations, how many current rows (levels, units) are not as the baseline
-- has it, and their share; p_value of the finding's test, where it has one, and p_holm, adjusted by Holm's method for all
-- tests of the result; example, one value of these; verdict 'violated', 'ok', or 'no rows' where baseline or current has no
-- row (no number, no unit in common) to compare; rule, what is checked. The findings: rows, violated where a side has none;
-- nulls, violated by a NULL where the baseline has none; null_rate, the shares of NULL, a pooled z-test, violated where
-- p_holm is below alpha; minimum and maximum of numbers, violated by current rows beyond those of the baseline; type,
-- violated by texts that are not numbers where all texts of the baseline are (such a feature has a range, and no levels);
-- new_levels, violated by a level that the baseline does not have, baseline the levels there, current the new ones, example
-- the most frequent; missing_levels, levels that no current row has, violated where p_holm is below alpha: p_value is the
-- chance that all rows with the most frequent of them are in the baseline, Bonferroni for the levels. With `unit`:
-- unit_null, violated by current rows of no unit; duplicates, violated by rows that repeat a unit of their side, those of
-- the baseline counted too; parity, violated by units whose values differ by more than `tolerance`, for texts at all, or
-- are NULL on one side; baseline the units with one row on each side, current the largest difference. NaN counts as NULL.
-- Rows without is_current are left out.
-- Holds when: rows are independent, for the tests.
-- Source: Breck et al. (2019) for data contracts; Holm (1979).
-- @column is_current 1 or true for the rows to check, 0 or false for those of the training
-- @columns? features features that are numbers or booleans
-- @levels? levels features of any other type, compared as texts
-- @column? unit key of the row, to compare the values that both sides have for it
-- @constant alpha = 0.001 false alarm rate of all tests together
-- @constant tolerance = 0.000001 difference of two numbers that counts as none
-- @example
-- SELECT finding, feature, baseline, current, violations
-- FROM feature_contract(
--   (SELECT * FROM (VALUES (0, 30, 'a'), (0, 41, 'b'), (0, 36, 'a'), (1, 35, 'a'), (1, 17, 'c'), (1, NULL, 'b'))
--     AS t(now, age, plan)),
--   is_current => now, features => {'age': age}, levels => {'plan': plan})
-- WHERE verdict = 'violated'
-- ORDER BY feature, finding;

WITH given AS (
  SELECT
    CASE
      WHEN :features_sql = 'NULL' AND :levels_sql = 'NULL'
        THEN CAST(raise_error('feature_contract: features or levels must be given, got neither') AS DOUBLE)
      WHEN CAST(is_current AS DOUBLE) IN (0, 1) THEN CAST(is_current AS DOUBLE)
      ELSE CAST(raise_error(
        'feature_contract: is_current must be 0 or 1, got ' || CAST(is_current AS VARCHAR) || '; 0 marks the training rows'
      ) AS DOUBLE)
    END AS side,
    unit AS kin,
    -- What is not given is a feature without a name.
    unnest(coalesce(features, make_array({'name': CAST(NULL AS VARCHAR), 'value': CAST(NULL AS DOUBLE)}))) AS number,
    unnest(coalesce(levels, make_array({'name': CAST(NULL AS VARCHAR), 'value': CAST(NULL AS VARCHAR)}))) AS level
  FROM input
  WHERE is_current IS NOT NULL
),
long AS (
  SELECT side, kin, unnest(make_array(
    {
      'name': number['name'], 'is_text': false, 'text': CAST(NULL AS VARCHAR),
      'number': CASE WHEN NOT isnan(number['value']) THEN number['value'] END
    },
    {
      'name': level['name'], 'is_text': true, 'text': level['value'],
      'number': CASE
        WHEN NOT isnan(TRY_CAST(level['value'] AS DOUBLE)) THEN TRY_CAST(level['value'] AS DOUBLE)
      END
    }
  )) AS item
  FROM given
),
flat AS (
  SELECT
    side,
    kin,
    item['name'] AS name,
    item['is_text'] AS is_text,
    item['text'] AS text,
    item['number'] AS number
  FROM long
  WHERE item['name'] IS NOT NULL
),
-- Per value of a feature, and per unit for parity.
cells AS (
  SELECT
    name,
    is_text,
    text,
    number,
    kin,
    grouping(kin) = 1 AS is_value,
    count(*) FILTER (WHERE side = 0) AS before,
    count(*) FILTER (WHERE side = 1) AS after,
    max(number) FILTER (WHERE side = 0) AS number_before,
    max(number) FILTER (WHERE side = 1) AS number_after,
    max(text) FILTER (WHERE side = 0) AS text_before,
    max(text) FILTER (WHERE side = 1) AS text_after
  FROM flat
  GROUP BY GROUPING SETS ((name, is_text, text, number), (name, is_text, kin))
),
placed AS (
  SELECT
    *,
    is_value AND number IS NOT NULL AS is_number,
    -- Current rows with this number or a smaller one; with this or a larger one.
    sum(after) OVER (PARTITION BY name, is_value, number IS NOT NULL ORDER BY number) AS until,
    sum(after) OVER (PARTITION BY name, is_value, number IS NOT NULL ORDER BY number DESC) AS since
  FROM cells
),
-- Per feature, and one row for all, which is there without rows too.
measured AS (
  SELECT
    name,
    is_text,
    grouping(name) = 1 AS is_all,
    coalesce(sum(before) FILTER (WHERE is_value), 0) AS n_before,
    coalesce(sum(after) FILTER (WHERE is_value), 0) AS n_after,
    coalesce(sum(before) FILTER (WHERE is_value AND coalesce(text, CAST(number AS VARCHAR)) IS NULL), 0) AS nulls_before,
    coalesce(sum(after) FILTER (WHERE is_value AND coalesce(text, CAST(number AS VARCHAR)) IS NULL), 0) AS nulls_after,
    coalesce(sum(after) FILTER (WHERE is_number), 0) AS numbers_after,
    min(number) FILTER (WHERE is_number AND before > 0) AS min_before,
    max(number) FILTER (WHERE is_number AND before > 0) AS max_before,
    min(number) FILTER (WHERE is_number AND after > 0) AS min_after,
    max(number) FILTER (WHERE is_number AND after > 0) AS max_after,
    max(until) FILTER (WHERE is_number AND before > 0) AS up_to_max,
    max(since) FILTER (WHERE is_number AND before > 0) AS down_to_min,
    count(*) FILTER (WHERE is_value AND text IS NOT NULL AND before > 0) AS levels_before,
    coalesce(sum(before) FILTER (WHERE is_value AND text IS NOT NULL AND number IS NULL), 0) AS words_before,
    coalesce(sum(after) FILTER (WHERE is_value AND text IS NOT NULL AND number IS NULL), 0) AS words_after,
    first_value(text ORDER BY after DESC, text)
      FILTER (WHERE is_value AND text IS NOT NULL AND number IS NULL AND after > 0) AS word,
    count(*) FILTER (WHERE is_value AND text IS NOT NULL AND before = 0) AS levels_new,
    coalesce(sum(after) FILTER (WHERE is_value AND text IS NOT NULL AND before = 0), 0) AS rows_new,
    first_value(text ORDER BY after DESC, text) FILTER (WHERE is_value AND text IS NOT NULL AND before = 0) AS level_new,
    count(*) FILTER (WHERE is_value AND text IS NOT NULL AND after = 0) AS levels_missing,
    max(before) FILTER (WHERE is_value AND text IS NOT NULL AND after = 0) AS rows_missing,
    first_value(text ORDER BY before DESC, text)
      FILTER (WHERE is_value AND text IS NOT NULL AND after = 0) AS level_missing,
    coalesce(sum(before) FILTER (WHERE NOT is_value AND kin IS NULL), 0) AS unitless_before,
    coalesce(sum(after) FILTER (WHERE NOT is_value AND kin IS NULL), 0) AS unitless_after,
    coalesce(sum(before - 1) FILTER (WHERE NOT is_value AND kin IS NOT NULL AND before > 1), 0) AS repeats_before,
    coalesce(sum(after - 1) FILTER (WHERE NOT is_value AND kin IS NOT NULL AND after > 1), 0) AS repeats_after,
    count(*) FILTER (WHERE is_pair) AS pairs,
    count(*) FILTER (
      WHERE is_pair AND (
        (text_before IS DISTINCT FROM text_after)
        OR (NOT is_text AND (number_before IS NULL) <> (number_after IS NULL))
        OR (NOT is_text AND number_before <> number_after AND abs(number_before - number_after) > :tolerance)
      )
    ) AS pairs_off,
    max(abs(number_before - number_after))
      FILTER (WHERE is_pair AND NOT is_text AND number_before <> number_after) AS largest
  FROM (SELECT *, NOT is_value AND kin IS NOT NULL AND before = 1 AND after = 1 AS is_pair FROM placed)
  GROUP BY GROUPING SETS ((name, is_text), ())
),
-- All features are in all rows.
related AS (
  SELECT
    *,
    NOT is_all AND (NOT is_text OR (levels_before > 0 AND words_before = 0)) AS is_numeric,
    CAST(n_before AS DOUBLE) AS b,
    CAST(n_after AS DOUBLE) AS c,
    n_before = 0 OR n_after = 0 AS lacks_rows,
    coalesce(max(n_before) FILTER (WHERE NOT is_all) OVER (), 0) AS rows_before,
    coalesce(max(n_after) FILTER (WHERE NOT is_all) OVER (), 0) AS rows_after,
    coalesce(max(unitless_before) FILTER (WHERE NOT is_all) OVER (), 0) AS without_unit_before,
    coalesce(max(unitless_after) FILTER (WHERE NOT is_all) OVER (), 0) AS without_unit_after,
    coalesce(max(repeats_before) FILTER (WHERE NOT is_all) OVER (), 0) AS repeated_before,
    coalesce(max(repeats_after) FILTER (WHERE NOT is_all) OVER (), 0) AS repeated_after
  FROM measured
),
rated AS (
  SELECT
    *,
    (nulls_before + nulls_after) / nullif(b + c, 0) AS pooled,
    (b - nulls_before) / nullif(b + c - nulls_before - nulls_after, 0) AS share_before
  FROM related
),
findings AS (
  SELECT name, unnest(make_array(
    {
      'finding': 'rows', 'applies': is_all, 'lacks': false, 'broken': rows_before = 0 OR rows_after = 0,
      'baseline': CAST(rows_before AS DOUBLE), 'current': CAST(rows_after AS DOUBLE),
      'violations': CAST(CASE WHEN rows_before = 0 THEN rows_after ELSE 0 END AS BIGINT), 'of': CAST(rows_after AS DOUBLE),
      'p_value': CAST(NULL AS DOUBLE), 'example': CAST(NULL AS VARCHAR),
      'rule': 'baseline and current have rows'
    },
    {
      'finding': 'unit_null', 'applies': is_all AND :unit_sql <> 'NULL', 'lacks': false, 'broken': without_unit_after > 0,
      'baseline': CAST(without_unit_before AS DOUBLE), 'current': CAST(without_unit_after AS DOUBLE),
      'violations': CAST(without_unit_after AS BIGINT), 'of': CAST(rows_after AS DOUBLE),
      'p_value': NULL, 'example': NULL,
      'rule': 'every row has a unit'
    },
    {
      'finding': 'duplicates', 'applies': is_all AND :unit_sql <> 'NULL', 'lacks': false,
      'broken': repeated_before > 0 OR repeated_after > 0,
      'baseline': CAST(repeated_before AS DOUBLE), 'current': CAST(repeated_after AS DOUBLE),
      'violations': CAST(repeated_before + repeated_after AS BIGINT), 'of': CAST(rows_before + rows_after AS DOUBLE),
      'p_value': NULL, 'example': NULL,
      'rule': 'a unit has one row in the baseline and one in the current rows'
    },
    {
      'finding': 'nulls', 'applies': NOT is_all, 'lacks': lacks_rows, 'broken': nulls_before = 0 AND nulls_after > 0,
      'baseline': CAST(nulls_before AS DOUBLE), 'current': CAST(nulls_after AS DOUBLE),
      'violations': CAST(CASE WHEN nulls_before = 0 THEN nulls_after ELSE 0 END AS BIGINT), 'of': c,
      'p_value': NULL, 'example': NULL,
      'rule': 'no NULL where the baseline has none'
    },
    {
      'finding': 'null_rate', 'applies': NOT is_all, 'lacks': lacks_rows, 'broken': false,
      'baseline': nulls_before / nullif(b, 0), 'current': nulls_after / nullif(c, 0),
      'violations': CAST(nulls_after AS BIGINT), 'of': c,
      'p_value': normal_p_value(
        (nulls_after / nullif(c, 0) - nulls_before / nullif(b, 0))
          / nullif(sqrt(greatest(pooled * (1 - pooled), 0.0) * (1 / nullif(b, 0) + 1 / nullif(c, 0))), 0)
      ),
      'example': NULL,
      'rule': 'the share of NULL is that of the baseline up to chance'
    },
    {
      'finding': 'type', 'applies': is_numeric AND is_text, 'lacks': lacks_rows, 'broken': words_after > 0,
      'baseline': CAST(words_before AS DOUBLE), 'current': CAST(words_after AS DOUBLE),
      'violations': CAST(words_after AS BIGINT), 'of': c,
      'p_value': NULL, 'example': word,
      'rule': 'texts are numbers, as in the baseline'
    },
    {
      'finding': 'minimum', 'applies': is_numeric, 'lacks': min_before IS NULL OR min_after IS NULL,
      'broken': numbers_after > down_to_min,
      'baseline': min_before, 'current': min_after,
      'violations': CAST(numbers_after - down_to_min AS BIGINT), 'of': c,
      'p_value': NULL, 'example': CASE WHEN numbers_after > down_to_min THEN CAST(min_after AS VARCHAR) END,
      'rule': 'no number is below the minimum of the baseline'
    },
    {
      'finding': 'maximum', 'applies': is_numeric, 'lacks': max_before IS NULL OR max_after IS NULL,
      'broken': numbers_after > up_to_max,
      'baseline': max_before, 'current': max_after,
      'violations': CAST(numbers_after - up_to_max AS BIGINT), 'of': c,
      'p_value': NULL, 'example': CASE WHEN numbers_after > up_to_max THEN CAST(max_after AS VARCHAR) END,
      'rule': 'no number is above the maximum of the baseline'
    },
    {
      'finding': 'new_levels', 'applies': is_text AND NOT is_numeric, 'lacks': lacks_rows, 'broken': levels_new > 0,
      'baseline': CAST(levels_before AS DOUBLE), 'current': CAST(levels_new AS DOUBLE),
      'violations': CAST(rows_new AS BIGINT), 'of': c,
      'p_value': NULL, 'example': level_new,
      'rule': 'every level is one of the baseline'
    },
    {
      'finding': 'missing_levels', 'applies': is_text AND NOT is_numeric, 'lacks': lacks_rows, 'broken': false,
      'baseline': CAST(levels_before AS DOUBLE), 'current': CAST(levels_missing AS DOUBLE),
      'violations': CAST(levels_missing AS BIGINT), 'of': CAST(levels_before AS DOUBLE),
      'p_value': CASE
        WHEN levels_missing > 0 THEN least(1.0, levels_before * power(share_before, CAST(rows_missing AS DOUBLE)))
      END,
      'example': level_missing,
      'rule': 'every level of the baseline is there, up to chance'
    },
    {
      'finding': 'parity', 'applies': NOT is_all AND :unit_sql <> 'NULL', 'lacks': pairs = 0, 'broken': pairs_off > 0,
      'baseline': CAST(pairs AS DOUBLE), 'current': CASE WHEN NOT is_text AND pairs > 0 THEN coalesce(largest, 0) END,
      'violations': CAST(pairs_off AS BIGINT), 'of': CAST(pairs AS DOUBLE),
      'p_value': NULL, 'example': NULL,
      'rule': 'a unit has the same value in the baseline and in the current rows'
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
    row_number() OVER (ORDER BY p_value, name, found['finding']) AS place,
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
)
SELECT
  found['finding'] AS finding,
  name AS feature,
  found['baseline'] AS baseline,
  found['current'] AS current,
  CASE WHEN NOT found['lacks'] THEN found['violations'] END AS violations,
  CASE WHEN NOT found['lacks'] THEN found['violations'] / nullif(found['of'], 0) END AS share,
  p_value,
  p_holm,
  CASE WHEN NOT found['lacks'] THEN found['example'] END AS example,
  CASE
    WHEN found['lacks'] THEN 'no rows'
    WHEN found['broken'] OR p_holm < :alpha THEN 'violated'
    ELSE 'ok'
  END AS verdict,
  found['rule'] AS rule
FROM adjusted
