//! `diff_in_means`: the effect in a randomised experiment.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, INTERVAL, Kind, ON_INVALID, REPLICATES, SEED,
};
use crate::estimators::DifferenceInMeans;

pub(super) static DEFINITION: Definition = Definition {
    name: "diff_in_means",
    summary: "Difference in means between the treated and the controls of a randomised experiment.",
    details: "Estimator: mean of the treated minus mean of the controls; error sqrt(s1^2 / n1 + s0^2 / \
        n0), t interval on Welch-Satterthwaite degrees of freedom (G - 1 with clusters). NULL \
        when an arm is empty.",
    holds: "treatment was randomised with one probability.",
    source: "Welch (1947).",
    arguments: &[Argument::outcome(), Argument::treated()],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, INTERVAL, ON_INVALID, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['p_value'] AS p_value
FROM (SELECT diff_in_means_ci(outcome, treated) AS r
  FROM (VALUES (3.0, 1), (4.0, 1), (5.0, 1), (1.0, 0), (2.0, 0)) AS experiment(outcome, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| Ok(BoundAggregate::estimator(DifferenceInMeans, call.clustered)),
    },
};
