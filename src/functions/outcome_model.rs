//! `outcome_model`: the mean of an outcome given features.

use super::adapter::{Argument, Constants, Definition, Kind};
use super::models::OUTCOME_OPTIONS;
use crate::learners::Method;

pub(super) static DEFINITION: Definition = Definition {
    name: "outcome_model",
    summary: "Trains a model of the mean of an outcome given features.",
    details: "What `predict` says of a training unit with its unit was learned without it, as estimators such as `dr_policy_value` and `aipw_ate` need of q and mu.",
    holds: "",
    source: "Chernozhukov et al. (2018), \"Double/Debiased Machine Learning for Treatment and Structural Parameters\", Econometrics Journal, for the folds.",
    arguments: &[
        Argument::heads(),
        Argument::features(),
        Argument::unit(super::models::TRAINING_UNIT),
        Argument::weight().optional(1.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(OUTCOME_OPTIONS),
    example: "\
SELECT round(predict(model, {'visits': visits}), 6) AS orders
FROM (VALUES (0), (4)) AS users(visits)
CROSS JOIN (
  SELECT outcome_model(1 + 2 * visits, {'visits': visits}, {'learner': 'linear', 'folds': 1, 'l2': 0}) AS model
  FROM generate_series(0, 19) AS t(visits));",
    kind: Kind::Training { method: Method::Outcome },
};
