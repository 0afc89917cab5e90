-- To how many users should an offer be made?
-- Input: choices: discount_10 against no offer, users ranked by its predicted effect on value less cost;
-- doubly robust scores of value less cost.
-- Reading: dollars per user of all users over 28 days, when the share at the top gets the offer. The best
-- share is near where net_value is largest, and the threshold there is the prediction from which on to
-- offer. Predictions in dollars would have the largest at a threshold of 0; at another, they are off by that
-- much. Where all intervals hold 0, the log cannot tell any share from offering nothing.
WITH scored AS (
  SELECT
    household_id,
    q_value_choice - q_cost_choice - q_value_no_offer AS predicted,
    dr_score(
      value - cost, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END,
      q_value_logged - q_cost_logged, q_value_choice - q_cost_choice
    )
      - dr_score(
        value - cost, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END,
        q_value_logged - q_cost_logged, q_value_no_offer - q_cost_no_offer
      ) AS score
  FROM choices
  WHERE choice = 'discount_10'
),
points AS (
  SELECT unnest(uplift_curve(predicted, score, household_id, {'points': 10})) AS point FROM scored
)
SELECT
  round(point['share'], 2) AS share,
  round(point['threshold'], 2) AS threshold,
  round(point['uplift'], 3) AS net_value,
  round(point['ci_low'], 3) AS ci_low,
  round(point['ci_high'], 3) AS ci_high
FROM points
ORDER BY share;
