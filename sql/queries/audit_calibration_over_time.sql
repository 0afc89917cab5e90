-- Is the predicted effect of an offer still right, week by week?
-- Input: decisions and policies. The predicted effect of any offer is what the logging policy's mix of
-- offers was predicted to add to no offer; the actual effect is by the propensity of any offer, of value
-- less what was predicted without an offer, which leaves the effect as it is and takes noise away.
-- Reading: dollars per user over 28 days; gap is predicted less actual. ok means that no week refutes the
-- predictions. overpredicts and underpredicts mean that they are wrong, drifted that they were right and
-- have come to be wrong: retrain. This campaign's model promises too much in every week alike: with many
-- users the verdict is overpredicts, with few the intervals are wide and ok says little, and drifted would
-- be chance.
WITH predicted AS (
  SELECT
    decisions.*,
    (q_value_target - q_value_no_offer) / (1 - propensity_no_offer) AS effect
  FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id
  WHERE policy = 'baseline'
)
SELECT
  period AS week,
  n,
  round(predicted, 3) AS predicted,
  round(actual, 3) AS actual,
  round(gap, 3) AS gap,
  round(ci_low, 3) AS ci_low,
  round(ci_high, 3) AS ci_high,
  round(change, 3) AS change,
  round(slope, 2) AS slope,
  verdict
FROM calibration_over_time(
  predicted,
  period => week, prediction => effect, outcome => value - q_value_no_offer, treated => action <> 'no_offer',
  propensity => 1 - propensity_no_offer, cluster => household_id
)
ORDER BY week;
