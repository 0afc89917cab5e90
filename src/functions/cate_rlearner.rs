//! `cate_rlearner`: effects by regressing residuals on residuals.

use super::adapter::{Constants, Definition, Kind};
use super::models::{EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS};
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_rlearner",
    summary: "Trains a model of the effect of a treatment on each unit, from what features explain neither of outcome nor treatment.",
    details: "With m for the mean outcome of both arms and e for the propensity, the effect is the function of the features that is fitted to (y - m) / (t - e) with weight (t - e)^2. A bare NULL in place of the propensity fits it; it is then kept inside of [0.01, 0.99].",
    holds: EFFECT_HOLDS,
    source: "Nie and Wager (2021), \"Quasi-Oracle Estimation of Heterogeneous Treatment Effects\", Biometrika.",
    arguments: EFFECT_ARGUMENTS,
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
