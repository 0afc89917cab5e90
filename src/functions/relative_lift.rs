//! `relative_lift`: the effect as a share of the control mean.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, Kind, ON_INVALID, RATIO_INTERVAL, REPLICATES,
    SEED,
};
use crate::estimators::{RelativeLift, WeightedRelativeLift};

pub(super) static DEFINITION: Definition = Definition {
    name: "relative_lift",
    summary: "Effect of a treatment relative to the control mean.",
    details: "Estimator: mean of the treated over mean of the controls minus one; Hájek means when the \
        propensity is given. Fieller's interval by default, which is (-Infinity, Infinity) when \
        the control mean is not significantly different from zero; the standard error is the \
        delta method's; the p-value tests equal means. NULL when an arm is empty or the control \
        mean is zero.",
    holds: "treatment was randomised with one probability, or the propensity is that of the \
        assignment.",
    source: "Fieller (1954); Deng, Knoblich and Lu (2018).",
    arguments: &[Argument::outcome(), Argument::treated(), Argument::treated_propensity().optional(0.5)],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, RATIO_INTERVAL, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['ci_low'] AS ci_low, r['ci_high'] AS ci_high
FROM (SELECT relative_lift_ci(outcome, treated) AS r
  FROM (VALUES (3.0, 1), (4.0, 1), (5.0, 1), (1.0, 0), (2.0, 0)) AS experiment(outcome, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            Ok(if call.has(&DEFINITION, "propensity") {
                BoundAggregate::estimator(WeightedRelativeLift, call.clustered)
            } else {
                BoundAggregate::estimator(RelativeLift, call.clustered)
            })
        },
    },
};
