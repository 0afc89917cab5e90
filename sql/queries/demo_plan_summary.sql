-- What limits the plan, and what would more room be worth?
-- Input: offers, offer_caps and decisions, as for the plan.
-- Reading: shadow_price is the value that one more dollar of budget, or one more user with the offer, would add. The gap is
-- how far, as a share, the plan can be from the best one at most; dropped pairs say what the rule about cost per value costs.
SELECT
  section,
  name,
  verdict,
  round(amount, 10) AS amount,
  round(value, 2) AS value,
  maximum,
  binding,
  round(shadow_price, 3) AS shadow_price
FROM allocation_summary(
  offers, unit => decision_id, action => choice, value => value_lift, cost => cost_lift,
  budget => (SELECT 0.5 * sum(cost) FROM decisions), max_cost_per_value => 1.0, guardrails => offer_caps
)
WHERE section = 'guardrail' OR amount > 0 OR verdict IS NOT NULL
ORDER BY section, name;
