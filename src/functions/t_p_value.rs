//! `t_p_value`: the two-sided test of a statistic with Student's distribution.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::math::t_two_sided;

pub(super) static DEFINITION: Definition = Definition {
    name: "t_p_value",
    summary: "Two-sided p-value of a statistic that has Student's t distribution under its null hypothesis: P(|T| >= |t|).",
    details: "From the survival function, so that it is exact in the far tail. NULL when an argument is NULL, when df is not \
        positive, or with `{'on_invalid': 'skip'}` for invalid values.",
    holds: "the statistic is an estimate over its standard error, which has these degrees of freedom.",
    source: "Student (1908).",
    arguments: &[
        Argument::number(
            "t",
            "the estimate less its value under the null hypothesis, over its standard error",
        ),
        Argument::number("df", "degrees of freedom, of clustered errors the number of clusters less one"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "SELECT t_p_value(2.0, 10) AS p_value;",
    kind: Kind::Score { bind: |_| Ok(RowScore::nullable(|[t, df]| t_two_sided(t, df))) },
};
