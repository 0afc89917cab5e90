//! `cate_rlearner`: effects by regressing residuals on residuals.

use super::adapter::{Argument, Constants, Definition, Kind};
use super::models::EFFECT_OPTIONS;
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_rlearner",
    summary: "Trains a model of the effect of a treatment on each unit, from what features explain neither of outcome nor treatment.",
    details: "With m for the mean outcome of both arms and e for the propensity, the effect is the function of the features that is fitted to (y - m) / (t - e) with weight (t - e)^2. A bare NULL in place of the propensity fits it. Rows with NULL in an argument are skipped; NULL in a feature is a value. Without rows the model is NULL; too few rows in an arm or fold are an error that names them, and so are features that are not finite. With folds (the default) the member of a fold is trained without the units of the fold, and what its target needs of a row comes from functions that have seen neither the row's fold nor the member's: `predict` with the unit then says of each training unit what was learned without it. Folds and bags are drawn by hash of seed and unit, without unit by hash of seed and the row's values; the same rows give the same model in any order and partitioning.",
    holds: "treatment is as good as random given the features, both arms occur everywhere, and one unit's treatment does not change another's outcome.",
    source: "Nie and Wager (2021), \"Quasi-Oracle Estimation of Heterogeneous Treatment Effects\", Biometrika.",
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
  SELECT cate_rlearner(orders, treated, 0.5, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM (SELECT i % 2 AS treated, (i / 2) % 5 AS visits, (i / 2) % 5 + (i % 2) * (1 + (i / 2) % 5) AS orders
    FROM generate_series(0, 99) AS t(i)));",
    kind: Kind::Training { method: Method::R },
};
