-- Which offers are not worth considering, whatever the budget?
-- Input: offers.
-- Reading: pairs of a user and an offer by what prune_reason says of their predicted value and cost, an offer costing at most
-- a dollar a dollar of value; considered are those that it leaves. value_lift is what the pairs would add in sum.
SELECT
  choice,
  coalesce(prune_reason(value_lift, cost_lift, 1.0), 'considered') AS reason,
  count(*) AS pairs,
  round(sum(value_lift), 2) AS value_lift,
  round(sum(cost_lift), 2) AS cost_lift
FROM offers
GROUP BY choice, reason
ORDER BY choice, reason;
