//! `weight_mean_test`: the test of logged propensities.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{WeightMeasure, Weights};

pub(super) static DEFINITION: Definition = Definition {
    name: "weight_mean_test",
    summary: "p-value of the test that the mean weight is one, as it is when the logged propensities are \
        right.",
    details: "Two-sided normal test of z = (mean w - 1) / se(w). NULL with fewer than two rows or when \
        all weights are equal.",
    holds: "rows are independent.",
    source: "Kish (1965) for the weights; definitions of the log contract.",
    arguments: &[Argument::weight()],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT weight_mean_test(target_prob / propensity)
FROM (VALUES (0.5, 0.5), (0.9, 0.5), (0.1, 0.25)) AS log(target_prob, propensity);",
    kind: Kind::Measure {
        returns: "DOUBLE",
        data_type: <Option<f64>>::data_type,
        bind: |_| Ok(BoundAggregate::measure(Weights(WeightMeasure::MeanTest), |result| result)),
    },
};
