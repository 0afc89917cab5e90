-- Is one model for all users better than one for each lifecycle?
-- Input: trials and decisions: discount_10 against no offer. Both are asked about households that they have not seen.
-- Reading: dollars per user over 28 days. A model of its own can fit its group better but learns from fewer users: take it
-- where its autoc is higher by more than the errors, or its slope is 1 while that of the pooled model is not; else one
-- model is less to keep.
WITH grouped AS (
  SELECT trials.*, lifecycle
  FROM trials JOIN decisions ON decisions.decision_id = trials.decision_id
  WHERE choice = 'discount_10'
), pooled AS (
  SELECT cate_xlearner(value, treated, offer_propensity, profile, household_id) AS model FROM grouped
), separate AS (
  SELECT lifecycle, cate_xlearner(value, treated, offer_propensity, profile, household_id) AS model
  FROM grouped
  GROUP BY lifecycle
), scored AS (
  SELECT
    grouped.*,
    predict(pooled.model, profile, household_id) AS pooled_effect,
    predict(separate.model, profile, household_id) AS separate_effect
  FROM grouped CROSS JOIN pooled JOIN separate ON separate.lifecycle = grouped.lifecycle
)
SELECT
  model,
  round(autoc, 3) AS autoc,
  round(autoc_std_error, 3) AS autoc_error,
  round(slope, 2) AS slope,
  round(slope_std_error, 2) AS slope_error,
  round(policy_value, 3) AS policy_value,
  verdict
FROM uplift_report(
  scored,
  outcome => value, treated => treated, propensity => offer_propensity, unit => household_id,
  scores => {'pooled': pooled_effect, 'by lifecycle': separate_effect}, cluster => household_id
)
ORDER BY model;
