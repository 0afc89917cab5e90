//! `ratio_diff`: the difference of a ratio metric between two arms.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, INTERVAL, Kind, ON_INVALID, REPLICATES, SEED,
};
use crate::estimators::RatioDifference;

pub(super) static DEFINITION: Definition = Definition {
    name: "ratio_diff",
    summary: "Difference of a ratio metric, such as revenue per visit, between the treated and the controls.",
    details: "Estimator: the difference of the arms' ratios of means, with the delta method's error. NULL when an arm is \
        empty or a mean of the denominator is zero.",
    holds: "treatment was randomised with one probability, and rows (or clusters) are the units that were randomised.",
    source: "Deng, Knoblich and Lu (2018).",
    arguments: &[Argument::number("numerator", "what is counted, summed by unit"), Argument::number("denominator", "what it is counted per, summed by unit"), Argument::treated()],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, INTERVAL, ON_INVALID, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['p_value'] AS p_value
FROM (SELECT ratio_diff_ci(revenue, visits, treated) AS r
  FROM (VALUES (9.0, 3, 1), (4.0, 1, 1), (8.0, 2, 1), (2.0, 2, 0), (5.0, 3, 0), (1.0, 1, 0)) AS t(revenue, visits, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| Ok(BoundAggregate::estimator(RatioDifference, call.clustered)),
    },
};
