-- Which model should choose who gets the discount of 10?
-- Input: trials, offers and choices: the effect learned by cate_xlearner against that of the outcome model in the log, on
-- the decisions that took discount_10 or no offer. The learned one has not seen the households it speaks of.
-- Reading: dollars per user over 28 days. autoc ranks, 0 by chance; a slope of 1 means that predicted differences come
-- true; policy_value is what the offer to the best 30 % is worth per user of all users; the verdict sums it up.
SELECT
  model,
  round(predicted, 3) AS predicted,
  round(effect, 3) AS effect,
  round(autoc, 3) AS autoc,
  round(autoc_std_error, 3) AS autoc_error,
  round(slope, 2) AS slope,
  round(slope_std_error, 2) AS slope_error,
  round(policy_value, 3) AS policy_value,
  is_best,
  verdict
FROM uplift_report(
  (
    SELECT
      trials.household_id, trials.value - q_value_no_offer AS outcome, treated, offer_propensity,
      value_lift AS learned, q_value_choice - q_value_no_offer AS logged
    FROM trials
    JOIN offers ON offers.decision_id = trials.decision_id AND offers.choice = trials.choice
    JOIN choices ON choices.decision_id = trials.decision_id AND choices.choice = trials.choice
    WHERE trials.choice = 'discount_10'
  ),
  outcome => outcome, treated => treated, propensity => offer_propensity, unit => household_id,
  scores => {'learned': learned, 'in the log': logged}, cluster => household_id
)
ORDER BY model;
