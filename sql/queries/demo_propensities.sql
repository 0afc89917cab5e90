-- Are the logged propensities true?
-- Input: decisions. For each action the weight of a decision is one over the propensity where the
-- action was taken and zero elsewhere.
-- Reading: the weights of each action average to 1 when propensities were logged truthfully; a p_value
-- below 0.001 means that they were not. The effective sample size is what the skew leaves of the rows.
SELECT
  action,
  taken,
  round(mean_weight, 3) AS mean_weight,
  round(p_value, 3) AS p_value,
  round(min_propensity, 3) AS min_propensity,
  round(ess) AS ess,
  verdict
FROM propensity_audit((SELECT * FROM decisions), action => action, propensity => propensity)
ORDER BY ess DESC;
