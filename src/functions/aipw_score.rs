//! `aipw_score`: the doubly robust row score of an effect.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::estimators::aipw_score;

pub(super) static DEFINITION: Definition = Definition {
    name: "aipw_score",
    summary: "Row score whose mean is the doubly robust average effect of a treatment.",
    details: "mu1 - mu0 + T (Y - mu1) / e - (1 - T)(Y - mu0) / (1 - e). NULL when an argument is NULL, \
        or invalid with `{'on_invalid': 'skip'}`. Its mean by segment is the effect in the \
        segment.",
    holds: "the propensities or the predictions are right, and the predictions were fitted without \
        the row.",
    source: "Robins, Rotnitzky and Zhao (1994).",
    arguments: &[
        Argument::outcome(),
        Argument::treated(),
        Argument::treated_propensity(),
        Argument::mu1(),
        Argument::mu0(),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT aipw_score(outcome, treated, propensity, mu1, mu0) AS score
FROM (VALUES (3, 1, 0.5, 3, 1), (1, 0, 0.5, 2, 1), (4, 1, 0.8, 4, 2), (1, 0, 0.4, 2, 1)) AS t(outcome, treated, propensity, mu1, mu0);",
    kind: Kind::Score { bind: |_| Ok(RowScore::new(aipw_score)) },
};
