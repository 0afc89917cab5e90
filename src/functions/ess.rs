//! `ess`: how many equally weighted rows weights are worth.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{WeightMeasure, Weights};

pub(super) static DEFINITION: Definition = Definition {
    name: "ess",
    summary: "Kish's effective sample size of weights: (sum w)^2 / sum w^2.",
    details: "Zero when all weights are zero, NULL without rows.",
    holds: "",
    source: "Kish (1965), Survey Sampling.",
    arguments: &[Argument::weight()],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT ess(target_prob / propensity)
FROM (VALUES (0.5, 0.5), (0.9, 0.5), (0.1, 0.25)) AS log(target_prob, propensity);",
    kind: Kind::Measure {
        returns: "DOUBLE",
        data_type: <Option<f64>>::data_type,
        bind: |_| Ok(BoundAggregate::measure(Weights(WeightMeasure::EffectiveSampleSize), |result| result)),
    },
};
