//! `normal_p_value`: the two-sided test of a standard normal statistic.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::math::normal_two_sided;

pub(super) static DEFINITION: Definition = Definition {
    name: "normal_p_value",
    summary: "Two-sided p-value of a statistic that is standard normal under its null hypothesis: P(|Z| >= |z|).",
    details: "From the survival function, so that it is exact in the far tail. NULL when z is NULL, or invalid \
        with `{'on_invalid': 'skip'}`.",
    holds: "the statistic is an estimate over its standard error, from many rows.",
    source: "Abramowitz and Stegun (1964), 26.2.",
    arguments: &[Argument::number(
        "z",
        "the estimate less its value under the null hypothesis, over its standard error",
    )],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "SELECT normal_p_value(1.959963984540054) AS p_value;",
    kind: Kind::Score { bind: |_| Ok(RowScore::new(|[z]| normal_two_sided(z))) },
};
