//! What the estimators should find: exact means over the users of this campaign.

use super::{
    behaviour::{Action, Outcome, PerAction, expected, joining_rate},
    campaign::Decision,
    policies::Policy,
    population::{INVITED_SHARE, Lifecycle},
};

/// One true quantity, for value and cost apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Truth {
    /// What is known: see [`TruthSums::finish`].
    pub(super) estimand: &'static str,
    /// The policy, action or program it is about.
    pub(super) name: &'static str,
    pub(super) mean: Outcome,
}

/// Sums of expected outcomes over decisions.
#[derive(Debug, Default)]
pub(super) struct TruthSums {
    decisions: usize,
    actions: PerAction<Outcome>,
    policies: [Outcome; Policy::COUNT],
    /// Users and the effect on them of the logged mix of offers, by lifecycle.
    lifecycles: [(usize, Outcome); Lifecycle::COUNT],
    invitation: Outcome,
}

impl TruthSums {
    pub(super) fn push(&mut self, decision: &Decision) {
        let user = &decision.user;
        let logged = &decision.propensities;
        let outcomes = Action::ALL.map(|action| expected(user, action, INVITED_SHARE));
        self.decisions += 1;
        for (sum, outcome) in self.actions.iter_mut().zip(outcomes) {
            *sum = sum.plus(outcome);
        }
        for (sum, policy) in self.policies.iter_mut().zip(Policy::ALL) {
            let target = policy.probabilities(&decision.predicted);
            *sum = sum.plus(Outcome::mix(&target, &outcomes));
        }
        let (users, effect) = &mut self.lifecycles[user.lifecycle as usize];
        *users += 1;
        *effect = effect.plus(logged_offers(logged, &outcomes).minus(outcomes[0]));
        let invited = Action::ALL.map(|action| expected(user, action, 1.0));
        let not_invited = Action::ALL.map(|action| expected(user, action, 0.0));
        self.invitation =
            self.invitation.plus(Outcome::mix(logged, &invited).minus(Outcome::mix(logged, &not_invited)));
    }

    /// Lists the means, by estimand:
    ///
    /// - `action_value`: everyone gets the action;
    /// - `action_effect`: that, less everyone gets no offer;
    /// - `lifecycle_effect`: the same for the logged mix of offers, on the users of a lifecycle;
    /// - `policy_value`: decisions follow the policy;
    /// - `policy_lift`: that, less the baseline;
    /// - `program_effect`: of being invited to the loyalty program, and of joining it on those whom
    ///   the invitation makes join.
    pub(super) fn finish(&self) -> Vec<Truth> {
        let mean = 1.0 / self.decisions as f64;
        let no_offer = self.actions[0];
        let baseline = self.policies[0];
        let mut truths = Vec::new();
        let mut push = |estimand, name, mean| truths.push(Truth { estimand, name, mean });

        for (action, sum) in Action::ALL.into_iter().zip(self.actions) {
            push("action_value", action.name(), sum.times(mean));
        }
        for (action, sum) in Action::ALL.into_iter().zip(self.actions).skip(1) {
            push("action_effect", action.name(), sum.minus(no_offer).times(mean));
        }
        for (lifecycle, (users, sum)) in Lifecycle::ALL.into_iter().zip(self.lifecycles) {
            if users > 0 {
                push("lifecycle_effect", lifecycle.name(), sum.times(1.0 / users as f64));
            }
        }
        for (policy, sum) in Policy::ALL.into_iter().zip(self.policies) {
            push("policy_value", policy.name(), sum.times(mean));
        }
        for (policy, sum) in Policy::ALL.into_iter().zip(self.policies).skip(1) {
            push("policy_lift", policy.name(), sum.minus(baseline).times(mean));
        }
        let joining = (joining_rate(true) + joining_rate(false)) / 2.0;
        push("program_effect", "invited", self.invitation.times(mean));
        push("program_effect", "joined", self.invitation.times(mean / joining));
        truths
    }
}

/// Returns the mean outcome of the logging policy's offers, given that it makes one.
fn logged_offers(logged: &PerAction<f64>, outcomes: &PerAction<Outcome>) -> Outcome {
    let no_offer = outcomes[0].times(logged[0]);
    Outcome::mix(logged, outcomes).minus(no_offer).times(1.0 / (1.0 - logged[0]))
}
