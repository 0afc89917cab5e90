//! `aucc`: how much of the value a ranking brings before how much of the cost.

use super::adapter::{
    ALPHA, BoundAggregate, Constants, Definition, Kind, ON_INVALID, PLAIN_INTERVAL, SCORES,
};
use super::ranking;
use crate::estimators::{Aucc, InCluster, Independent, OverRows};

pub(super) static DEFINITION: Definition = Definition {
    name: "aucc",
    summary: "Area under the cost curve: 0.5 for a ranking by chance, towards 1 when the value comes before the cost.",
    details: "Estimator: the area under added value over added cost, each divided by its total, rows being treated by \
        prediction, largest first; rows of equal predictions together. The p-value is NULL: compare \
        the interval with 0.5. NULL unless both total effects are positive.",
    holds: ranking::HOLDS,
    source: "Du, Lee and Ghaffarizadeh (2019).",
    arguments: ranking::COST_ARGUMENTS,
    short_form: ranking::COST_SHORT_FORM,
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, PLAIN_INTERVAL, SCORES]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT aucc_ci(prediction, value, cost, treated, 0.5) AS r
  FROM (VALUES (0.9, 5, 1, 1), (0.8, 1, 0, 0), (0.7, 4, 1, 1), (0.6, 0, 0, 0), (0.5, 3, 1, 1), (0.4, 2, 0, 0), (0.3, 2, 2, 1), (0.2, 1, 0, 0))
  AS holdout(prediction, value, cost, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let scores = ranking::scores(&DEFINITION, call);
            Ok(if call.clustered {
                BoundAggregate::any_estimator(OverRows(Aucc::<InCluster>::new(scores)))
            } else {
                BoundAggregate::any_estimator(OverRows(Aucc::<Independent>::new(scores)))
            })
        },
    },
};
