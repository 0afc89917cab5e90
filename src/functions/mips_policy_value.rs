//! `mips_policy_value`: the value of a policy by inverse propensity scoring of action families.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, CLIP, Constants, Definition, Kind, MAX_WEIGHT, ON_INVALID, REPLICATES,
    REWARD_RANGE, SEED, WEIGHTED_INTERVAL,
};
use crate::estimators::Ips;

pub(super) static DEFINITION: Definition = Definition {
    name: "mips_policy_value",
    summary: "Mean reward of a target policy by marginalised inverse propensity scoring (MIPS): IPS on families of actions.",
    details: "Estimator: the mean of w reward with w = family_target_prob / family_propensity: the probabilities of the logged \
        action's family under both policies. Its weights are smaller than those of single actions. NULL when \
        all weights are zero. The p-value is NULL.",
    holds: "within a family the choice of the action does not change the reward, and the family's propensities were logged.",
    source: "Saito and Joachims (2022).",
    arguments: &[Argument::reward(), Argument::propensity("family_propensity", "probability in (0, 1] that the logging policy chose the family"), Argument::probability("family_target_prob", "probability in [0, 1] that the target policy chooses the family")],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, CLIP, MAX_WEIGHT, ON_INVALID, REPLICATES, REWARD_RANGE, SEED, WEIGHTED_INTERVAL]),
    example: "\
SELECT r['estimate'] AS estimate, r['std_error'] AS std_error, r['ess'] AS ess
FROM (SELECT mips_policy_value_ci(reward, family_propensity, family_target_prob) AS r
  FROM (VALUES (1, 0.6, 0.4), (0, 0.4, 0.6), (2, 0.6, 0.4), (1, 0.4, 0.6)) AS log(reward, family_propensity, family_target_prob));",
    kind: Kind::Estimator {
        number: true,
        appended: &[],
        bind: |call| Ok(BoundAggregate::estimator(Ips { clip: call.options.number(&CLIP) }, call.clustered)),
    },
};
