//! What the estimators should find: exact means over the users of this campaign.

use super::{
    behaviour::{Action, Outcome, expected, joining_rate},
    campaign::Decision,
    policies::{PerAction, Policy},
    population::INVITED_SHARE,
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
    logged_offers: Outcome,
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
            *sum = sum.plus(mix(&target, &outcomes));
        }
        let mut offers = *logged;
        offers[0] = 0.0;
        self.logged_offers =
            self.logged_offers.plus(mix(&offers, &outcomes).times(1.0 / (1.0 - logged[0])));
        let invited = Action::ALL.map(|action| expected(user, action, 1.0));
        let not_invited = Action::ALL.map(|action| expected(user, action, 0.0));
        self.invitation =
            self.invitation.plus(mix(logged, &invited).minus(mix(logged, &not_invited)));
    }

    /// Lists the means, by estimand:
    ///
    /// - `action_value`: everyone gets the action;
    /// - `action_effect`: that, less everyone gets no offer; `any_offer` is the logged mix of offers;
    /// - `policy_value`: decisions follow the policy;
    /// - `policy_lift`: that, less the baseline;
    /// - `program_effect`: of being invited to the loyalty program, and of joining it for those whom
    ///   the invitation makes join.
    pub(super) fn finish(&self) -> Vec<Truth> {
        let mean = |sum: Outcome| sum.times(1.0 / self.decisions as f64);
        let joining = (joining_rate(true) + joining_rate(false)) / 2.0;
        let no_offer = self.actions[0];
        let baseline = self.policies[0];
        let mut truths = Vec::new();
        let mut push = |estimand, name, sum| truths.push(Truth { estimand, name, mean: mean(sum) });

        for (action, sum) in Action::ALL.into_iter().zip(self.actions) {
            push("action_value", action.name(), sum);
        }
        for (action, sum) in Action::ALL.into_iter().zip(self.actions).skip(1) {
            push("action_effect", action.name(), sum.minus(no_offer));
        }
        push("action_effect", "any_offer", self.logged_offers.minus(no_offer));
        for (policy, sum) in Policy::ALL.into_iter().zip(self.policies) {
            push("policy_value", policy.name(), sum);
        }
        for (policy, sum) in Policy::ALL.into_iter().zip(self.policies).skip(1) {
            push("policy_lift", policy.name(), sum.minus(baseline));
        }
        push("program_effect", "invited", self.invitation);
        push("program_effect", "joined", self.invitation.times(1.0 / joining));
        truths
    }
}

/// Returns the mean outcome when actions are drawn with the given probabilities.
fn mix(probabilities: &PerAction<f64>, outcomes: &PerAction<Outcome>) -> Outcome {
    probabilities.iter().zip(outcomes).fold(Outcome::default(), |sum, (probability, outcome)| {
        sum.plus(outcome.times(*probability))
    })
}
