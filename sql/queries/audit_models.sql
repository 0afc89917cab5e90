-- Which score should choose whom to make an offer?
-- Input: decisions, policies and users. Any offer against none, by its propensity. The scores: the predicted
-- effect on value, the rule of best customers (most orders, which active users have anyway) and the rule of
-- large baskets.
-- Reading: dollars per user over 28 days. autoc is 0 by chance, and is_best has the largest; policy_value is
-- what treating the top 30 % is worth per user of all. no better than chance means that these users cannot
-- tell; parts_best counts in how many of five random parts the score came first: two or three of them is a
-- toss-up. Only a score in dollars can be calibrated.
WITH scored AS (
  SELECT
    decisions.*,
    (q_value_target - q_value_no_offer) / (1 - propensity_no_offer) AS effect,
    CAST(orders_90d AS DOUBLE) AS orders,
    average_basket AS basket
  FROM decisions
  JOIN policies ON decisions.decision_id = policies.decision_id
  JOIN users ON decisions.user_id = users.user_id
  WHERE policy = 'baseline'
)
SELECT
  model,
  round(autoc, 3) AS autoc,
  round(autoc_ci_low, 3) AS autoc_low,
  round(autoc_ci_high, 3) AS autoc_high,
  round(slope, 2) AS slope,
  round(policy_value, 3) AS policy_value,
  is_best,
  parts_best,
  verdict
FROM uplift_report(
  scored,
  outcome => value - q_value_no_offer, treated => action <> 'no_offer', propensity => 1 - propensity_no_offer,
  scores => {'predicted effect': effect, 'best customers': orders, 'large baskets': basket},
  unit => user_id, cluster => household_id
)
ORDER BY autoc DESC;
