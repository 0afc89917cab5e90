-- Can the log tell what each policy is worth?
-- Input: evaluations. The weight of a decision is the policy's probability of the logged action over
-- its propensity.
-- Reading: the mean weight is 1 up to chance (p_value). An effective sample size of a few hundred, or
-- one decision with a share of several percent, would mean that the log says little about the policy.
SELECT
  policy,
  round(avg(target_prob / propensity), 3) AS mean_weight,
  round(weight_mean_test(target_prob / propensity), 3) AS p_value,
  round(ess(target_prob / propensity)) AS ess,
  round(max(target_prob / propensity), 1) AS max_weight,
  round(max_weight_share(target_prob / propensity), 5) AS max_weight_share
FROM evaluations
GROUP BY policy
ORDER BY ess DESC;
