//! `sndr_policy_value`: the self-normalised doubly robust value of a policy.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, CLIP, Constants, Definition, INTERVAL, Kind, ON_INVALID, REPLICATES,
    SEED,
};
use crate::estimators::SelfNormalizedDr;

pub(super) static DEFINITION: Definition = Definition {
    name: "sndr_policy_value",
    summary: "Mean reward of a target policy, doubly robust with self-normalised weights.",
    details: "Estimator: mean(q_target) + sum(w (r - q_logged)) / sum(w) with w = target_prob / \
        propensity; delta-method error. With `clip` the interval covers the clipped value and \
        says nothing about the bias of clipping. NULL when all weights are zero. The p-value is \
        NULL.",
    holds: "the logged propensities or the predictions are right, and the predictions were fitted \
        without the row.",
    source: "Swaminathan and Joachims (2015); Thomas and Brunskill (2016).",
    arguments: &[
        Argument::reward(),
        Argument::logged_propensity(),
        Argument::target_prob(),
        Argument::q_logged(),
        Argument::q_target(),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, CLIP, INTERVAL, ON_INVALID, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT sndr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target) AS r
  FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            Ok(BoundAggregate::estimator(
                SelfNormalizedDr { clip: call.options.number(&CLIP) },
                call.clustered,
            ))
        },
    },
};
