-- Do users get the effect that was predicted for them?
-- Input: choices: discount_10 against no offer. Users are put into fifths by the predicted effect on value;
-- the actual effect of each fifth is the mean of doubly robust scores.
-- Reading: dollars per user over 28 days. Predictions are good where predicted lies inside of the interval,
-- and in order where actual rises from fifth to fifth. A p_order below 0.05 would refute the order, so that
-- ranking by the prediction is worse than it looks; a large one does not prove it: with few users the
-- intervals are wide. In truth, this model promises too much in every fifth and has the order right.
WITH scored AS (
  SELECT
    q_value_choice - q_value_no_offer AS predicted,
    dr_score(value, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END, q_value_logged, q_value_choice)
      - dr_score(value, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_value_logged, q_value_no_offer)
      AS score
  FROM choices
  WHERE choice = 'discount_10'
),
binned AS (
  SELECT uplift_calibration_bins(predicted, score, {'bins': 5}) AS bins FROM scored
),
listed AS (
  SELECT unnest(bins) AS bin, monotonicity_test(bins) AS test FROM binned
)
SELECT
  bin['bin'] AS fifth,
  bin['n'] AS n,
  round(bin['predicted'], 3) AS predicted,
  round(bin['actual'], 3) AS actual,
  round(bin['ci_low'], 3) AS ci_low,
  round(bin['ci_high'], 3) AS ci_high,
  bin['predicted'] BETWEEN bin['ci_low'] AND bin['ci_high'] AS predicted_inside,
  round(test['p_value'], 3) AS p_order
FROM listed
ORDER BY fifth;
