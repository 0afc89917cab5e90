//! `cate_slearner`: effects as what a treatment changes in one outcome function.

use super::adapter::{Constants, Definition, Kind};
use super::models::{EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS};
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_slearner",
    summary: "Trains a model of the effect of a treatment on each unit, as what it changes in one function of features and treatment.",
    details: "The effect is mu(x, 1) - mu(x, 0) of one function of the features and the treatment. It shrinks effects, and a linear function has one effect for all: a baseline for the others. The propensity takes no part but in weights.",
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
  SELECT cate_slearner(orders, treated, 0.5, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM (SELECT i % 2 AS treated, (i / 2) % 5 AS visits, (i / 2) % 5 + (i % 2) * (1 + (i / 2) % 5) AS orders
    FROM generate_series(0, 99) AS t(i)));",
    kind: Kind::Training { method: Method::S },
};
