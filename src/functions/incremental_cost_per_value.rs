//! `incremental_cost_per_value`: what an additional unit of value costs.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, Kind, ON_INVALID, RATIO_INTERVAL, REPLICATES,
    SEED,
};
use crate::estimators::{CostPerValue, WeightedCostPerValue};

pub(super) static DEFINITION: Definition = Definition {
    name: "incremental_cost_per_value",
    summary: "What an additional unit of value costs: the effect of a treatment on cost over its effect on value.",
    details: "Estimator: the ratio of the differences in means, of Hájek means when the propensity is given. Fieller's \
        interval by default, which is (-Infinity, Infinity) when the effect on value is not significantly \
        different from zero; the standard error is the delta method's; the p-value tests the effect on cost. NULL \
        when an arm is empty or the effect on value is zero; negative when value falls as cost rises, or the \
        other way round.",
    holds: "treatment was randomised with one probability, or the propensity is that of the assignment.",
    source: "Fieller (1954); Deng, Knoblich and Lu (2018).",
    arguments: &[Argument::number("value", "the value of the unit, such as its margin"), Argument::number("cost", "what the unit cost, in a unit of its own"), Argument::treated(), Argument::treated_propensity().optional(0.5)],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, RATIO_INTERVAL, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS cost_per_value, r['ci_low'] AS ci_low, r['ci_high'] AS ci_high
FROM (SELECT incremental_cost_per_value_ci(value, cost, treated) AS r
  FROM (VALUES (9.0, 3.0, 1), (8.0, 2.0, 1), (9.5, 2.5, 1), (3.0, 0.0, 0), (2.0, 0.5, 0), (2.5, 0.0, 0)) AS t(value, cost, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            Ok(if call.has(&DEFINITION, "propensity") {
                BoundAggregate::estimator(WeightedCostPerValue, call.clustered)
            } else {
                BoundAggregate::estimator(CostPerValue, call.clustered)
            })
        },
    },
};
