//! `dr_policy_value`: the doubly robust value of a policy.

use super::adapter::{
    ALPHA, Argument, BOUNDED_INTERVAL, BoundAggregate, CLIP, Constants, Definition, Kind, MAX_WEIGHT,
    ON_INVALID, REPLICATES, REWARD_RANGE, SEED,
};
use crate::estimators::DoublyRobust;

pub(super) static DEFINITION: Definition = Definition {
    name: "dr_policy_value",
    summary: "Mean reward of a target policy, doubly robust: a reward model corrected by weighted \
        residuals.",
    details: "Estimator: the mean of q_target + w (r - q_logged) with w = target_prob / propensity. \
        With `clip` the interval covers the clipped value and says nothing about the bias of \
        clipping. NULL when all weights are zero. The p-value is NULL.",
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
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, CLIP, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target) AS r
  FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            Ok(BoundAggregate::estimator(DoublyRobust { clip: call.options.number(&CLIP) }, call.clustered))
        },
    },
};
