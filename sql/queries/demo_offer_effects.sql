-- What does each offer do to value, compared with no offer?
-- Input: choices and truth. An action's effect is the lift of the policy "always this action" over
-- "never an offer" on the same rows, doubly robust, so that it is about all users.
-- Reading: dollars per user over 28 days. The naive difference compares the users who got the offer
-- with those who got none, who are not alike.
WITH effects AS (
  SELECT
    choice,
    avg(value) FILTER (WHERE action = choice) - avg(value) FILTER (WHERE action = 'no_offer') AS naive,
    dr_policy_lift_ci(
      value, propensity,
      CASE WHEN action = choice THEN 1 ELSE 0 END, q_value_logged, q_value_choice,
      CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_value_no_offer,
      household_id
    ) AS effect
  FROM choices
  WHERE choice <> 'no_offer'
  GROUP BY choice
)
SELECT
  choice AS action,
  round(naive, 3) AS naive,
  round(effect['estimate'], 3) AS estimate,
  round(effect['ci_low'], 3) AS ci_low,
  round(effect['ci_high'], 3) AS ci_high,
  round(truth.value, 3) AS truth,
  truth.value BETWEEN effect['ci_low'] AND effect['ci_high'] AS truth_inside,
  round(truth.cost, 3) AS true_cost
FROM effects JOIN truth ON truth.name = choice AND truth.estimand = 'action_effect'
ORDER BY estimate DESC;
