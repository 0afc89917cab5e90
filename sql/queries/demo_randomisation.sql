-- Was the loyalty program randomised as designed, 40 % of households invited?
-- Input: decisions, one row per household since households were randomised.
-- Reading: a p_value below 0.001 means that the split is not the one designed and that no effect
-- measured with it can be trusted.
SELECT
  test['n'] AS households,
  round(test['chi2'], 3) AS chi2,
  test['df'] AS df,
  round(test['p_value'], 3) AS p_value
FROM (
  SELECT srm_test(arm, {'invited': 0.4, 'not invited': 0.6}) AS test
  FROM (
    SELECT DISTINCT
      household_id,
      CASE loyalty_invited WHEN 1 THEN 'invited' ELSE 'not invited' END AS arm
    FROM decisions
  )
);
