-- Does the model know whom an offer moves?
-- Input: choices. Users are ranked by the predicted effect of an offer on value; what it did to the top
-- fifth and to all is measured by doubly robust scores of the rows.
-- Reading: dollars per user over 28 days. autoc is 0 for a ranking by chance: where its interval lies above
-- zero, the model finds users whom the offer moves more. A slope of 1 would mean that predicted
-- differences between users come true in full, below 1 that the model exaggerates them.
WITH scored AS (
  SELECT
    choice,
    household_id,
    q_value_choice - q_value_no_offer AS predicted,
    dr_score(value, propensity, CASE WHEN action = choice THEN 1 ELSE 0 END, q_value_logged, q_value_choice)
      - dr_score(value, propensity, CASE WHEN action = 'no_offer' THEN 1 ELSE 0 END, q_value_logged, q_value_no_offer)
      AS score
  FROM choices
  WHERE choice <> 'no_offer'
),
measured AS (
  SELECT
    choice,
    avg(score) AS effect,
    uplift_at(predicted, score, household_id, {'top': 0.2}) AS top_effect,
    autoc_ci(predicted, score, household_id) AS autoc,
    calibration_slope_ci(predicted, score, household_id) AS slope
  FROM scored
  GROUP BY choice
)
SELECT
  choice AS action,
  round(effect, 3) AS effect_on_all,
  round(top_effect, 3) AS effect_on_top_fifth,
  round(autoc['estimate'], 3) AS autoc,
  round(autoc['ci_low'], 3) AS ci_low,
  round(autoc['ci_high'], 3) AS ci_high,
  round(slope['estimate'], 2) AS slope,
  round(slope['std_error'], 2) AS slope_error
FROM measured
ORDER BY autoc DESC;
