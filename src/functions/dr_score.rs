//! `dr_score`: the doubly robust row score of a policy.

use super::adapter::{Argument, CLIP, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::estimators::dr_score;

pub(super) static DEFINITION: Definition = Definition {
    name: "dr_score",
    summary: "Row score whose mean is the doubly robust value of a target policy: q_target + w (r - q_logged).",
    details: "NULL when an argument is NULL, or invalid with `{'on_invalid': 'skip'}`. `mean_ci` of it is the estimate with its error, and of the difference of two scores the paired contrast of two policies.",
    source: "Dudík, Langford and Li (2011).",
    arguments: &[
        Argument::number("reward", "reward of the logged action"),
        Argument::propensity("propensity", "probability in (0, 1] that the logging policy chose it"),
        Argument::probability("target_prob", "probability in [0, 1] that the target policy chooses it"),
        Argument::number("q_logged", "predicted reward of the logged action"),
        Argument::number(
            "q_target",
            "predicted reward of the target policy: the sum over actions of its probability times the prediction",
        ),
    ],
    clustered: false,
    constants: Constants::Options(&[CLIP, ON_INVALID]),
    example: "SELECT mean_ci(dr_score(reward, propensity, target_prob, q_logged, q_target) - reward)['estimate'] AS lift\nFROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))\n  AS log(reward, propensity, target_prob, q_logged, q_target);",
    kind: Kind::Score {
        bind: |call| {
            let clip = call.options.number(&CLIP);
            Ok(RowScore::new(move |row| dr_score(row, clip)))
        },
    },
};
