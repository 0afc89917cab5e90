//! `dr_policy_lift`: the paired contrast of two policies, doubly robust.

use datafusion::common::plan_err;

use super::adapter::{
    ALPHA, Argument, BOUNDED_INTERVAL, BoundAggregate, CLIP, Constants, Definition, Kind, MAX_WEIGHT,
    ON_INVALID, REPLICATES, REWARD_RANGE, SEED,
};
use crate::estimators::{Baseline, DrLift};

pub(super) static DEFINITION: Definition = Definition {
    name: "dr_policy_lift",
    summary: "Value of a target policy minus that of a baseline policy, paired by row, doubly robust.",
    details: "Estimator: the mean difference of the row scores q + w (r - q_logged). Without \
        `baseline_prob` and `q_baseline` the baseline is the logging policy, whose score is the \
        reward. With `clip` the interval covers the clipped value and says nothing about the \
        bias of clipping. `ess` is of the target policy's weights. NULL when all of them are \
        zero.",
    holds: "the logged propensities or the predictions are right, and the predictions were fitted \
        without the row.",
    source: "Dudík, Langford and Li (2011).",
    arguments: &[
        Argument::reward(),
        Argument::logged_propensity(),
        Argument::target_prob(),
        Argument::q_logged(),
        Argument::q_target(),
        Argument::baseline_prob(),
        Argument::number("q_baseline", "predicted reward of the baseline policy").optional(0.0),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, CLIP, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['p_value'] AS p_value
FROM (SELECT dr_policy_lift_ci(reward, propensity, target_prob, q_logged, q_target) AS r
  FROM (VALUES (1, 0.5, 0.1, 0.5, 0.62), (0, 0.3, 0.2, 0.3, 0.39), (1, 0.2, 0.2, 0.7, 0.38), (1, 0.2, 1.0, 0.8, 0.8))
  AS log(reward, propensity, target_prob, q_logged, q_target));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| {
            let given = ["baseline_prob", "q_baseline"].map(|name| call.has(&DEFINITION, name));
            if given[0] != given[1] {
                return plan_err!(
                    "{}: baseline_prob and q_baseline go together, got only one",
                    call.function
                );
            }
            let (baseline, clip) = (Baseline::given(given[0]), call.options.number(&CLIP));
            Ok(BoundAggregate::estimator(DrLift { baseline, clip }, call.clustered))
        },
    },
};
