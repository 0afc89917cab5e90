//! `predict`: what a model says of a row.

use super::adapter::{Argument, Constants, Definition, HEAD, Kind};

pub(super) static DEFINITION: Definition = Definition {
    name: "predict",
    summary: "What a trained model says of a row: an effect, or the mean of an outcome; over bags their mean.",
    details: "Without `unit`, or for a unit that was not in training, this is right; of a unit that was, only a call with `unit` says what was learned without it. With folds these are the members that left the unit's fold out; with folds 1 those whose bag does not have the unit, NULL where every bag has it, and an error where there is one bag. The features must be those of the training by name and type, in any order: a mismatch is an error that names the feature. A level not seen in training is one of its own, NULL is a value. NULL where the model, the struct or the unit is NULL. Bytes that are damaged, foreign or of a newer version are an error. A model from a subquery, as in (SELECT model FROM models), is decoded once; so is each of a join. ",
    holds: "",
    source: "Chernozhukov et al. (2018), \"Double/Debiased Machine Learning for Treatment and Structural Parameters\", for members that have not seen a unit.",
    arguments: &[
        Argument::model(),
        Argument::features(),
        Argument::unit(
            "who the row is about: members of the model that have seen the unit in training do not speak of it; optional",
        ),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[HEAD]),
    example: "\
SELECT user_id, round(predict(model, features(visits), user_id), 1) AS orders
FROM (VALUES (1, 0), (2, 4)) AS users(user_id, visits)
CROSS JOIN (
  SELECT outcome_model(1 + 2 * visits, {'visits': visits}, visits, {'learner': 'linear', 'bags': 5}) AS model
  FROM generate_series(0, 199) AS t(visits));",
    kind: Kind::Prediction {
        returns: "DOUBLE",
        data_type: || datafusion::arrow::datatypes::DataType::Float64,
        column: |said, _| said.means(),
    },
};
