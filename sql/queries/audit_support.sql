-- On which decisions of a candidate does the log have evidence, and what could it tell?
-- Input: decisions and policies, the candidate being budgeted; by lifecycle and action.
-- Reading: ess is what the candidate's weights leave of the decisions with the action, detectable_effect the
-- smallest difference in net value (dollars per user) that the log would most likely find. unsupported would
-- mean that the candidate takes an action that was never logged there: its value cannot be known, and
-- deficient_mass is how often it would. starved and thin rest on few decisions: explore more before
-- shipping.
SELECT
  segment AS lifecycle,
  action,
  n,
  round(ess) AS ess,
  round(max_weight, 1) AS max_weight,
  round(detectable_effect, 2) AS detectable_effect,
  round(deficient_mass, 3) AS deficient_mass,
  verdict
FROM cell_support(
  (SELECT * FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id WHERE policy = 'budgeted'),
  action => action, propensity => propensity, segment => lifecycle, target_prob => target_prob, reward => value - cost
)
ORDER BY lifecycle, action;
