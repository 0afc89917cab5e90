//! `dr_score`: the doubly robust row score of a policy.

use super::adapter::{Argument, CLIP, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::estimators::dr_score;

pub(super) static DEFINITION: Definition = Definition {
    name: "dr_score",
    summary: "Row score whose mean is the doubly robust value of a target policy: q_target + w (r - \
        q_logged).",
    details: "NULL when an argument is NULL, or invalid with `{'on_invalid': 'skip'}`. `mean_ci` of it \
        is the estimate with its error, and of the difference of two scores the paired contrast \
        of two policies.",
    holds: "the logged propensities or the predictions are right, and the predictions were fitted \
        without the row.",
    source: "Dudík, Langford and Li (2011).",
    arguments: &[
        Argument::reward(),
        Argument::logged_propensity(),
        Argument::target_prob(),
        Argument::q_logged(),
        Argument::q_target(),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[CLIP, ON_INVALID]),
    example: "\
SELECT mean_ci(dr_score(reward, propensity, target_prob, q_logged, q_target) - reward)['estimate'] AS lift
FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target);",
    kind: Kind::Score {
        bind: |call| {
            let clip = call.options.number(&CLIP);
            Ok(RowScore::new(move |row| dr_score(row, clip)))
        },
    },
};
