//! `chi_square_p_value`: the test of a sum of squares of standard normal variables.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::math::chi_square_sf;

pub(super) static DEFINITION: Definition = Definition {
    name: "chi_square_p_value",
    summary: "p-value of a statistic that has the chi-square distribution under its null hypothesis: P(X >= chi2).",
    details: "From the survival function, so that it is exact in the far tail. NULL when an argument is NULL, when df is not \
        positive, or with `{'on_invalid': 'skip'}` for invalid values.",
    holds: "the statistic is a sum of df squares, of nearly normal variables.",
    source: "Pearson (1900).",
    arguments: &[
        Argument::number("chi2", "the sum of squares"),
        Argument::number("df", "degrees of freedom"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "SELECT chi_square_p_value(3.841458820694124, 1) AS p_value;",
    kind: Kind::Score { bind: |_| Ok(RowScore::nullable(|[chi2, df]| chi_square_sf(chi2, df))) },
};
