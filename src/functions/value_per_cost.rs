//! `value_per_cost`: what a unit of cost buys.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::allocation::ratio::value_per_cost;

pub(super) static DEFINITION: Definition = Definition {
    name: "value_per_cost",
    summary: "Value that a unit of cost buys: value / cost, with signs that rank rightly.",
    details: "The quotient where the cost is positive; infinite where value costs nothing or refunds money, which ranks \
        first; NULL where there is neither cost nor value to rank, as a loss over a saving would look like a bargain. Order \
        by it with `DESC NULLS LAST`; where the value is zero or less nothing should be bought, and `prune_reason` says so. \
        The ratio of a group is `value_per_cost(sum(value), sum(cost))`, not an average of ratios.\n\n\
        | value | cost | value_per_cost |\n\
        |---|---|---|\n\
        | any | > 0 | value / cost, of the sign of the value |\n\
        | > 0 | 0 or less | infinity: free, or paid for taking it |\n\
        | 0 or less | 0 or less | NULL |\n\
        | NULL | any, or the other way round | NULL |\n\
        | NaN or infinite | any, or the other way round | an error; NULL with `{'on_invalid': 'skip'}` |",
    holds: "",
    source: "the sign rules are ours; ranking by value per cost: Dantzig (1957).",
    arguments: &[
        Argument::number("value", "incremental value of the action"),
        Argument::number("cost", "incremental cost of the action, below zero where it saves money"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT action, value_per_cost(value, cost) AS bought
FROM (VALUES ('email', 2.0, 0.1), ('coupon', 6.0, 2.0), ('call', -1.0, 4.0)) AS t(action, value, cost)
ORDER BY bought DESC NULLS LAST;",
    kind: Kind::Score { bind: |_| Ok(RowScore::extended(|[value, cost]| value_per_cost(value, cost))) },
};
