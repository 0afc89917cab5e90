-- Would another goal make offers to other users?
-- Input: decisions and users. The users ranked by the predicted effect of discount_10 on value, against
-- other rankings of the same users: by what it adds after its cost, by value per dollar of cost, by the
-- effect of another offer, and by how much they order anyway.
-- Reading: 1 is the same ranking, 0 an unrelated one; top_overlap is the share of users in both top tenths
-- among those in either. Where it is near 1, the goals can share one list; where it is low, choose the goal
-- before the users. Two models of one goal, such as of two months, should be near 1.
WITH rankings AS (
  SELECT
    unnest(['net value', 'value per cost', 'effect of free_delivery', 'most orders']) AS other,
    unnest([
      rank_stability(effect, effect - q_cost_discount_10),
      rank_stability(effect, effect / q_cost_discount_10),
      rank_stability(effect, q_value_free_delivery - q_value_no_offer),
      rank_stability(effect, orders_90d)
    ]) AS result
  FROM (
    SELECT *, q_value_discount_10 - q_value_no_offer AS effect
    FROM decisions JOIN users ON decisions.user_id = users.user_id
  )
)
SELECT
  other AS other_ranking,
  round(result['spearman'], 3) AS spearman,
  round(result['kendall_tau'], 3) AS kendall_tau,
  round(result['top_overlap'], 3) AS top_overlap
FROM rankings
ORDER BY spearman DESC;
