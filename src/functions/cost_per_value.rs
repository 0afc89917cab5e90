//! `cost_per_value`: what a unit of value costs.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::allocation::ratio::cost_per_value;

pub(super) static DEFINITION: Definition = Definition {
    name: "cost_per_value",
    summary: "Cost of a unit of value: cost / value, with signs that rank rightly.",
    details: "The quotient where the value is positive, below zero where the cost is: such pairs refund money and rank before \
        all others. NULL where no value is bought: a cost over a loss would be negative and rank first. Order by it \
        with `ASC NULLS LAST`. Where it is not NULL, `cost_per_value(value, cost) <= cap` is `cost <= cap * value`, up to \
        rounding; `prune_reason` tests the product. The ratio of a group is `cost_per_value(sum(value), sum(cost))`, \
        not an average of ratios; `incremental_cost_per_value_ci` is that of an experiment, with its interval.\n\n\
        | value | cost | cost_per_value |\n\
        |---|---|---|\n\
        | > 0 | any | cost / value, of the sign of the cost |\n\
        | 0 or less | any | NULL |\n\
        | NULL | any, or the other way round | NULL |\n\
        | NaN or infinite | any, or the other way round | an error; NULL with `{'on_invalid': 'skip'}` |\n\n\
        NULL too where the quotient is beyond the range of numbers.",
    holds: "",
    source: "the sign rules are ours.",
    arguments: &[
        Argument::number("value", "incremental value of the action"),
        Argument::number("cost", "incremental cost of the action, below zero where it saves money"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT action, cost_per_value(value, cost) AS paid
FROM (VALUES ('email', 2.0, 0.1), ('coupon', 6.0, 2.0), ('refund', 1.0, -3.0)) AS t(action, value, cost)
ORDER BY paid NULLS LAST;",
    kind: Kind::Score { bind: |_| Ok(RowScore::nullable(|[value, cost]| cost_per_value(value, cost))) },
};
