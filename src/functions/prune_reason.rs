//! `prune_reason`: why a pair of a unit and an action may not be offered.

use std::sync::Arc;

use datafusion::arrow::array::StringArray;
use datafusion::arrow::datatypes::DataType;

use super::adapter::{Argument, Constants, Definition, Kind, MAX_COST_PER_VALUE};
use crate::allocation::pruning::Pruning;

pub(super) static DEFINITION: Definition = Definition {
    name: "prune_reason",
    summary: "Why a pair of a unit and an action is left out before a budget is spent; NULL when it stays.",
    details: "The first of these that holds: 'ineligible' where `eligible` is false or NULL (a bare NULL, without a type, is not \
        given and thus eligible); 'not_finite' where value or cost is NULL, NaN or infinite; 'value_not_positive' where value is 0 or \
        less, whatever the cost; 'cost_per_value_too_high' where cost > max_cost_per_value * value. A positive value at no \
        or a negative cost stays: it refunds the budget. `allocate` prunes by the same rule and counts by the same reasons. \
        Invalid numbers are what it tells, so they are no errors here.",
    holds: "",
    source: "the rule is ours.",
    arguments: &[
        Argument::unchecked("value", "incremental value of the action"),
        Argument::unchecked("cost", "incremental cost of the action, below zero where it saves money"),
        Argument::binary("eligible", "whether the action may be offered to the unit, true or 1; all are when left out")
            .optional(1.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[MAX_COST_PER_VALUE]),
    example: "\
SELECT action, coalesce(prune_reason(value, cost, eligible, {'max_cost_per_value': 4.0}), 'stays') AS reason
FROM (VALUES ('email', 2.0, 0.1, true), ('coupon', 1.0, 5.0, true), ('call', -1.0, 4.0, true), ('gift', 6.0, 2.0, false))
  AS t(action, value, cost, eligible);",
    kind: Kind::Row {
        returns: "VARCHAR",
        data_type: |_| DataType::Utf8,
        apply: |rows| {
            let most = rows.call.options.number(&MAX_COST_PER_VALUE);
            let pruning = Pruning { max_cost_per_value: most.is_finite().then_some(most) };
            let (value, cost, eligible) = (rows.numbers(0)?, rows.numbers(1)?, rows.optional_numbers(2)?);
            let reason = |row| {
                let is_eligible = match &eligible {
                    Some(eligible) => rows.settled(eligible.checked(row))?.map(|eligible| eligible == 1.0),
                    None => Some(true),
                };
                let reason = pruning.reason(value.get(row), cost.get(row), is_eligible);
                Ok(reason.map(|reason| reason.text()))
            };
            Ok(Arc::new((0..rows.rows).map(reason).collect::<datafusion::common::Result<StringArray>>()?))
        },
    },
};
