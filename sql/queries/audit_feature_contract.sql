-- Does the last week keep what the weeks before it promise a model that was trained on them?
-- Input: decisions and users; weeks 1 to 3 are the training rows, week 4 the current ones.
-- Reading: one row per promise. A few users beyond the minimum or the maximum are what chance brings: share
-- says how few. A new level, a NULL where there was none, a text that is no number, or a range that many
-- rows leave, would mean that the feature is made differently than at training.
SELECT
  finding,
  feature,
  baseline,
  current,
  violations,
  round(share, 4) AS share,
  round(p_holm, 3) AS p_holm,
  example,
  verdict
FROM feature_contract(
  (SELECT * FROM decisions JOIN users ON decisions.user_id = users.user_id),
  is_current => week = 4,
  features => {
    'orders_90d': orders_90d, 'average_basket': average_basket, 'discount_share': discount_share,
    'recency_days': recency_days, 'tenure_days': tenure_days
  },
  levels => {'lifecycle': decisions.lifecycle, 'channel': decisions.channel}
)
ORDER BY violations DESC, finding, feature;
