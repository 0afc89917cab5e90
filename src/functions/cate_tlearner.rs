//! `cate_tlearner`: effects as the difference of two outcome functions.

use super::adapter::{Constants, Definition, Kind};
use super::models::{EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS};
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_tlearner",
    summary: "Trains a model of the effect of a treatment on each unit, as the difference of what is predicted of each arm.",
    details: "The effect is mu_1 - mu_0, functions of the features fitted to the outcomes of each arm. The propensity takes no part but in weights.",
    holds: EFFECT_HOLDS,
    source: "Künzel, Sekhon, Bickel and Yu (2019), \"Metalearners for Estimating Heterogeneous Treatment Effects Using Machine Learning\", PNAS.",
    arguments: EFFECT_ARGUMENTS,
    short_form: &[],
    clustered: false,
    constants: Constants::Options(EFFECT_OPTIONS),
    example: "\
SELECT round(predict(model, {'visits': visits}), 6) AS effect
FROM (VALUES (0), (4)) AS users(visits)
CROSS JOIN (
  SELECT cate_tlearner(orders, treated, 0.5, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM (SELECT i % 2 AS treated, (i / 2) % 5 AS visits, (i / 2) % 5 + (i % 2) * (1 + (i / 2) % 5) AS orders
    FROM generate_series(0, 99) AS t(i)));",
    kind: Kind::Training { method: Method::T },
};
