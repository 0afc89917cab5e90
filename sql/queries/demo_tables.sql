-- The tables of the demo campaign, one row each per:
--   users         user, with what was known before the campaign
--   decisions     decision: the action logged with its propensity, the outcome over 28 days in dollars
--                 (value is margin, cost is incentive paid), an outcome model's predictions (q_…)
--   policies      decision and policy: the probability of the logged action, the policy's prediction
--   truth         quantity that is known exactly, since the campaign is simulated
--   expected      decision and action: the true means of value and cost, which no real log has
--   profiles      user: the features that models learn from
--   choices       decision and action that could have been taken, with its prediction
--   evaluations   decision and policy, with everything a policy's value needs
--   offer_caps    guardrail of the next plan: discounts of 10 to at most a tenth of the users
CREATE OR REPLACE VIEW users AS SELECT * FROM 'causal-demo/users.parquet';
CREATE OR REPLACE VIEW decisions AS SELECT * FROM 'causal-demo/decisions/';
CREATE OR REPLACE VIEW policies AS SELECT * FROM 'causal-demo/policies.parquet';
CREATE OR REPLACE VIEW truth AS SELECT * FROM 'causal-demo/truth.parquet';
CREATE OR REPLACE VIEW expected AS SELECT * FROM 'causal-demo/expected.parquet';

CREATE OR REPLACE VIEW profiles AS
  SELECT
    user_id, household_id,
    features(lifecycle, channel, recency_days, tenure_days, orders_90d, average_basket, discount_share) AS profile
  FROM users;

CREATE OR REPLACE VIEW choices AS
  SELECT *, 'no_offer' AS choice, q_value_no_offer AS q_value_choice, q_cost_no_offer AS q_cost_choice FROM decisions
  UNION ALL
  SELECT *, 'free_delivery' AS choice, q_value_free_delivery AS q_value_choice, q_cost_free_delivery AS q_cost_choice FROM decisions
  UNION ALL
  SELECT *, 'discount_5' AS choice, q_value_discount_5 AS q_value_choice, q_cost_discount_5 AS q_cost_choice FROM decisions
  UNION ALL
  SELECT *, 'discount_10' AS choice, q_value_discount_10 AS q_value_choice, q_cost_discount_10 AS q_cost_choice FROM decisions
  UNION ALL
  SELECT *, 'cashback' AS choice, q_value_cashback AS q_value_choice, q_cost_cashback AS q_cost_choice FROM decisions;

CREATE OR REPLACE VIEW evaluations AS
  SELECT
    policy, decisions.household_id, value, cost, value - cost AS net_value, propensity, target_prob,
    q_value_logged, q_value_target, q_cost_logged, q_cost_target,
    q_value_logged - q_cost_logged AS q_logged, q_value_target - q_cost_target AS q_target
  FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id;

CREATE OR REPLACE VIEW offer_caps AS
  SELECT 'choice' AS dimension, 'discount_10' AS member, 'count' AS measure, NULL AS minimum, floor(count(*) / 10.0) AS maximum
  FROM decisions;
