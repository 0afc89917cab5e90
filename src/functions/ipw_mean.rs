//! `ipw_mean`: the mean outcome of one arm by inverse propensity weighting.

use datafusion::common::plan_err;

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, ESTIMATOR, INTERVAL, Kind, ON_INVALID,
    REPLICATES, SEED,
};
use crate::estimators::{IpwMean, Weighting};

pub(super) static DEFINITION: Definition = Definition {
    name: "ipw_mean",
    summary: "Mean outcome of an arm, by inverse propensity weighting.",
    details: "Estimator: Hájek, sum(w y) / sum(w) with w = received / propensity, or Horvitz-Thompson, \
        sum(w y) / n, which needs `received`. Without `received` every row is taken to be of the \
        arm; with it, rows of other arms count in n. NULL when no row is of the arm. The p-value \
        is NULL.",
    holds: "propensities are those of the assignment.",
    source: "Horvitz and Thompson (1952); Hájek (1971).",
    arguments: &[
        Argument::outcome(),
        Argument::propensity("propensity", "probability in (0, 1] of the arm"),
        Argument::binary("received", "1 or true when the row got the arm").optional(1.0),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ESTIMATOR, INTERVAL, ON_INVALID, REPLICATES, SEED]),
    example: "\
SELECT ipw_mean(outcome, propensity, arm = 'a') AS mean_a, ipw_mean(outcome, propensity, arm = 'b') AS mean_b
FROM (VALUES (3, 0.5, 'a'), (1, 0.5, 'b'), (4, 0.8, 'a'), (2, 0.2, 'b')) AS t(outcome, propensity, arm);",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let weighting = Weighting::from_option(call.options.choice(&ESTIMATOR));
            if weighting == Weighting::HorvitzThompson && !call.has(&DEFINITION, "received") {
                return plan_err!(
                    "{}: estimator 'horvitz_thompson' needs the argument received: n counts the rows of all arms",
                    call.function
                );
            }
            Ok(BoundAggregate::estimator(IpwMean { weighting }, call.clustered))
        },
    },
};
