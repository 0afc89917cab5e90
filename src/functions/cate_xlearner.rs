//! `cate_xlearner`: effects by imputing the outcome of the other arm.

use super::adapter::{Argument, Constants, Definition, Kind};
use super::models::EFFECT_OPTIONS;
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_xlearner",
    summary: "Trains a model of the effect of a treatment on each unit, by imputing what the other arm would have done.",
    details: "With mu_0 and mu_1 for the mean outcome of each arm given the features, effects y - mu_0 of the treated and mu_1 - y of the controls are imputed, functions tau_1 and tau_0 are fitted to them, and the effect is e tau_0 + (1 - e) tau_1. e is the propensity: a constant, or as a function of the features that is fitted to it. It trades variance only, so that 0.5 is wrong for no design; the logged one suits arms of different size. A bare NULL in its place fits it. Rows with NULL in an argument are skipped; NULL in a feature is a value. Without rows the model is NULL; too few rows in an arm or fold are an error that names them, and so are features that are not finite. With folds (the default) the member of a fold is trained without the units of the fold, and what its target needs of a row comes from functions that have seen neither the row's fold nor the member's: `predict` with the unit then says of each training unit what was learned without it. Folds and bags are drawn by hash of seed and unit, without unit by hash of seed and the row's values; the same rows give the same model in any order and partitioning.",
    holds: "treatment is as good as random given the features, both arms occur everywhere, and one unit's treatment does not change another's outcome.",
    source: "Künzel, Sekhon, Bickel and Yu (2019), \"Metalearners for Estimating Heterogeneous Treatment Effects Using Machine Learning\", PNAS.",
    arguments: &[
        Argument::heads(),
        Argument::treated(),
        Argument::treated_propensity(),
        Argument::features(),
        Argument::unit(super::models::TRAINING_UNIT),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(EFFECT_OPTIONS),
    example: "\
SELECT round(predict(model, {'visits': visits}), 6) AS effect
FROM (VALUES (0), (4)) AS users(visits)
CROSS JOIN (
  SELECT cate_xlearner(orders, treated, 0.5, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM (SELECT i % 2 AS treated, (i / 2) % 5 AS visits, (i / 2) % 5 + (i % 2) * (1 + (i / 2) % 5) AS orders
    FROM generate_series(0, 99) AS t(i)));",
    kind: Kind::Training { method: Method::X },
};
