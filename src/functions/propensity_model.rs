//! `propensity_model`: the probability of a treatment given features.

use super::adapter::{Argument, Constants, Definition, Kind};
use super::models::PROPENSITY_OPTIONS;
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "propensity_model",
    summary: "Trains a model of the probability of a treatment, or of anything that is 0 or 1, given features.",
    details: "The outcome is 0 or 1, or a boolean; what `predict` says is a probability inside (0, 1). Log-odds are fitted by \
        boosting or logistic regression, and calibrated by a curve that is fitted to what each member says of the units it \
        has not seen: Platt's logistic one, or the closest one that rises (isotonic).",
    holds: "",
    source: "Platt (1999), \"Probabilistic Outputs for Support Vector Machines\"; Zadrozny and Elkan (2002), \"Transforming \
        Classifier Scores into Accurate Multiclass Probability Estimates\".",
    arguments: &[
        Argument::heads(),
        Argument::features(),
        Argument::unit(super::models::TRAINING_UNIT),
        Argument::weight().optional(1.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(PROPENSITY_OPTIONS),
    example: "\
SELECT round(predict(model, {'visits': visits}), 3) AS propensity
FROM (VALUES (0), (1)) AS users(visits)
CROSS JOIN (
  SELECT propensity_model(CASE WHEN i % 4 = 0 THEN 1 ELSE visits END, {'visits': visits}, {'learner': 'linear', 'folds': 1}) AS model
  FROM (SELECT i, i % 2 AS visits FROM generate_series(0, 199) AS t(i)) AS log
  WHERE i % 10 <> 1);",
    kind: Kind::Training { method: Method::Propensity },
};
