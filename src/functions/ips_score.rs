//! `ips_score`: the row score of inverse propensity scoring.

use super::adapter::{Argument, CLIP, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::estimators::ips_score;

pub(super) static DEFINITION: Definition = Definition {
    name: "ips_score",
    summary: "Row score whose mean is the value of a target policy by inverse propensity scoring: w r.",
    details: "NULL when an argument is NULL, or invalid with `{'on_invalid': 'skip'}`. `mean_ci` of it \
        is the estimate with its error, and of the difference of two scores the paired contrast \
        of two policies.",
    holds: "the logging policy could choose whatever the target policy chooses and its probabilities \
        were logged at the decision.",
    source: "Dudík, Langford and Li (2011).",
    arguments: &[
        Argument::reward(),
        Argument::logged_propensity(),
        Argument::target_prob(),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[CLIP, ON_INVALID]),
    example: "\
SELECT ips_score(reward, propensity, target_prob) AS score
FROM (VALUES (1, 0.5, 1), (1, 0.5, 0), (0, 0.5, 0.5), (1, 0.25, 0.25)) AS log(reward, propensity, target_prob);",
    kind: Kind::Score {
        bind: |call| {
            let clip = call.options.number(&CLIP);
            Ok(RowScore::new(move |row| ips_score(row, clip)))
        },
    },
};
