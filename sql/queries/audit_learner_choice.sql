-- Which learner, with which options, should the model of discount_10 be trained with?
-- Input: trials: the decisions that took discount_10 or no offer.
-- Reading: dollars per user over 28 days, by households that a candidate has not seen. The first is to be taken, unless its
-- neighbours are as good and simpler: places close to each other are often chance, as autoc_error says. Give options to
-- method, as in cate_xlearner(value, treated, propensity, profile, household_id, {'leaves': 8}).
SELECT
  place,
  method,
  options,
  round(slope, 2) AS slope,
  round(calibration_error, 3) AS calibration_error,
  round(kendall_tau, 2) AS kendall_tau,
  round(autoc, 3) AS autoc,
  round(autoc_std_error, 3) AS autoc_error,
  round(split_qini_mean / split_qini_sd, 2) AS stability,
  round(policy_value, 3) AS policy_value,
  verdict
FROM cate_grid(
  (SELECT * FROM trials WHERE choice = 'discount_10'),
  outcome => value, treated => treated, propensity => offer_propensity, features => profile, unit => household_id
)
ORDER BY place;
