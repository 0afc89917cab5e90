//! `ipw_ate`: the effect of a treatment by inverse propensity weighting.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, ESTIMAND, ESTIMATOR, INTERVAL, Kind, ON_INVALID,
    REPLICATES, SEED, TRIM,
};
use crate::estimators::{Estimand, IpwAte, Weighting};

pub(super) static DEFINITION: Definition = Definition {
    name: "ipw_ate",
    summary: "Average effect of a treatment, by inverse propensity weighting.",
    details: "Estimator: the difference of Hájek means, or Horvitz-Thompson, with weights tilted to \
        the estimand. `trim` leaves rows with extreme propensities out, and the effect is then \
        that of the kept rows. NULL when an arm is empty.",
    holds: "propensities are those of the assignment; with fitted ones the error is conservative for \
        the ate only.",
    source: "Horvitz and Thompson (1952); Hájek (1971); Li, Morgan and Zaslavsky (2018).",
    arguments: &[
        Argument::outcome(),
        Argument::treated(),
        Argument::treated_propensity(),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ESTIMAND, ESTIMATOR, INTERVAL, ON_INVALID, REPLICATES, SEED, TRIM]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT ipw_ate_ci(outcome, treated, propensity, {'estimand': 'att'}) AS r
  FROM (VALUES (3, 1, 0.5), (1, 0, 0.5), (4, 1, 0.8), (1, 0, 0.4), (5, 1, 0.6), (2, 0, 0.3)) AS t(outcome, treated, propensity));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let statistic = IpwAte {
                estimand: Estimand::from_option(call.options.choice(&ESTIMAND)),
                weighting: Weighting::from_option(call.options.choice(&ESTIMATOR)),
            };
            Ok(BoundAggregate::estimator(statistic, call.clustered))
        },
    },
};
