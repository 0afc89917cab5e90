//! `propensity_model`: the probability of a treatment given features.

use super::adapter::{Argument, Constants, Definition, Kind};
use super::models::PROPENSITY_OPTIONS;
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "propensity_model",
    summary: "Trains a model of the probability of a treatment, or of anything that is 0 or 1, given features.",
    details: "The outcome is 0 or 1, or a boolean; what `predict` says is a probability inside (0, 1). Log-odds are fitted by \
        boosting or logistic regression, and calibrated by a curve that is fitted to what each member says of the units it \
        has not seen: Platt's logistic one, or the closest one that rises (isotonic). Rows with NULL in an argument are skipped; NULL in a feature is a value. Without rows the model is NULL; too few rows in an arm or fold are an error that names them, and so are features that are not finite. With folds (the default) the member of a fold is trained without the units of the fold, and what its target needs of a row comes from functions that have seen neither the row's fold nor the member's: `predict` with the unit then says of each training unit what was learned without it. Folds and bags are drawn by hash of seed and unit, without unit by hash of seed and the row's values; the same rows give the same model in any order and partitioning.",
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
