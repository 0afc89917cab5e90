//! `cate_drlearner`: effects by regressing doubly robust scores.

use super::adapter::{Constants, Definition, Kind};
use super::models::{EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS};
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_drlearner",
    summary: "Trains a model of the effect of a treatment on each unit, from doubly robust scores.",
    details: "With mu_0 and mu_1 for the mean outcome of each arm and e for the propensity, the effect is the function of the features that is fitted to mu_1 - mu_0 + t (y - mu_1) / e - (1 - t) (y - mu_0) / (1 - e). A bare NULL in place of the propensity fits it; it is then kept inside of [0.01, 0.99].",
    holds: EFFECT_HOLDS,
    source: "Kennedy (2023), \"Towards Optimal Doubly Robust Estimation of Heterogeneous Causal Effects\", Electronic Journal of Statistics.",
    arguments: EFFECT_ARGUMENTS,
    short_form: &[],
    clustered: false,
    constants: Constants::Options(EFFECT_OPTIONS),
    example: "\
SELECT round(predict(model, {'visits': visits}), 6) AS effect
FROM (VALUES (0), (4)) AS users(visits)
CROSS JOIN (
  SELECT cate_drlearner(orders, treated, 0.5, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM (SELECT i % 2 AS treated, (i / 2) % 5 AS visits, (i / 2) % 5 + (i % 2) * (1 + (i / 2) % 5) AS orders
    FROM generate_series(0, 99) AS t(i)));",
    kind: Kind::Training { method: Method::Dr },
};
