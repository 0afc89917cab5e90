//! `rank_stability`: how alike two rankings are.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID, STABLE_TOP};
use crate::estimators::{OverRows, RankStability, Stability};

pub(super) static DEFINITION: Definition = Definition {
    name: "rank_stability",
    summary: "How alike two rankings of the same rows are, such as those of models of two seeds or two months.",
    details: "`spearman` is the correlation of the ranks, ties sharing the mean of theirs; `kendall_tau` is tau-b; \
        `top_overlap` the rows that both have in their top share over those that either has, ties at the threshold being in. \
        All are 1 for equal rankings. NULL where a ranking tells no rows apart; `top_overlap` without rows.",
    holds: "",
    source: "Spearman (1904); Kendall (1945); Knight (1966).",
    arguments: &[
        Argument::number("prediction", "what the first ranking is by, largest first"),
        Argument::number("other", "what the other ranking is by"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID, STABLE_TOP]),
    example: "\
SELECT r['spearman'] AS spearman, r['kendall_tau'] AS kendall_tau, r['top_overlap'] AS top_overlap
FROM (SELECT rank_stability(may, june, {'top': 0.5}) AS r
  FROM (VALUES (0.9, 0.8), (0.7, 0.9), (0.5, 0.3), (0.2, 0.4)) AS predictions(may, june));",
    kind: Kind::Measure {
        returns: "STRUCT(spearman, kendall_tau, top_overlap DOUBLE)",
        data_type: <Stability>::data_type,
        bind: |call| {
            let stability = RankStability { top: call.options.number(&STABLE_TOP) };
            Ok(BoundAggregate::measure(OverRows(stability), |result| result))
        },
    },
};
