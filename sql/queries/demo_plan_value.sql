-- What would the plan have been worth, by the log?
-- Input: offers, offer_caps, decisions, predictions, expected and truth; the plan as above, without exploration.
-- Reading: dollars per user over 28 days, value less cost. The lift is over the policy that made the log, decision by
-- decision; the models that made the plan also promise its value (promised), which the log corrects. The truth, which only a
-- simulation knows, should be inside the intervals.
WITH plan AS (
  SELECT decision_id, choice
  FROM allocate(
    offers, unit => decision_id, action => choice, value => value_lift, cost => cost_lift,
    budget => (SELECT 0.5 * sum(cost) FROM decisions), max_cost_per_value => 1.0, guardrails => offer_caps,
    include_no_offer => true
  )
), evaluated AS (
  SELECT
    household_id,
    decisions.value - decisions.cost AS net_value,
    propensity,
    CAST(decisions.action = planned.choice AS DOUBLE) AS target_prob,
    logged.q_value - logged.q_cost AS q_logged,
    planned.q_value - planned.q_cost AS q_target,
    expected.value - expected.cost AS true_value
  FROM plan
  JOIN decisions ON decisions.decision_id = plan.decision_id
  JOIN predictions AS planned ON planned.decision_id = plan.decision_id AND planned.choice = plan.choice
  JOIN predictions AS logged ON logged.decision_id = plan.decision_id AND logged.choice = decisions.action
  JOIN expected ON expected.decision_id = plan.decision_id AND expected.action = planned.choice
), results AS (
  SELECT
    unnest(['value', 'lift']) AS what,
    unnest([
      dr_policy_value_ci(net_value, propensity, target_prob, q_logged, q_target, household_id),
      dr_policy_lift_ci(net_value, propensity, target_prob, q_logged, q_target, NULL, NULL, household_id)
    ]) AS result,
    unnest([avg(q_target), avg(q_target) - avg(net_value)]) AS promised,
    unnest([
      avg(true_value),
      avg(true_value) - (SELECT net_value FROM truth WHERE estimand = 'policy_value' AND name = 'baseline')
    ]) AS truth
  FROM evaluated
)
SELECT
  what,
  round(result['estimate'], 3) AS estimate,
  round(result['ci_low'], 3) AS ci_low,
  round(result['ci_high'], 3) AS ci_high,
  round(promised, 3) AS promised,
  round(truth, 3) AS truth,
  truth BETWEEN result['ci_low'] AND result['ci_high'] AS truth_inside,
  round(result['ess']) AS ess
FROM results
ORDER BY what DESC;
