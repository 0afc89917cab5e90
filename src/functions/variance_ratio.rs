//! `variance_ratio`: the ratio of a covariate's variances.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{BalanceMeasure, CovariateBalance};

pub(super) static DEFINITION: Definition = Definition {
    name: "variance_ratio",
    summary: "Variance of a covariate among the treated over that among the controls.",
    details: "Weighted variances, sum(w (x - m)^2) / (sum w - sum w^2 / sum w), when weights are \
        given. NULL when an arm has fewer than two rows or the controls do not vary.",
    holds: "",
    source: "Austin (2009); Stuart, Lee and Leacy (2013).",
    arguments: &[
        Argument::number("x", "the covariate"),
        Argument::treated(),
        Argument::weight().optional(1.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT variance_ratio(age, treated)
FROM (VALUES (30, 1), (40, 1), (31, 0), (37, 0), (25, 0)) AS t(age, treated);",
    kind: Kind::Measure {
        returns: "DOUBLE",
        data_type: <Option<f64>>::data_type,
        bind: |_| {
            Ok(BoundAggregate::measure(CovariateBalance(BalanceMeasure::VarianceRatio), |result| result))
        },
    },
};
