-- Are the groups that will be compared alike?
-- Input: decisions and users. Standardised mean differences, of users invited to the loyalty program
-- against the others, and of users given any offer against no offer, as logged and weighted by one
-- over the propensity.
-- Reading: beyond 0.1 is unlike. Invitations were randomised evenly; offers were skewed to users of
-- high predicted value, which the weights undo.
WITH covariates AS (
  SELECT
    loyalty_invited,
    action <> 'no_offer' AS offered,
    CASE WHEN action = 'no_offer' THEN 1 / propensity_no_offer ELSE 1 / (1 - propensity_no_offer) END AS weight,
    unnest([
      {'name': 'average_basket', 'x': average_basket},
      {'name': 'discount_share', 'x': discount_share},
      {'name': 'orders_90d', 'x': CAST(orders_90d AS DOUBLE)},
      {'name': 'tenure_days', 'x': CAST(tenure_days AS DOUBLE)}
    ]) AS covariate
  FROM decisions JOIN users ON decisions.user_id = users.user_id
)
SELECT
  covariate['name'] AS covariate,
  round(smd(covariate['x'], loyalty_invited), 3) AS invited,
  round(smd(covariate['x'], offered), 3) AS offered,
  round(smd(covariate['x'], offered, weight), 3) AS offered_weighted
FROM covariates
GROUP BY covariate['name']
ORDER BY offered DESC;
