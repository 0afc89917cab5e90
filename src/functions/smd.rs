//! `smd`: the standardised mean difference of a covariate.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{BalanceMeasure, CovariateBalance};

pub(super) static DEFINITION: Definition = Definition {
    name: "smd",
    summary: "Standardised mean difference of a covariate between the arms, treated minus control.",
    details: "The difference of the means, weighted when weights are given, over the root of the mean \
        of the two unweighted variances: values before and after weighting compare. 0 when the \
        means are equal, NULL when they differ and both variances are zero, or an arm has fewer \
        than two rows.",
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
SELECT smd(age, treated)
FROM (VALUES (30, 1), (40, 1), (31, 0), (37, 0), (25, 0)) AS t(age, treated);",
    kind: Kind::Measure {
        returns: "DOUBLE",
        data_type: <Option<f64>>::data_type,
        bind: |_| {
            Ok(BoundAggregate::measure(
                CovariateBalance(BalanceMeasure::StandardizedMeanDifference),
                |result| result,
            ))
        },
    },
};
