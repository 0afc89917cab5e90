-- Do adjusted estimates of the effect of offers agree?
-- Input: decisions, policies and truth. Any offer, in the logging policy's mix, against none.
-- Reading: dollars per user over 28 days. The difference in means is of unlike users. The others trust the
-- logged propensities: horvitz_thompson by weights as they are, hajek by weights scaled to 1, aipw with the
-- outcome model to take noise away, so that its error should be the smallest of these. They should differ by
-- no more than their errors explain: otherwise suspect the propensities.
WITH modelled AS (
  SELECT
    value, household_id,
    action <> 'no_offer' AS offered,
    1 - propensity_no_offer AS offer_propensity,
    (q_value_target - q_value_no_offer * propensity_no_offer) / (1 - propensity_no_offer) AS q_offer,
    q_value_no_offer AS q_none
  FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id
  WHERE policy = 'baseline'
),
estimates AS (
  SELECT
    unnest(['difference in means', 'horvitz_thompson', 'hajek', 'aipw']) AS estimator,
    unnest([
      diff_in_means_ci(value, offered, household_id),
      ipw_ate_ci(value, offered, offer_propensity, household_id, {'estimator': 'horvitz_thompson'}),
      ipw_ate_ci(value, offered, offer_propensity, household_id),
      aipw_ate_ci(value, offered, offer_propensity, q_offer, q_none, household_id)
    ]) AS effect
  FROM modelled
),
truths AS (
  SELECT sum(users * truth.value) / sum(users) AS value
  FROM truth
  JOIN (SELECT lifecycle, count(*) AS users FROM decisions GROUP BY lifecycle) ON truth.name = lifecycle
  WHERE truth.estimand = 'lifecycle_effect'
)
SELECT
  estimator,
  round(effect['estimate'], 3) AS estimate,
  round(effect['std_error'], 3) AS std_error,
  round(effect['ci_low'], 3) AS ci_low,
  round(effect['ci_high'], 3) AS ci_high,
  round(value, 3) AS truth,
  value BETWEEN effect['ci_low'] AND effect['ci_high'] AS truth_inside
FROM estimates CROSS JOIN truths
ORDER BY estimator;
