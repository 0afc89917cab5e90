-- Can users who got an offer be compared with users who got none?
-- Input: decisions, by lifecycle. The propensity is that of any offer.
-- Reading: ess is how many equally weighted users an arm is worth. ok means that both arms have users of
-- like propensity and enough of them. off support, no treated or no controls would mean that some users have
-- nobody to be compared with; starved and thin that a few users stand for many. The mean weight of each arm
-- is 1 up to chance.
SELECT
  segment AS lifecycle,
  n,
  n_control AS without_offer,
  round(ess_treated) AS ess_offered,
  round(ess_control) AS ess_without,
  round(mean_weight_control, 3) AS mean_weight_without,
  round(max_weight_share, 4) AS max_weight_share,
  round(outside_share, 4) AS outside_share,
  verdict
FROM overlap_report(
  decisions,
  treated => action <> 'no_offer', propensity => 1 - propensity_no_offer, segment => lifecycle
)
WHERE bin IS NULL
ORDER BY n DESC;
