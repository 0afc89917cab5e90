//! `normal_quantile`: critical values of the normal distribution.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::math::normal_quantile;

pub(super) static DEFINITION: Definition = Definition {
    name: "normal_quantile",
    summary: "Quantile of the standard normal distribution: the z with P(Z <= z) = p.",
    details: "1 - alpha / 2 gives the critical value of a two-sided interval. NULL when p is NULL, or invalid with \
        `{'on_invalid': 'skip'}`.",
    holds: "",
    source: "Wichura (1988).",
    arguments: &[Argument::open_probability("p", "a probability in (0, 1)")],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "SELECT normal_quantile(0.975) AS z;",
    kind: Kind::Score { bind: |_| Ok(RowScore::new(|[p]| normal_quantile(p))) },
};
