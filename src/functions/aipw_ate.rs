//! `aipw_ate`: the doubly robust effect of a treatment.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, ESTIMAND, INTERVAL, Kind, ON_INVALID, REPLICATES,
    SEED, TRIM,
};
use crate::estimators::{Aipw, Estimand};

pub(super) static DEFINITION: Definition = Definition {
    name: "aipw_ate",
    summary: "Average effect of a treatment, doubly robust: outcome predictions corrected by weighted \
        residuals.",
    details: "Estimator: the mean of mu1 - mu0 + T (Y - mu1) / e - (1 - T)(Y - mu0) / (1 - e), tilted \
        to the estimand. NULL when an arm is empty.",
    holds: "the propensities or the predictions are right, and the predictions were fitted without \
        the row.",
    source: "Robins, Rotnitzky and Zhao (1994); Chernozhukov et al. (2018).",
    arguments: &[
        Argument::outcome(),
        Argument::treated(),
        Argument::treated_propensity(),
        Argument::mu1(),
        Argument::mu0(),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ESTIMAND, INTERVAL, ON_INVALID, REPLICATES, SEED, TRIM]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT aipw_ate_ci(outcome, treated, propensity, mu1, mu0) AS r
  FROM (VALUES (3, 1, 0.5, 3, 1), (1, 0, 0.5, 2, 1), (4, 1, 0.8, 4, 2), (1, 0, 0.4, 2, 1)) AS t(outcome, treated, propensity, mu1, mu0));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let estimand = Estimand::from_option(call.options.choice(&ESTIMAND));
            Ok(BoundAggregate::estimator(Aipw { estimand }, call.clustered))
        },
    },
};
