-- What would the plan have been worth, by the log?
-- Input: offers, offer_caps, choices and decisions, as for the plan, without exploration.
-- Reading: dollars per user over 28 days, value less cost. The lift is over the policy that made the log; the outcome model
-- that made the plan also promises its value (promised), which the log corrects.
WITH plan AS (
  SELECT decision_id, choice
  FROM allocate(
    offers, unit => decision_id, action => choice, value => value_lift, cost => cost_lift,
    budget => (SELECT 0.5 * sum(cost) FROM decisions), max_cost_per_value => 1.0, guardrails => offer_caps,
    include_no_offer => true
  )
), evaluated AS (
  SELECT
    choices.household_id,
    choices.value - choices.cost AS net_value,
    choices.propensity,
    CAST(choices.action = choices.choice AS DOUBLE) AS target_prob,
    choices.q_value_logged - choices.q_cost_logged AS q_logged,
    choices.q_value_choice - choices.q_cost_choice AS q_target
  FROM plan JOIN choices ON choices.decision_id = plan.decision_id AND choices.choice = plan.choice
), results AS (
  SELECT
    dr_policy_value_ci(net_value, propensity, target_prob, q_logged, q_target, household_id) AS value,
    dr_policy_lift_ci(net_value, propensity, target_prob, q_logged, q_target, NULL, NULL, household_id) AS lift,
    avg(q_target) AS promised
  FROM evaluated
)
SELECT
  round(value['estimate'], 3) AS value,
  round(value['ci_low'], 3) AS ci_low,
  round(value['ci_high'], 3) AS ci_high,
  round(promised, 3) AS promised,
  round(lift['estimate'], 3) AS lift,
  round(lift['ci_low'], 3) AS lift_low,
  round(lift['ci_high'], 3) AS lift_high,
  round(value['ess']) AS ess
FROM results;
