-- What did the loyalty program, which ran beside the offers, add to value?
-- Input: decisions and truth. Invitations were randomised, joining was not: busy households join more
-- and order more anyway.
-- Reading: dollars per user over 28 days. Comparing the invited with the others is an experiment and
-- finds the truth; comparing joiners with others is none and does not.
WITH effects AS (
  SELECT
    unnest(['invited', 'joined']) AS name,
    unnest(['invited against not', 'joiners against others']) AS comparison,
    unnest([
      diff_in_means_ci(value, loyalty_invited, household_id),
      diff_in_means_ci(value, loyalty_joined, household_id)
    ]) AS effect
  FROM decisions
)
SELECT
  effects.name AS effect_of,
  comparison,
  round(effect['estimate'], 3) AS estimate,
  round(effect['ci_low'], 3) AS ci_low,
  round(effect['ci_high'], 3) AS ci_high,
  round(truth.value, 3) AS truth,
  truth.value BETWEEN effect['ci_low'] AND effect['ci_high'] AS truth_inside
FROM effects JOIN truth ON truth.name = effects.name AND truth.estimand = 'program_effect'
ORDER BY effect_of;
