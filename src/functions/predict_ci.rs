//! `predict_ci`: what a model says of a row, and how far its bags differ.

use super::adapter::{Argument, BAG_ALPHA, Column, Constants, Definition, HEAD, Kind};
use super::models::Spread;

pub(super) static DEFINITION: Definition = Definition {
    name: "predict_ci",
    summary: "What a trained model says of a row, with the spread over its bags.",
    details: "Without `unit`, or for a unit that was not in training, this is right; of a unit that was, only a call with `unit` says what was learned without it. With folds these are the members that left the unit's fold out; with folds 1 those whose bag does not have the unit, NULL where every bag has it, and an error where there is one bag. The features must be those of the training by name and type, in any order: a mismatch is an error that names the feature. A level not seen in training is one of its own, NULL is a value. NULL where the model, the struct or the unit is NULL. Bytes that are damaged, foreign or of a newer version are an error. A model from a subquery, as in (SELECT model FROM models), is decoded once; so is each of a join. The bounds are quantiles over the bags: how far the model depends on the units that were drawn. They are no confidence interval: what all bags have wrong they do not show. bag_sd and bounds are NULL with fewer than two bags.",
    holds: "",
    source: "Breiman (1996), \"Bagging Predictors\", Machine Learning.",
    arguments: &[
        Argument::model(),
        Argument::features(),
        Argument::unit(
            "who the row is about: members of the model that have seen the unit in training do not speak of it; optional",
        ),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[HEAD, BAG_ALPHA]),
    example: "\
SELECT user_id, predict_ci(model, features(visits), user_id)['bag_sd'] < 1 AS is_sure
FROM (VALUES (1, 0), (2, 4)) AS users(user_id, visits)
CROSS JOIN (
  SELECT outcome_model(1 + 2 * visits, {'visits': visits}, visits, {'learner': 'linear', 'bags': 5}) AS model
  FROM generate_series(0, 199) AS t(visits));",
    kind: Kind::Prediction {
        returns: "STRUCT(estimate, bag_sd, bag_low, bag_high DOUBLE)",
        data_type: Spread::data_type,
        column: |said, options| Spread::column(&said.spreads(options.number(&BAG_ALPHA))),
    },
};
