-- Do users pay back more of their incentives when they are invited to the loyalty program?
-- Input: decisions. Incentive paid per dollar of value, of invited users against the others: a ratio of two
-- totals, so that users without orders count as well.
-- Reading: dollars of incentive per dollar of value. The program adds value and pays no incentives of its
-- own, so that difference should be below zero; the difference in cost, given beside it, should be chance. A
-- difference above zero would mean that the program's value is bought with offers.
WITH effects AS (
  SELECT
    sum(cost) FILTER (WHERE loyalty_invited = 1) / sum(value) FILTER (WHERE loyalty_invited = 1) AS invited,
    sum(cost) FILTER (WHERE loyalty_invited = 0) / sum(value) FILTER (WHERE loyalty_invited = 0) AS others,
    ratio_diff_ci(cost, value, loyalty_invited, household_id) AS rate,
    diff_in_means_ci(cost, loyalty_invited, household_id) AS paid
  FROM decisions
)
SELECT
  round(invited, 4) AS invited,
  round(others, 4) AS others,
  round(rate['estimate'], 4) AS difference,
  round(rate['ci_low'], 4) AS ci_low,
  round(rate['ci_high'], 4) AS ci_high,
  round(rate['p_value'], 4) AS p_value,
  round(paid['estimate'], 3) AS cost_difference,
  round(paid['p_value'], 3) AS cost_p_value
FROM effects
ORDER BY difference;
