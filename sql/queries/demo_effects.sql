-- What does each offer do to each user, and is that learned better than it was guessed?
-- Input: offers, what cate_xlearner learned from the log, choices, what the outcome model in the log says, and expected, the
-- true means.
-- Reading: dollars over 28 days beyond no offer. Mean effects should be near the true ones. error is the root mean squared
-- distance from the true effects of users, correlation that with them: larger is better at telling users apart. Only a
-- simulation knows them; demo_uplift_report.sql asks the log instead.
WITH effects AS (
  SELECT
    offers.choice,
    value_lift,
    cost_lift,
    q_value_choice - q_value_no_offer AS logged_lift,
    offered.value - none.value AS true_lift,
    offered.cost AS true_cost
  FROM offers
  JOIN choices ON choices.decision_id = offers.decision_id AND choices.choice = offers.choice
  JOIN expected AS offered ON offered.decision_id = offers.decision_id AND offered.action = offers.choice
  JOIN expected AS none ON none.decision_id = offers.decision_id AND none.action = 'no_offer'
)
SELECT
  choice,
  round(avg(value_lift), 3) AS value_lift,
  round(avg(true_lift), 3) AS true_value_lift,
  round(avg(cost_lift), 3) AS cost_lift,
  round(avg(true_cost), 3) AS true_cost_lift,
  round(sqrt(avg(power(value_lift - true_lift, 2))), 3) AS error,
  round(sqrt(avg(power(logged_lift - true_lift, 2))), 3) AS error_of_log,
  round(corr(value_lift, true_lift), 3) AS correlation,
  round(corr(logged_lift, true_lift), 3) AS correlation_of_log
FROM effects
GROUP BY choice
ORDER BY choice;
