-- What does a dollar of additional value cost with each offer?
-- Input: choices and truth. The effect of the offer on cost over that on value, of everyone getting it
-- against nobody getting any: the last point of a cost curve, which is about all users. Fieller's intervals.
-- Reading: dollars of incentive per dollar of value. Where the interval lies above 1 the offer costs more
-- than it brings, where it lies below 1 it pays for itself. An interval from -inf to inf means that the
-- offer may have no effect on value at all, so that its price is anyone's guess: more decisions are needed.
WITH scored AS (
  SELECT
    choice,
    household_id,
    dr_score(value, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END, q_value_logged, q_value_choice)
      - dr_score(value, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_value_logged, q_value_no_offer)
      AS value_score,
    dr_score(cost, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END, q_cost_logged, q_cost_choice)
      - dr_score(cost, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_cost_logged, q_cost_no_offer)
      AS cost_score
  FROM choices
  WHERE choice <> 'no_offer'
),
points AS (
  SELECT choice, unnest(cost_curve(1, value_score, cost_score, household_id, {'points': 1})) AS point
  FROM scored
  GROUP BY choice
)
SELECT
  choice AS action,
  round(point['value'], 3) AS value,
  round(point['cost'], 3) AS cost,
  round(point['cost_per_value'], 2) AS cost_per_value,
  round(point['ci_low'], 2) AS ci_low,
  round(point['ci_high'], 2) AS ci_high,
  round(truth.cost / truth.value, 2) AS truth,
  truth.cost / truth.value BETWEEN point['ci_low'] AND point['ci_high'] AS truth_inside
FROM points JOIN truth ON truth.name = choice AND truth.estimand = 'action_effect'
WHERE point['share'] = 1
ORDER BY truth;
