-- What was offered, and who took it up?
-- Input: decisions.
-- Reading: an offer that is not redeemed costs nothing and changes nothing. Many redeem late: a week's
-- spend is not the campaign's. The means are of different users, so they do not say what an offer does.
SELECT
  action,
  count(*) AS decisions,
  round(avg(redeemed), 3) AS redeemed,
  round(avg(CASE WHEN redeemed_at < decided_at + INTERVAL '7 days' THEN 1 ELSE 0 END), 3) AS within_7_days,
  round(avg(value), 2) AS mean_value,
  round(avg(cost), 2) AS mean_cost
FROM decisions
GROUP BY action
ORDER BY mean_cost;
