//! `switch_dr_policy_value`: the doubly robust value of a policy, without large weights.

use super::adapter::{
    ALPHA, BOUNDED_INTERVAL, Constants, Definition, Kind, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE,
    SEED, SWITCH_LAMBDA,
};
use super::shrunk_dr;
use crate::estimators::Shrinkage;

pub(super) static DEFINITION: Definition = Definition {
    name: "switch_dr_policy_value",
    summary: "Mean reward of a target policy by SWITCH: doubly robust where the weight is at most lambda, the prediction alone elsewhere.",
    details: "Estimator: the mean of q_target + w (reward - q_logged), w = target_prob / propensity counting as 0 above \
        `lambda`. 0 gives the direct method, no lambda doubly robust. `lambda` 'auto' takes the one of 1, 2, 4, …, 1024 and none that has the least \
        bound on its squared error, for rewards within 1 of their predictions: scale others; with 'auto' `_ci` appends the lambda, as `_merge_ci` always does, NULL for none. The interval covers the shrunk value, takes the lambda as given and says nothing \
        about the bias of shrinking. NULL when all weights are zero. The p-value is NULL.",
    holds: "the logged propensities or the predictions are right, and the predictions were fitted without the row.",
    source: "Wang, Agarwal and Dudík (2017).",
    arguments: shrunk_dr::ARGUMENTS,
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE, SEED, SWITCH_LAMBDA]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['ess'] AS ess
FROM (SELECT switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, {'lambda': 2}) AS r
  FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &["lambda"],
        bind: |call| {
            Ok(shrunk_dr::bind(call, &SWITCH_LAMBDA, 1, |lambda| Shrinkage::Switch { lambda }))
        },
    },
};
