-- What is learned from the demo campaign, one row each per:
--   trials           offer and decision that took it or no offer: what models of the offer's effect learn from
--   effect_models    offer: a model of its effects on value and cost
--   outcome_models   action: a model of value and cost under it
--   offers           decision and offer that could be made: predicted value and cost beyond no offer, in dollars
--   predictions      decision and action that could be taken: predicted value and cost, in dollars
-- Households are the units: what is predicted for a user was learned from other households.
CREATE OR REPLACE VIEW trials AS
  SELECT
    choice, decision_id, profiles.household_id, profile, value, cost, action = choice AS treated,
    propensity_choice / (propensity_choice + propensity_no_offer) AS offer_propensity
  FROM (
    SELECT
      *,
      CASE choice
        WHEN 'free_delivery' THEN propensity_free_delivery
        WHEN 'discount_5' THEN propensity_discount_5
        WHEN 'discount_10' THEN propensity_discount_10
        WHEN 'cashback' THEN propensity_cashback
      END AS propensity_choice
    FROM choices
    WHERE choice <> 'no_offer' AND action IN (choice, 'no_offer')
  ) AS tried
  JOIN profiles ON profiles.user_id = tried.user_id;

CREATE OR REPLACE TABLE effect_models AS
  SELECT
    choice,
    cate_xlearner({'value': value, 'cost': cost}, treated, offer_propensity, profile, household_id) AS model
  FROM trials
  GROUP BY choice;

CREATE OR REPLACE TABLE outcome_models AS
  SELECT action, outcome_model({'value': value, 'cost': cost}, profile, profiles.household_id) AS model
  FROM decisions JOIN profiles ON profiles.user_id = decisions.user_id
  GROUP BY action;

CREATE OR REPLACE TABLE offers AS
  SELECT
    decision_id, choice,
    predict(model, profile, profiles.household_id, {'head': 'value'}) AS value_lift,
    predict(model, profile, profiles.household_id, {'head': 'cost'}) AS cost_lift
  FROM decisions JOIN profiles ON profiles.user_id = decisions.user_id CROSS JOIN effect_models;

CREATE OR REPLACE TABLE predictions AS
  SELECT
    decision_id, outcome_models.action AS choice,
    predict(model, profile, profiles.household_id, {'head': 'value'}) AS q_value,
    predict(model, profile, profiles.household_id, {'head': 'cost'}) AS q_cost
  FROM decisions JOIN profiles ON profiles.user_id = decisions.user_id CROSS JOIN outcome_models;
