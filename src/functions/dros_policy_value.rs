//! `dros_policy_value`: the doubly robust value of a policy with optimistically shrunk weights.

use super::adapter::{
    ALPHA, BOUNDED_INTERVAL, Constants, Definition, Kind, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE,
    SEED, SHRINKAGE_LAMBDA,
};
use super::shrunk_dr;
use crate::estimators::Shrinkage;

pub(super) static DEFINITION: Definition = Definition {
    name: "dros_policy_value",
    summary: "Mean reward of a target policy, doubly robust with optimistic shrinkage of the weights (DRos).",
    details: "Estimator: the mean of q_target + f (reward - q_logged) with f = lambda w / (w^2 + lambda) and w = target_prob / \
        propensity. 0 gives the direct method, no lambda doubly robust. `lambda` 'auto' takes the one of 1, 4, 16, …, 4^10 and none that has the least \
        bound on its squared error, for rewards within 1 of their predictions: scale others; with 'auto' `_ci` appends the lambda, as `_merge_ci` always does, NULL for none. The interval covers the shrunk value, takes the lambda as given and says nothing \
        about the bias of shrinking. NULL when all weights are zero. The p-value is NULL.",
    holds: "the logged propensities or the predictions are right, and the predictions were fitted without the row.",
    source: "Su, Dimakopoulou, Krishnamurthy and Dudík (2020).",
    arguments: shrunk_dr::ARGUMENTS,
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE, SEED, SHRINKAGE_LAMBDA]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['ess'] AS ess
FROM (SELECT dros_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, {'lambda': 10}) AS r
  FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &["lambda"],
        bind: |call| {
            Ok(shrunk_dr::bind(call, &SHRINKAGE_LAMBDA, 2, |lambda| Shrinkage::Optimistic { lambda }))
        },
    },
};
