-- How much surer does what was known before make an experiment?
-- Input: decisions, users and truth. The effect of the invitation to the loyalty program on value, as it is
-- and adjusted for what was known before the campaign (CUPED): past orders, past spend and the predicted
-- value.
-- Reading: dollars per user over 28 days. All estimate the same effect; the better a covariate foretells
-- value, the smaller the error. rows_saved is the share of users that the adjusted experiment could have
-- done without. An estimate that moves by more than the errors explain would mean that the covariate was not
-- from before.
WITH effects AS (
  SELECT
    unnest(['none', 'past orders', 'past spend', 'predicted value']) AS adjusted_for,
    unnest([
      diff_in_means_ci(value, loyalty_invited, decisions.household_id),
      cuped_ate_ci(value, loyalty_invited, orders_90d, decisions.household_id),
      cuped_ate_ci(value, loyalty_invited, orders_90d * average_basket, decisions.household_id),
      cuped_ate_ci(value, loyalty_invited, q_value_no_offer, decisions.household_id)
    ]) AS effect
  FROM decisions JOIN users ON decisions.user_id = users.user_id
)
SELECT
  adjusted_for,
  round(effect['estimate'], 3) AS estimate,
  round(effect['std_error'], 3) AS std_error,
  round(effect['ci_low'], 3) AS ci_low,
  round(effect['ci_high'], 3) AS ci_high,
  round(1 - power(effect['std_error'] / max(effect['std_error']) FILTER (WHERE adjusted_for = 'none') OVER (), 2), 3)
    AS rows_saved,
  round(value, 3) AS truth,
  value BETWEEN effect['ci_low'] AND effect['ci_high'] AS truth_inside
FROM effects JOIN truth ON truth.estimand = 'program_effect' AND truth.name = 'invited'
ORDER BY std_error DESC;
