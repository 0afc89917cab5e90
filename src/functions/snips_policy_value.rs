//! `snips_policy_value`: the value of a policy by self-normalised inverse propensity scoring.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, CLIP, Constants, Definition, INTERVAL, Kind, ON_INVALID, REPLICATES,
    SEED,
};
use crate::estimators::SelfNormalizedIps;

pub(super) static DEFINITION: Definition = Definition {
    name: "snips_policy_value",
    summary: "Mean reward of a target policy, from decisions logged by another policy, by self-normalised \
        inverse propensity scoring.",
    details: "Estimator: sum(w r) / sum(w) with w = target_prob / propensity; delta-method error. \
        Stays within the range of the reward; its bias vanishes with 1 / n. With `clip` the \
        interval covers the clipped value and says nothing about the bias of clipping. NULL when \
        all weights are zero. The p-value is NULL.",
    holds: "the logging policy could choose whatever the target policy chooses and its probabilities \
        were logged at the decision.",
    source: "Swaminathan and Joachims (2015).",
    arguments: &[
        Argument::reward(),
        Argument::logged_propensity(),
        Argument::target_prob(),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, CLIP, INTERVAL, ON_INVALID, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT snips_policy_value_ci(reward, propensity, target_prob) AS r
  FROM (VALUES (1, 0.5, 1), (1, 0.5, 0), (0, 0.5, 0.5), (1, 0.25, 0.25)) AS log(reward, propensity, target_prob));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            Ok(BoundAggregate::estimator(
                SelfNormalizedIps { clip: call.options.number(&CLIP) },
                call.clustered,
            ))
        },
    },
};
