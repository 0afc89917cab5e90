-- Does the experiment find effects where there can be none?
-- Input: decisions and users. The invitation to the loyalty program was randomised and drew on nothing, so
-- that it cannot have changed what was before it, nor which offer was made.
-- Reading: the difference in means of the invited and the others should be chance: about one row in twenty
-- has a p_value below 0.05, and none should stay below it as p_bonferroni. One that does would mean that the
-- split was not random or that rows were lost after it, and that no effect measured with it can be trusted.
WITH placebos AS (
  SELECT
    unnest([
      'orders_90d', 'average_basket', 'discount_share', 'tenure_days', 'any offer', 'predicted value'
    ]) AS outcome,
    unnest([
      diff_in_means_ci(orders_90d, loyalty_invited, decisions.household_id),
      diff_in_means_ci(average_basket, loyalty_invited, decisions.household_id),
      diff_in_means_ci(discount_share, loyalty_invited, decisions.household_id),
      diff_in_means_ci(tenure_days, loyalty_invited, decisions.household_id),
      diff_in_means_ci(CASE WHEN action = 'no_offer' THEN 0 ELSE 1 END, loyalty_invited, decisions.household_id),
      diff_in_means_ci(q_value_logged, loyalty_invited, decisions.household_id)
    ]) AS effect
  FROM decisions JOIN users ON decisions.user_id = users.user_id
)
SELECT
  outcome,
  round(effect['estimate'], 4) AS difference,
  round(effect['std_error'], 4) AS std_error,
  round(effect['p_value'], 3) AS p_value,
  round(least(1, 6 * effect['p_value']), 3) AS p_bonferroni
FROM placebos
ORDER BY p_value;
