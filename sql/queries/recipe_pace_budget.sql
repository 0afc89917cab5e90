-- How much may each of four weekly allocations hand out so that a quarter's incentives stay under their cap?
-- Input: none of the demo's; the quarter's redemptions stand below, as they were known week by week: for each
-- weekly cohort what it was assigned (the liability, what it is expected to cost in all) and what it redeemed at
-- each age in weeks. Put a table of redemptions with cohort, age, amount and liability in the place of history.
-- The quarter has weeks 13 to 25; the cap is 14,500. The allocations are those of weeks 21 to 24: each is paced
-- with what was known at the end of the week before. Three numbers make a budget: what is still to come of
-- earlier cohorts in the weeks left (in_period_spend), the share of new ones that is redeemed by the end of the
-- quarter (redemption_curve; its error is the curve's, to which the scatter of single cohorts comes), and how far such predictions have been off (bias_factor over earlier cohorts).
-- Reading: with the budget assigned now, and as much again in each allocation that follows, the quarter stays
-- under its cap with probability 0.9. The room is what the cap leaves after what was spent. A budget of 0: stop
-- assigning, earlier cohorts alone may break the cap. Less of a late cohort is redeemed within the quarter, so
-- budgets can grow towards its end; NULL would say that nothing of it is. What is assigned now is spent in the
-- next quarter too: give that quarter a cap of its own.
WITH cohorts AS (
  -- Cohorts of a size that varies, and how much of it comes at ages 0 to 5.
  SELECT value AS cohort, 900.0 + 40 * (value * 7 % 11) AS liability FROM range(1, 24)
),
history AS (
  SELECT
    cohort,
    age,
    liability,
    -- 5 % more than expected is redeemed, with some noise.
    round(1.05 * liability * pattern[age + 1] * (1 + 0.12 * sin(5.0 * cohort + 3.0 * age)), 2) AS amount
  FROM (
    SELECT cohort, liability, unnest(range(0, 6)) AS age, [0.32, 0.27, 0.18, 0.12, 0.07, 0.04] AS pattern FROM cohorts
  )
),
allocations AS (
  SELECT value AS week, value - 1 AS known, 25 - value + 1 AS weeks_left FROM range(21, 25)
),
seen AS (
  SELECT week, weeks_left, cohort, age, amount, liability
  FROM allocations JOIN history ON cohort + age <= known
),
-- The last eight cohorts whose redemptions are over, whatever was predicted of them when they were assigned.
done AS (
  SELECT week, bias_factor_ci(realised, liability) AS bias
  FROM (
    SELECT week, cohort, liability, sum(amount) AS realised
    FROM seen
    GROUP BY week, cohort, liability
    HAVING max(age) = 5 AND cohort > week - 14
  )
  GROUP BY week
),
shares AS (
  -- The allocations of this week to week 24 reach ages 25 - week to 1 by the end of the quarter: what is redeemed of
  -- them by then, on average. The errors are those of one curve, so they do not average out.
  SELECT week, count(*) AS allocations, avg(point['share']) AS share, avg(point['share_std_error']) AS share_std_error
  FROM (
    SELECT week, unnest(redemption_curve(cohort, age, amount, {'expiry': 5})) AS point FROM seen GROUP BY week
  )
  WHERE point['age'] BETWEEN 1 AND 25 - week
  GROUP BY week
),
scatter AS (
  -- How far single cohorts are from their mean at these ages, by the cohorts of done; those of the allocations to come
  -- are independent.
  SELECT week, sqrt(sum(variance)) / count(*) AS scatter
  FROM (
    SELECT week, age, var_samp(redeemed / liability) AS variance
    FROM (
      SELECT week, cohort, age, liability, sum(amount) OVER (PARTITION BY week, cohort ORDER BY age) AS redeemed
      FROM seen
      WHERE cohort + 5 < week AND cohort > week - 14
    )
    WHERE age BETWEEN 1 AND 25 - week
    GROUP BY week, age
  )
  GROUP BY week
),
spend AS (
  -- By Bornhuetter-Ferguson, in parts of the liability like what is assigned now, so that both have its bias.
  -- Options are constants: one projection for each number of weeks that can be left.
  SELECT
    week,
    weeks_left,
    sum(amount) FILTER (WHERE cohort + age >= 13) AS spent,
    CASE weeks_left
      WHEN 5 THEN in_period_spend(cohort, age, amount, liability, {'expiry': 5, 'periods': 5, 'method': 'bornhuetter_ferguson'})
      WHEN 4 THEN in_period_spend(cohort, age, amount, liability, {'expiry': 5, 'periods': 4, 'method': 'bornhuetter_ferguson'})
      WHEN 3 THEN in_period_spend(cohort, age, amount, liability, {'expiry': 5, 'periods': 3, 'method': 'bornhuetter_ferguson'})
      ELSE in_period_spend(cohort, age, amount, liability, {'expiry': 5, 'periods': 2, 'method': 'bornhuetter_ferguson'})
    END AS rest
  FROM seen
  GROUP BY week, weeks_left
)
SELECT
  spend.week,
  allocations,
  round(14500 - spent, 2) AS room,
  round(rest['estimate'], 2) AS to_come,
  round(rest['std_error'], 2) AS to_come_std_error,
  round(share, 4) AS share,
  round(sqrt(power(share_std_error, 2) + power(scatter, 2)), 4) AS share_std_error,
  round(bias['estimate'], 4) AS bias,
  round(bias['shrunk'], 4) AS bias_shrunk,
  round(
    pacer_budget(
      greatest(14500 - spent, 0.0),
      rest['estimate'], rest['std_error'],
      share, sqrt(power(share_std_error, 2) + power(scatter, 2)),
      -- Shrinking takes from the error, too: the prior's 0.25 and the data's together.
      bias['shrunk'], 1 / sqrt(1 / power(bias['std_error'], 2) + 1 / power(0.25, 2)),
      {'quantile': 0.9}
    ) / allocations,
    2
  ) AS budget
FROM spend
JOIN done ON done.week = spend.week
JOIN shares ON shares.week = spend.week
JOIN scatter ON scatter.week = spend.week
ORDER BY spend.week;
