//! `dm_policy_value`: the value of a policy by the direct method.

use super::adapter::{
    ALPHA, Argument, BOUNDED_INTERVAL, BoundAggregate, Constants, Definition, Kind, ON_INVALID, REPLICATES,
    REWARD_RANGE, SEED,
};
use crate::estimators::DirectMethod;

pub(super) static DEFINITION: Definition = Definition {
    name: "dm_policy_value",
    summary: "Mean reward of a target policy by the direct method: predictions of a reward model alone.",
    details: "Estimator: the mean of q_target. The interval is model-conditional: it ignores that the \
        predictions were fitted. The p-value is NULL.",
    holds: "the reward model is right.",
    source: "Dudík, Langford and Li (2011).",
    arguments: &[Argument::q_target()],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, ON_INVALID, REPLICATES, REWARD_RANGE, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['n'] AS n
FROM (SELECT dm_policy_value_ci(q_target) AS r
  FROM (VALUES (0.62), (0.39), (0.38)) AS log(q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| Ok(BoundAggregate::estimator(DirectMethod, call.clustered)),
    },
};
