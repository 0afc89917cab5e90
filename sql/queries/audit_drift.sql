-- Are the users of the last week like those of the first?
-- Input: decisions and users; week 1 is the baseline.
-- Reading: one row per feature and measure. stable means that the drift is smaller than what matters;
-- shifted and drifted that a feature has moved, and that what was learned before may not hold; unclear that
-- it looks so, but may be chance. This campaign draws its users evenly over the weeks: only small samples
-- show anything else.
SELECT
  feature,
  measure,
  round(statistic, 4) AS statistic,
  round(p_value, 4) AS p_value,
  round(p_holm, 3) AS p_holm,
  levels,
  verdict
FROM drift_report(
  (SELECT * FROM decisions JOIN users ON decisions.user_id = users.user_id WHERE week IN (1, 4)),
  is_current => week = 4,
  features => {'orders_90d': orders_90d, 'average_basket': average_basket, 'discount_share': discount_share},
  levels => {'lifecycle': decisions.lifecycle, 'channel': decisions.channel}
)
WHERE measure IN ('psi', 'ks', 'mean', 'null rate', 'new levels')
ORDER BY feature, measure;
