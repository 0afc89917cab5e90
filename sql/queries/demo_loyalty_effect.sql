-- What did the loyalty program, which ran beside the offers, add to value?
-- Input: decisions and truth. Invitations were randomised, joining was not: busy households join more
-- and order more anyway.
-- Reading: dollars per user over 28 days. Comparing the invited with the others is an experiment and
-- finds the truth; comparing joiners with others is none and does not. The invitation is an instrument
-- for joining: its effect over the share that it makes join is the effect of joining.
WITH estimates AS (
  SELECT
    diff_in_means_ci(value, loyalty_invited, household_id) AS invited,
    diff_in_means_ci(value, loyalty_joined, household_id) AS joined,
    late_ci(value, loyalty_invited, loyalty_joined, household_id) AS complied
  FROM decisions
),
effects AS (
  SELECT unnest([
    {'name': 'invited', 'comparison': 'invited against not', 'estimate': invited['estimate'], 'low': invited['ci_low'], 'high': invited['ci_high']},
    {'name': 'joined', 'comparison': 'joiners against others', 'estimate': joined['estimate'], 'low': joined['ci_low'], 'high': joined['ci_high']},
    {'name': 'joined', 'comparison': 'joining by invitation', 'estimate': complied['estimate'], 'low': complied['ci_low'], 'high': complied['ci_high']}
  ]) AS effect
  FROM estimates
)
SELECT
  effect['name'] AS effect_of,
  effect['comparison'] AS comparison,
  round(effect['estimate'], 3) AS estimate,
  round(effect['low'], 3) AS ci_low,
  round(effect['high'], 3) AS ci_high,
  round(truth.value, 3) AS truth,
  truth.value BETWEEN effect['low'] AND effect['high'] AS truth_inside
FROM effects JOIN truth ON truth.name = effect['name'] AND truth.estimand = 'program_effect'
ORDER BY effect_of, comparison;
