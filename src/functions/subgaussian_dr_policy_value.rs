//! `subgaussian_dr_policy_value`: the doubly robust value of a policy with sub-Gaussian weights.

use super::adapter::{
    ALPHA, BOUNDED_INTERVAL, BoundAggregate, Constants, Definition, Kind, MAX_WEIGHT, MIXTURE_LAMBDA,
    ON_INVALID, REPLICATES, REWARD_RANGE, SEED,
};
use super::shrunk_dr;
use crate::estimators::{Shrinkage, ShrunkDr};

pub(super) static DEFINITION: Definition = Definition {
    name: "subgaussian_dr_policy_value",
    summary: "Mean reward of a target policy, doubly robust with weights whose error is sub-Gaussian; with both q at 0, sub-Gaussian IPS.",
    details: "Estimator: the mean of q_target + f (reward - q_logged) with f = w / (1 - lambda + lambda w) and w = target_prob / \
        propensity. 0 gives doubly robust; 1 gives every weight the value 1. The interval covers the shrunk value and says nothing \
        about the bias of shrinking. NULL when all weights are zero. The p-value is NULL.",
    holds: "the logged propensities or the predictions are right, and the predictions were fitted without the row.",
    source: "Metelli, Russo and Restelli (2021).",
    arguments: shrunk_dr::ARGUMENTS,
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, MAX_WEIGHT, MIXTURE_LAMBDA, ON_INVALID, REPLICATES, REWARD_RANGE, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['ess'] AS ess
FROM (SELECT subgaussian_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, {'lambda': 0.1}) AS r
  FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let shrinkage = Shrinkage::SubGaussian { lambda: call.options.number(&MIXTURE_LAMBDA) };
            Ok(BoundAggregate::estimator(ShrunkDr { shrinkage }, call.clustered))
        },
    },
};
