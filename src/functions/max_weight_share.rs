//! `max_weight_share`: the share of the largest weight in their sum.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{WeightMeasure, Weights};

pub(super) static DEFINITION: Definition = Definition {
    name: "max_weight_share",
    summary: "Share of the largest weight in the sum of the weights.",
    details: "NULL without rows or when all weights are zero.",
    holds: "",
    source: "Owen (2013), Monte Carlo theory, methods and examples, chapter 9.",
    arguments: &[Argument::weight()],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT max_weight_share(target_prob / propensity)
FROM (VALUES (0.5, 0.5), (0.9, 0.5), (0.1, 0.25)) AS log(target_prob, propensity);",
    kind: Kind::Measure {
        returns: "DOUBLE",
        data_type: <Option<f64>>::data_type,
        bind: |_| Ok(BoundAggregate::measure(Weights(WeightMeasure::MaxShare), |result| result)),
    },
};
