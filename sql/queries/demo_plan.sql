-- Who should get which offer, for half of the money that the log's policy spent?
-- Input: offers, offer_caps and decisions. Value and cost are what cate_xlearner predicts beyond no offer.
-- Reading: dollars over 28 days. Offers that cost more than a dollar a dollar of value are not made, discounts of 10
-- go to at most a tenth of the users, and one user in twenty explores, so that the next log can be learned from.
SELECT
  choice,
  count(*) AS users,
  round(sum(value_lift), 2) AS value_lift,
  round(sum(cost_lift), 2) AS cost_lift,
  round(min(allocation_propensity), 4) AS least_propensity
FROM allocate(
  offers, unit => decision_id, action => choice, value => value_lift, cost => cost_lift,
  budget => (SELECT 0.5 * sum(cost) FROM decisions), max_cost_per_value => 1.0, guardrails => offer_caps,
  explore => 0.05, seed => 7
)
GROUP BY choice
ORDER BY choice;
