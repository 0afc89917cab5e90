//! `cuped_ate`: the effect of a randomised treatment, adjusted for a covariate.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, Kind, ON_INVALID, PLAIN_INTERVAL, THETA,
};
use crate::estimators::{Cuped, CupedList, Slope};

pub(super) static DEFINITION: Definition = Definition {
    name: "cuped_ate",
    summary: "Average effect of a randomised treatment, adjusted for a covariate from before it (CUPED).",
    details: "Estimator: the difference in means of outcome - theta (covariate - its mean), theta being the slope of the \
        outcome on the covariate within the arms, of several on all together; 0 when the covariate does not vary, or others \
        explain it. The interval is the t \
        interval on Welch's degrees of freedom. NULL when an arm is empty.",
    holds: "treatment was randomised with one probability, and the covariate was measured before it.",
    source: "Deng, Xu, Kohavi and Walker (2013).",
    arguments: &[Argument::outcome(), Argument::treated(), Argument::numbers("covariate", "what was known before, such as the outcome of an earlier period; a list [x1, x2] of up to 8 columns adjusts for all")],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, PLAIN_INTERVAL, THETA]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT cuped_ate_ci(outcome, treated, before) AS r
  FROM (VALUES (3.0, 1, 2.0), (5.0, 1, 3.5), (6.0, 1, 5.0), (1.0, 0, 1.0), (2.0, 0, 2.5), (4.0, 0, 4.0)) AS t(outcome, treated, before));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let slope = Slope::from_option(call.options.choice(&THETA));
            Ok(if call.list {
                BoundAggregate::estimator(CupedList { slope }, call.clustered)
            } else {
                BoundAggregate::estimator(Cuped { slope }, call.clustered)
            })
        },
    },
};
