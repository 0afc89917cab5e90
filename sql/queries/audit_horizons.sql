-- How soon can the incentives that a campaign pays be read?
-- Input: decisions. An incentive is paid when an offer is redeemed, so that what was paid after 7, 14 and 21
-- days is part of what is paid after 28. Any offer against none; amounts of users who got one are weighted
-- by the mean propensity over their own, so that they stand for all users, as if offers were randomised
-- evenly.
-- Reading: dollars per user. share is the part of the final cost that the window has seen: a budget that was
-- set by what 7 days had cost would be overrun by the rest. misses part means that the final cost cannot be
-- told from the window's alone, because what comes later is paid to users who had been paid nothing yet;
-- reliable that it could be, but for chance. Read the final cost as cost so far over share.
WITH paid AS (
  SELECT
    household_id,
    action <> 'no_offer' AS offered,
    cost * avg(1 - propensity_no_offer) OVER () / (1 - propensity_no_offer) AS cost,
    decided_at,
    redeemed_at
  FROM decisions
)
SELECT
  horizon,
  n,
  round(effect, 3) AS effect,
  round(std_error, 3) AS std_error,
  round(share_of_long, 3) AS share,
  round(share_low, 3) AS share_low,
  round(share_high, 3) AS share_high,
  round(surrogate_gap, 3) AS surrogate_gap,
  verdict
FROM horizon_reliability(
  paid,
  horizons => {
    'day 7': CASE WHEN redeemed_at < decided_at + INTERVAL '7 days' THEN cost ELSE 0.0 END,
    'day 14': CASE WHEN redeemed_at < decided_at + INTERVAL '14 days' THEN cost ELSE 0.0 END,
    'day 21': CASE WHEN redeemed_at < decided_at + INTERVAL '21 days' THEN cost ELSE 0.0 END,
    'day 28': cost
  },
  treated => offered, cluster => household_id
)
ORDER BY position;
