//! `cate_xlearner`: effects by imputing the outcome of the other arm.

use super::adapter::{Constants, Definition, Kind};
use super::models::{EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS};
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "cate_xlearner",
    summary: "Trains a model of the effect of a treatment on each unit, by imputing what the other arm would have done.",
    details: "With mu_0 and mu_1 for the mean outcome of each arm given the features, effects y - mu_0 of the treated and mu_1 - y of the controls are imputed, functions tau_1 and tau_0 are fitted to them, and the effect is e tau_0 + (1 - e) tau_1. e is the propensity: a constant, or as a function of the features that is fitted to it. It trades variance only, so that 0.5 is wrong for no design; the logged one suits arms of different size. A bare NULL in its place fits it.",
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
  SELECT cate_xlearner(orders, treated, 0.5, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM (SELECT i % 2 AS treated, (i / 2) % 5 AS visits, (i / 2) % 5 + (i % 2) * (1 + (i / 2) % 5) AS orders
    FROM generate_series(0, 99) AS t(i)));",
    kind: Kind::Training { method: Method::X },
};
