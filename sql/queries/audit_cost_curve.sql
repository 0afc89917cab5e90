-- Does ranking by predicted value per cost save money: what does a dollar of value cost along the list?
-- Input: choices: discount_10 against no offer, users ranked by predicted value per predicted cost, cut into
-- fourths; doubly robust scores of value and cost.
-- Reading: value and cost are added per user of all users when the share is treated. cost_per_value is that
-- of the fourth alone: a good ranking has it rising, and below 1 where an offer pays for itself. A negative
-- one, or an interval without bounds, is a fourth whose effect on value may be zero. A p_order below 0.05
-- would refute the order. aucc is 0.5 by chance and the higher the sooner value comes before cost.
WITH scored AS (
  SELECT
    household_id,
    (q_value_choice - q_value_no_offer) / q_cost_choice AS predicted,
    dr_score(value, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END, q_value_logged, q_value_choice)
      - dr_score(value, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_value_logged, q_value_no_offer)
      AS value_score,
    dr_score(cost, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END, q_cost_logged, q_cost_choice)
      - dr_score(cost, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_cost_logged, q_cost_no_offer)
      AS cost_score
  FROM choices
  WHERE choice = 'discount_10'
),
curves AS (
  SELECT
    cost_curve(predicted, value_score, cost_score, household_id, {'points': 4}) AS curve,
    aucc_ci(predicted, value_score, cost_score, household_id) AS area
  FROM scored
),
points AS (
  SELECT unnest(curve) AS point, monotonicity_test(curve) AS test, area FROM curves
)
SELECT
  point['share'] AS share,
  round(point['threshold'], 3) AS predicted_from,
  round(point['value'], 3) AS value,
  round(point['cost'], 3) AS cost,
  round(point['cost_per_value'], 2) AS cost_per_value,
  round(point['ci_low'], 2) AS ci_low,
  round(point['ci_high'], 2) AS ci_high,
  round(test['p_value'], 3) AS p_order,
  round(area['estimate'], 3) AS aucc,
  round(area['ci_low'], 3) AS aucc_low,
  round(area['ci_high'], 3) AS aucc_high
FROM points
WHERE point['share'] > 0
ORDER BY share;
