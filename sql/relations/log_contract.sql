-- Whether a log of decisions keeps what off-policy evaluation needs of it: one row per rule.
--
-- Columns: rule; severity ('ok', 'error', 'warning', or 'not checked' with the reason in `finding`); violations (rows,
-- decisions or actions) and their share; finding; rows_sql, the query that shows them. A log has one row per decision,
-- the action taken; or, when all propensities are given, one row per decision and action with the outcome where the
-- action was taken and NULL elsewhere (`decision` and `outcome` are needed to tell). The rules: has_rows; action_null,
-- propensity_null, outcome_null, unit_null, decision_null, time_null; propensity_range (in (0, 1]; where all are given 0
-- is fine for an action not taken); propensity_sum (those of one decision sum to 1); mean_weight (of each action one
-- over the propensity of its decisions averages to 1 over all decisions: two-sided normal test, Bonferroni over actions,
-- at alpha); duplicates (one decision, or without decisions one unit, more than once); never_logged (an action with a
-- positive propensity that was never taken); outcome_before_assignment.
-- Holds when: decisions are independent, for the test of mean_weight.
-- Source: Li, Chu, Langford and Wang (2011) for the mean weight.
-- @column action the action taken, of any type
-- @column propensity probability of the action when it was chosen
-- @column? unit who the decision was about
-- @column? outcome what followed
-- @column? decision what the decision is called
-- @column? assigned_at when the action was chosen
-- @column? observed_at when the outcome was observed; NULL when it was not yet
-- @constant alpha = 0.001 false alarm rate of the test of mean_weight
-- @constant tolerance = 0.000001 how far propensities of one decision may sum from 1
-- @example
-- SELECT rule, severity, violations, finding
-- FROM log_contract(
--   (SELECT * FROM (VALUES (1, 'a', 0.5), (2, 'b', 0.5), (3, 'a', 0.0), (3, 'a', 0.5)) AS log(id, offer, prob)),
--   action => offer, propensity => prob, decision => id)
-- WHERE severity = 'error'
-- ORDER BY rule;

WITH log AS (
  SELECT
    CAST(action AS VARCHAR) AS action,
    coalesce(CAST(decision AS VARCHAR), CAST(unit AS VARCHAR)) AS key,
    CAST(propensity AS DOUBLE) AS propensity,
    -- Where the log has all actions the one taken is the one with an outcome.
    outcome IS NOT NULL AS has_outcome,
    unit IS NOT NULL AS has_unit,
    decision IS NOT NULL AS has_decision,
    assigned_at IS NOT NULL AS has_assigned,
    observed_at IS NOT NULL AS has_observed,
    coalesce(observed_at < assigned_at, false) AS is_early,
    CAST(propensity AS DOUBLE) > 0 AND CAST(propensity AS DOUBLE) <= 1 AS in_range
  FROM input
),
-- One row per decision and action, or per action when decisions have no names.
actions AS (
  SELECT
    key,
    action,
    count(*) AS n,
    sum(CASE WHEN has_outcome THEN 1 ELSE 0 END) AS with_outcome,
    sum(CASE WHEN has_unit THEN 1 ELSE 0 END) AS with_unit,
    sum(CASE WHEN has_decision THEN 1 ELSE 0 END) AS with_decision,
    sum(CASE WHEN has_assigned THEN 1 ELSE 0 END) AS with_assigned,
    sum(CASE WHEN has_observed THEN 1 ELSE 0 END) AS with_observed,
    sum(CASE WHEN is_early THEN 1 ELSE 0 END) AS early,
    count(propensity) AS with_propensity,
    sum(CASE WHEN NOT in_range THEN 1 ELSE 0 END) AS out_of_range,
    sum(CASE WHEN NOT in_range AND NOT (propensity = 0 AND NOT has_outcome) THEN 1 ELSE 0 END) AS out_of_range_taken,
    sum(propensity) AS propensity_sum,
    -- Weights less one, of all rows and of those with an outcome: their moments about 1 do not cancel.
    sum(CASE WHEN in_range THEN 1 ELSE 0 END) AS weights,
    sum(CASE WHEN in_range THEN 1 / propensity - 1 END) AS weight_1,
    sum(CASE WHEN in_range THEN power(1 / propensity - 1, 2) END) AS weight_2,
    sum(CASE WHEN in_range AND has_outcome THEN 1 ELSE 0 END) AS taken_weights,
    sum(CASE WHEN in_range AND has_outcome THEN 1 / propensity - 1 END) AS taken_weight_1,
    sum(CASE WHEN in_range AND has_outcome THEN power(1 / propensity - 1, 2) END) AS taken_weight_2
  FROM log
  GROUP BY key, action
),
sums AS (
  SELECT
    grouping(action) = 0 AS by_action,
    action,
    key,
    count(action) AS actions,
    sum(n) AS n,
    sum(n - 1) AS repeated,
    sum(with_outcome) AS with_outcome,
    sum(with_unit) AS with_unit,
    sum(with_decision) AS with_decision,
    sum(with_assigned) AS with_assigned,
    sum(with_observed) AS with_observed,
    sum(early) AS early,
    sum(with_propensity) AS with_propensity,
    sum(out_of_range) AS out_of_range,
    sum(out_of_range_taken) AS out_of_range_taken,
    sum(propensity_sum) AS propensity_sum,
    sum(weights) AS weights,
    sum(weight_1) AS weight_1,
    sum(weight_2) AS weight_2,
    sum(taken_weights) AS taken_weights,
    sum(taken_weight_1) AS taken_weight_1,
    sum(taken_weight_2) AS taken_weight_2
  FROM actions
  GROUP BY GROUPING SETS ((action), (key))
),
-- One row from here on.
counted AS (
  SELECT
    coalesce(sum(n) FILTER (WHERE by_action), 0) AS n,
    coalesce(sum(n) FILTER (WHERE by_action AND action IS NULL), 0) AS action_null,
    coalesce(sum(n - with_propensity) FILTER (WHERE by_action), 0) AS propensity_null,
    coalesce(sum(with_outcome) FILTER (WHERE by_action), 0) AS with_outcome,
    coalesce(sum(with_unit) FILTER (WHERE by_action), 0) AS with_unit,
    coalesce(sum(with_decision) FILTER (WHERE by_action), 0) AS with_decision,
    coalesce(sum(with_assigned) FILTER (WHERE by_action), 0) AS with_assigned,
    coalesce(sum(with_observed) FILTER (WHERE by_action), 0) AS with_observed,
    coalesce(sum(early) FILTER (WHERE by_action), 0) AS early,
    coalesce(sum(out_of_range) FILTER (WHERE by_action), 0) AS out_of_range,
    coalesce(sum(out_of_range_taken) FILTER (WHERE by_action), 0) AS out_of_range_taken,
    coalesce(sum(weights) FILTER (WHERE by_action AND action IS NOT NULL), 0) AS weights,
    count(*) FILTER (WHERE NOT by_action AND key IS NOT NULL) AS keys,
    count(*) FILTER (WHERE NOT by_action AND key IS NOT NULL AND actions > 1) AS keys_of_many_actions,
    coalesce(sum(n - 1) FILTER (WHERE NOT by_action AND key IS NOT NULL), 0) AS repeated_keys,
    coalesce(sum(repeated) FILTER (WHERE NOT by_action AND key IS NOT NULL), 0) AS repeated_actions,
    count(*) FILTER (WHERE NOT by_action AND key IS NOT NULL AND n = with_propensity
      AND NOT abs(propensity_sum - 1) <= :tolerance) AS off_sums,
    count(*) FILTER (WHERE NOT by_action AND key IS NOT NULL AND with_outcome = 0) AS without_outcome,
    coalesce(
      array_agg({
        'action': action, 'propensity_sum': propensity_sum, 'taken': with_outcome,
        'weights': weights, 'weight_1': weight_1, 'weight_2': weight_2,
        'taken_weights': taken_weights, 'taken_weight_1': taken_weight_1, 'taken_weight_2': taken_weight_2
      }) FILTER (WHERE by_action AND action IS NOT NULL),
      [NULL]
    ) AS arms
  FROM sums
),
-- Whether the log has all actions of a decision: at least half of its decisions have several.
formed AS (
  SELECT
    *,
    with_decision > 0 AND keys_of_many_actions * 2 >= keys AS is_long,
    CASE WHEN with_decision > 0 AND keys_of_many_actions * 2 >= keys THEN keys ELSE weights END AS decisions
  FROM counted
),
arms AS (
  SELECT
    *,
    cell['action'] AS arm,
    cell['propensity_sum'] > 0 AND cell['taken'] = 0 AS is_never_taken,
    CASE WHEN is_long THEN cell['taken_weights'] ELSE cell['weights'] END AS arm_n,
    coalesce(CASE WHEN is_long THEN cell['taken_weight_1'] ELSE cell['weight_1'] END, 0) AS arm_1,
    coalesce(CASE WHEN is_long THEN cell['taken_weight_2'] ELSE cell['weight_2'] END, 0) AS arm_2
  FROM (SELECT *, unnest(arms) AS cell FROM formed)
),
-- The mean weight of an arm less one, over all decisions: those of other arms have the weight 0.
weighed AS (
  SELECT
    *,
    count(arm) OVER () AS arm_count,
    (arm_1 - (decisions - arm_n)) / nullif(CAST(decisions AS DOUBLE), 0) AS excess,
    arm_2 + (decisions - arm_n) AS squares
  FROM arms
),
tested AS (
  SELECT
    *,
    arm_count * CASE
      -- Every decision had the action, with one propensity: the chance of that.
      WHEN excess > 0 AND squares - decisions * excess * excess <= 1e-12 * squares
        THEN power(1 / (1 + excess), CAST(decisions AS DOUBLE))
      ELSE normal_p_value(excess / nullif(sqrt(
        greatest(squares - decisions * excess * excess, 0) / nullif(decisions - 1, 0) / decisions
      ), 0))
    END < :alpha AS is_off
  FROM weighed
),
facts AS (
  SELECT
    max(n) AS n,
    bool_or(is_long) AS is_long,
    max(keys) AS keys,
    max(action_null) AS action_null,
    max(propensity_null) AS propensity_null,
    max(with_outcome) AS with_outcome,
    max(with_unit) AS with_unit,
    max(with_decision) AS with_decision,
    max(with_assigned) AS with_assigned,
    max(early) AS early,
    max(CASE WHEN is_long THEN out_of_range_taken ELSE out_of_range END) AS out_of_range,
    max(CASE WHEN is_long THEN repeated_actions ELSE repeated_keys END) AS repeated,
    max(CASE WHEN is_long THEN without_outcome ELSE n - with_outcome END) AS outcome_null,
    max(off_sums) AS off_sums,
    count(arm) AS arms,
    count(*) FILTER (WHERE is_off) AS arms_off,
    string_agg(arm || ' ' || round(1 + excess, 3), ', ' ORDER BY arm) FILTER (WHERE is_off) AS arms_off_text,
    count(*) FILTER (WHERE is_never_taken) AS arms_never,
    string_agg(arm, ', ' ORDER BY arm) FILTER (WHERE is_never_taken) AS arms_never_text,
    CASE
      WHEN :decision_sql <> 'NULL' THEN :decision_sql
      WHEN :unit_sql <> 'NULL' THEN :unit_sql
    END AS key_sql,
    'SELECT * FROM ' || :input_sql || ' WHERE ' AS show
  FROM tested
),
rules AS (
  SELECT
    n,
    unnest(make_array(
      {
        'rule': 'has_rows', 'missing': NULL, 'violations': CAST(n = 0 AS BIGINT), 'of': 1, 'severity': 'error',
        'finding': 'the log has no rows', 'rows_sql': 'SELECT count(*) FROM ' || :input_sql
      },
      {
        'rule': 'action_null', 'missing': NULL, 'violations': action_null, 'of': n, 'severity': 'error',
        'finding': 'decisions whose action is not known',
        'rows_sql': show || '(' || :action_sql || ') IS NULL'
      },
      {
        'rule': 'propensity_null', 'missing': NULL, 'violations': propensity_null, 'of': n, 'severity': 'error',
        'finding': 'decisions whose propensity was not logged',
        'rows_sql': show || '(' || :propensity_sql || ') IS NULL'
      },
      {
        'rule': 'outcome_null', 'missing': CASE WHEN :outcome_sql = 'NULL' THEN 'outcome is not given' END,
        'violations': outcome_null, 'of': CASE WHEN is_long THEN keys ELSE n END, 'severity': 'error',
        'finding': 'decisions without an outcome',
        'rows_sql': show || CASE
          WHEN is_long THEN '(' || key_sql || ') NOT IN (SELECT ' || key_sql || ' FROM ' || :input_sql || ' WHERE ('
            || :outcome_sql || ') IS NOT NULL)'
          ELSE '(' || :outcome_sql || ') IS NULL'
        END
      },
      {
        'rule': 'unit_null', 'missing': CASE WHEN :unit_sql = 'NULL' THEN 'unit is not given' END,
        'violations': n - with_unit, 'of': n, 'severity': 'error',
        'finding': 'decisions about nobody',
        'rows_sql': show || '(' || :unit_sql || ') IS NULL'
      },
      {
        'rule': 'decision_null', 'missing': CASE WHEN :decision_sql = 'NULL' THEN 'decision is not given' END,
        'violations': n - with_decision, 'of': n, 'severity': 'error',
        'finding': 'rows of no decision',
        'rows_sql': show || '(' || :decision_sql || ') IS NULL'
      },
      {
        'rule': 'time_null', 'missing': CASE WHEN :assigned_at_sql = 'NULL' THEN 'assigned_at is not given' END,
        'violations': n - with_assigned, 'of': n, 'severity': 'warning',
        'finding': 'decisions made at no known time',
        'rows_sql': show || '(' || :assigned_at_sql || ') IS NULL'
      },
      {
        'rule': 'propensity_range', 'missing': NULL, 'violations': out_of_range, 'of': n, 'severity': 'error',
        'finding': 'propensities outside (0, 1]',
        'rows_sql': show || 'NOT ((' || :propensity_sql || ') > 0 AND (' || :propensity_sql || ') <= 1)'
      },
      {
        'rule': 'propensity_sum',
        'missing': CASE
          WHEN :decision_sql = 'NULL' THEN 'decision is not given'
          WHEN NOT is_long THEN 'decisions have one row each: the propensities of other actions are not given'
        END,
        'violations': off_sums, 'of': keys, 'severity': 'error',
        'finding': 'decisions whose propensities do not sum to 1',
        'rows_sql': 'SELECT ' || key_sql || ', sum(' || :propensity_sql || ') FROM ' || :input_sql || ' GROUP BY '
          || key_sql || ' HAVING NOT abs(sum(' || :propensity_sql || ') - 1) <= ' || CAST(:tolerance AS VARCHAR)
      },
      {
        'rule': 'mean_weight',
        'missing': CASE
          WHEN is_long AND :outcome_sql = 'NULL'
            THEN 'decisions have several rows and outcome, which says which action was taken, is not given'
        END,
        'violations': arms_off, 'of': arms, 'severity': 'error',
        'finding': 'actions whose mean weight is not 1, so that their logged propensities are off: '
          || coalesce(arms_off_text, ''),
        'rows_sql': 'SELECT ' || :action_sql || ', sum(1 / (' || :propensity_sql || ')) / (SELECT count('
          || CASE WHEN is_long THEN 'DISTINCT ' || key_sql ELSE '*' END || ') FROM ' || :input_sql
          || ') AS mean_weight FROM ' || :input_sql
          || CASE WHEN is_long THEN ' WHERE (' || :outcome_sql || ') IS NOT NULL' ELSE '' END || ' GROUP BY '
          || :action_sql
      },
      {
        'rule': 'duplicates',
        'missing': CASE WHEN key_sql IS NULL THEN 'neither decision nor unit is given' END,
        'violations': repeated, 'of': n, 'severity': 'error',
        'finding': 'rows that repeat a ' || CASE WHEN :decision_sql <> 'NULL' THEN 'decision' ELSE 'unit' END,
        'rows_sql': 'SELECT ' || key_sql || CASE WHEN is_long THEN ', ' || :action_sql ELSE '' END
          || ', count(*) FROM ' || :input_sql || ' GROUP BY ' || key_sql
          || CASE WHEN is_long THEN ', ' || :action_sql ELSE '' END || ' HAVING count(*) > 1'
      },
      {
        'rule': 'never_logged',
        'missing': CASE
          WHEN NOT is_long THEN 'decisions have one row each: actions that were possible are not given'
          WHEN :outcome_sql = 'NULL' THEN 'outcome, which says which action was taken, is not given'
        END,
        'violations': arms_never, 'of': arms, 'severity': 'error',
        'finding': 'actions that could be chosen and never were: ' || coalesce(arms_never_text, ''),
        'rows_sql': 'SELECT ' || :action_sql || ', avg(' || :propensity_sql || ') FROM ' || :input_sql || ' GROUP BY '
          || :action_sql || ' HAVING count(' || :outcome_sql || ') = 0 AND sum(' || :propensity_sql || ') > 0'
      },
      {
        'rule': 'outcome_before_assignment',
        'missing': CASE
          WHEN :assigned_at_sql = 'NULL' OR :observed_at_sql = 'NULL' THEN 'assigned_at and observed_at are not both given'
        END,
        'violations': early, 'of': n, 'severity': 'error',
        'finding': 'outcomes observed before their action was chosen',
        'rows_sql': show || '(' || :observed_at_sql || ') < (' || :assigned_at_sql || ')'
      }
    )) AS rule
  FROM facts
)
SELECT
  rule['rule'] AS rule,
  CASE
    WHEN rule['missing'] IS NOT NULL THEN 'not checked'
    WHEN rule['violations'] = 0 THEN 'ok'
    ELSE rule['severity']
  END AS severity,
  CASE WHEN rule['missing'] IS NULL THEN rule['violations'] END AS violations,
  CASE WHEN rule['missing'] IS NULL THEN CAST(rule['violations'] AS DOUBLE) / nullif(rule['of'], 0) END AS share,
  CASE
    WHEN rule['missing'] IS NOT NULL THEN rule['missing']
    WHEN rule['violations'] > 0 THEN rule['finding']
  END AS finding,
  CASE WHEN rule['missing'] IS NULL THEN rule['rows_sql'] END AS rows_sql
FROM rules
