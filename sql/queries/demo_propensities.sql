-- Are the logged propensities true?
-- Input: choices. For each action the weight of a decision is one over the propensity where the
-- action was taken and zero elsewhere.
-- Reading: the weights of each action average to 1 when propensities were logged truthfully; a p_value
-- below 0.001 means that they were not. The effective sample size is what the skew leaves of the rows.
SELECT
  choice AS action,
  count(*) FILTER (WHERE action = choice) AS decisions,
  round(avg(weight), 3) AS mean_weight,
  round(weight_mean_test(weight), 3) AS p_value,
  round(ess(weight)) AS ess,
  round(max_weight_share(weight), 5) AS max_weight_share
FROM (SELECT choice, action, CASE WHEN action = choice THEN 1 / propensity ELSE 0 END AS weight FROM choices)
GROUP BY choice
ORDER BY ess DESC;
