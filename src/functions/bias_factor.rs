//! `bias_factor`: how far predicted amounts are off.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, Kind, ON_INVALID, PRIOR_SD, RATIO_INTERVAL,
    REPLICATES, SEED,
};
use crate::estimators::BiasFactor;

pub(super) static DEFINITION: Definition = Definition {
    name: "bias_factor",
    summary: "Bias of predicted amounts: what came true over what was predicted, 1 for predictions that are right.",
    details: "Estimator: sum of realised / sum of predicted, over the rows of a trailing window, with the delta method's error. `_ci` \
        appends `shrunk`, 1 + (bias - 1) t^2 / (t^2 + std_error^2) with t = `prior_sd`: few or noisy periods leave it near 1. \
        NULL when the predictions do not sum to more than zero; `shrunk` with fewer than two rows (or clusters) too.",
    holds: "rows of the window, or its clusters, are independent, and the bias of the next period is theirs.",
    source: "Cochran (1977); Efron and Morris (1973).",
    arguments: &[
        Argument::number("realised", "amount that came true, in a period or of a cohort"),
        Argument::number("predicted", "amount that was predicted of the same"),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, PRIOR_SD, RATIO_INTERVAL, REPLICATES, SEED]),
    example: "\
SELECT round(b['estimate'], 3) AS bias, round(b['std_error'], 3) AS std_error, round(b['shrunk'], 3) AS shrunk
FROM (SELECT bias_factor_ci(realised, predicted) AS b
  FROM (VALUES (110, 100), (95, 90), (130, 100), (105, 110)) AS weeks(realised, predicted));",
    kind: Kind::Estimator {
        number: true,
        appended: BiasFactor::APPENDED,
        bind: |call| {
            let prior_sd = call.options.number(&PRIOR_SD);
            Ok(BoundAggregate::estimator(BiasFactor { prior_sd }, call.clustered))
        },
    },
};
