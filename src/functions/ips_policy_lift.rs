//! `ips_policy_lift`: the paired contrast of two policies by inverse propensity scoring.

use super::adapter::{
    ALPHA, Argument, BOUNDED_INTERVAL, BoundAggregate, CLIP, Constants, Definition, Kind, MAX_WEIGHT,
    ON_INVALID, REPLICATES, REWARD_RANGE, SEED,
};
use crate::estimators::{Baseline, IpsLift};

pub(super) static DEFINITION: Definition = Definition {
    name: "ips_policy_lift",
    summary: "Value of a target policy minus that of a baseline policy, paired by row, by inverse \
        propensity scoring.",
    details: "Estimator: the mean difference of the row scores w r. Without `baseline_prob` the \
        baseline is the logging policy, whose score is the reward. With `clip` the interval \
        covers the clipped value and says nothing about the bias of clipping. `ess` is of the \
        target policy's weights. NULL when all of them are zero.",
    holds: "the logging policy could choose whatever the target policy chooses and its probabilities \
        were logged at the decision.",
    source: "Dudík, Langford and Li (2011).",
    arguments: &[
        Argument::reward(),
        Argument::logged_propensity(),
        Argument::target_prob(),
        Argument::baseline_prob(),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, CLIP, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['p_value'] AS p_value
FROM (SELECT ips_policy_lift_ci(reward, propensity, target_prob) AS r
  FROM (VALUES (1, 0.5, 1), (1, 0.5, 0), (0, 0.5, 0.5), (1, 0.25, 0.25)) AS log(reward, propensity, target_prob));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let baseline = Baseline::given(call.has(&DEFINITION, "baseline_prob"));
            let clip = call.options.number(&CLIP);
            Ok(BoundAggregate::estimator(IpsLift { baseline, clip }, call.clustered))
        },
    },
};
