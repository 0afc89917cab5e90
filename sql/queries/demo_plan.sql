-- Who should get which offer, for half of the money that the log's policy spent?
-- Input: choices and decisions. Value and cost are what the outcome model predicts beyond no offer.
-- Reading: dollars over 28 days. Offers that cost more than a dollar a dollar of value are not made, discounts of 10
-- go to at most a tenth of the users, and one user in twenty explores, so that the next log can be learned from.
SELECT
  choice,
  count(*) AS users,
  round(sum(q_value_choice - q_value_no_offer), 2) AS value_lift,
  round(sum(q_cost_choice - q_cost_no_offer), 2) AS cost_lift,
  round(min(allocation_propensity), 4) AS least_propensity
FROM allocate(
  (SELECT * FROM choices WHERE choice <> 'no_offer'),
  unit => decision_id, action => choice,
  value => q_value_choice - q_value_no_offer, cost => q_cost_choice - q_cost_no_offer,
  budget => (SELECT 0.5 * sum(cost) FROM decisions), max_cost_per_value => 1.0,
  guardrails => (SELECT 'choice' AS dimension, 'discount_10' AS member, 'count' AS measure, NULL AS minimum,
    floor(count(*) / 10.0) AS maximum FROM decisions),
  explore => 0.05, seed => 7
)
GROUP BY choice
ORDER BY choice;
