//! `t_quantile`: critical values of Student's distribution.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::math::t_quantile;

pub(super) static DEFINITION: Definition = Definition {
    name: "t_quantile",
    summary: "Quantile of Student's t distribution: the t with P(T <= t) = p.",
    details: "1 - alpha / 2 gives the critical value of a two-sided interval. NULL when an argument is NULL, when df is not \
        positive, or with `{'on_invalid': 'skip'}` for invalid values.",
    holds: "",
    source: "Student (1908).",
    arguments: &[
        Argument::open_probability("p", "a probability in (0, 1)"),
        Argument::number("df", "degrees of freedom, of clustered errors the number of clusters less one"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "SELECT t_quantile(0.975, 10) AS t;",
    kind: Kind::Score { bind: |_| Ok(RowScore::nullable(|[p, df]| quantile(p, df))) },
};

/// The distribution is symmetric about zero.
fn quantile(p: f64, df: f64) -> Option<f64> {
    match p {
        0.5 => (df > 0.0).then_some(0.0),
        p if p > 0.5 => t_quantile(p, df),
        p => t_quantile(1.0 - p, df).map(|t| -t),
    }
}
