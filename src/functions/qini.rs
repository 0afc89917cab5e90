//! `qini`: how much better a ranking is than chance, weighted by reach.

use super::adapter::{
    ALPHA, APPROXIMATE, CONVENTION, Constants, Definition, Kind, ON_INVALID, PLAIN_INTERVAL, SCORES,
};
use super::ranking;
use crate::estimators::Measure;

pub(super) static DEFINITION: Definition = Definition {
    name: "qini",
    summary: "Area between the Qini curve of a ranking and its diagonal (QINI): 0 for a ranking by chance.",
    details: "Estimator: the covariance of the row scores with the share of rows ranked below, at \
        the scale of the outcome per row. Rows of equal predictions share their rank, and \
        the order of rows never matters. NULL when an arm has no rows.",
    holds: ranking::HOLDS,
    source: "Radcliffe (2007); Yadlowsky et al. (2025).",
    arguments: ranking::ARGUMENTS,
    short_form: ranking::SHORT_FORM,
    clustered: true,
    constants: Constants::Options(&[ALPHA, APPROXIMATE, CONVENTION, ON_INVALID, PLAIN_INTERVAL, SCORES]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT qini_ci(prediction, outcome, treated, 0.5) AS r
  FROM (VALUES (0.9, 1, 1), (0.8, 0, 0), (0.7, 1, 1), (0.6, 0, 1), (0.5, 1, 0), (0.4, 0, 0), (0.3, 0, 1), (0.2, 1, 0))
  AS holdout(prediction, outcome, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| ranking::bind(&DEFINITION, call, Measure::Qini),
    },
};
