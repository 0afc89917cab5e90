//! Who is offered what: the outcome model, the logging policy built on it, and two candidates.

use super::{
    behaviour::{Action, Outcome, PerAction, margin, usual_orders},
    population::{Lifecycle, User, cents},
};

/// The logging policy gives every action at least this probability.
pub(super) const FLOOR: f64 = 0.04;
/// The candidates choose at random among all actions in this share of decisions.
const EXPLORED: f64 = 0.1;
/// Dollars of predicted value that the budgeted policy asks for a dollar of predicted cost.
const VALUE_PER_COST: f64 = 1.5;

/// The policies whose value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// The logging policy.
    Baseline,
    /// The action of highest predicted value, whatever it costs.
    ValueFirst,
    /// The action of highest predicted value after a price on predicted cost.
    Budgeted,
}

impl Policy {
    pub(super) const COUNT: usize = 3;
    pub(super) const ALL: [Self; Self::COUNT] = [Self::Baseline, Self::ValueFirst, Self::Budgeted];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::ValueFirst => "value_first",
            Self::Budgeted => "budgeted",
        }
    }

    /// Returns the probability of each action, given what the outcome model predicts.
    pub(super) fn probabilities(self, predicted: &PerAction<Outcome>) -> PerAction<f64> {
        match self {
            Self::Baseline => logging_policy(predicted),
            Self::ValueFirst => mostly(predicted, |outcome| outcome.value),
            Self::Budgeted => mostly(predicted, |outcome| outcome.value - VALUE_PER_COST * outcome.cost),
        }
    }
}

/// Predicts the outcome of each action, to the cent.
///
/// The model has the faults of one that was fitted in a hurry: it believes that active users respond
/// almost as others do, does not know that the channel matters, and pulls everyone's orders to the
/// mean.
pub(super) fn predict(user: &User) -> PerAction<Outcome> {
    let orders = 0.3 + 0.8 * usual_orders(user);
    let (redemption, response) = match user.lifecycle {
        Lifecycle::New => (0.45, 1.0),
        Lifecycle::Active => (0.55, 0.9),
        Lifecycle::Lapsing => (0.40, 1.3),
        Lifecycle::Lapsed => (0.25, 1.0),
    };
    Action::ALL.map(|action| {
        let redeemed = redemption * action.appeal();
        let extra = response * (0.8 + 0.6 * user.discount_share) * action.pull();
        Outcome {
            value: cents(margin(user) * (orders + redeemed * extra)),
            cost: cents(redeemed * action.cost_if_redeemed(user)),
        }
    })
}

/// A warm start: skewed to high predicted value, with a floor under every action.
fn logging_policy(predicted: &PerAction<Outcome>) -> PerAction<f64> {
    const TEMPERATURE: f64 = 2.0;
    let weights = predicted
        .map(|outcome| ((outcome.value - 0.5 * outcome.cost - predicted[0].value) / TEMPERATURE).exp());
    let total: f64 = weights.iter().sum();
    weights.map(|weight| FLOOR + (1.0 - FLOOR * Action::COUNT as f64) * weight / total)
}

/// Mostly the action of highest score, the rest of the time any action.
fn mostly(predicted: &PerAction<Outcome>, score: impl Fn(&Outcome) -> f64) -> PerAction<f64> {
    let mut best = 0;
    for index in 1..Action::COUNT {
        if score(&predicted[index]) > score(&predicted[best]) {
            best = index;
        }
    }
    let mut probabilities = [EXPLORED / Action::COUNT as f64; Action::COUNT];
    probabilities[best] += 1.0 - EXPLORED;
    probabilities
}
