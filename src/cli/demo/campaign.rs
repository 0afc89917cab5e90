//! The campaign: one logged decision per user, and what followed.

use super::{
    behaviour::{
        Action, JOINING_PULL, Outcome, PULL_LEFT_FOR_MEMBERS, PerAction, extra_orders, joining_rate, margin,
        mood, redemption_rate, usual_orders,
    },
    policies::{Policy, predict},
    population::{Channel, Household, User, cents, population},
    random::{Draws, Purpose},
};

/// Weeks over which decisions are spread.
pub(super) const WEEKS: usize = 4;

const DAY: f64 = 86_400e6;
/// Monday 2026-01-05, in microseconds since 1970.
const START: i64 = 1_767_571_200_000_000;
/// Days after a decision during which orders and redemptions count.
const HORIZON_DAYS: f64 = 28.0;

/// One user's row of the log, with the probabilities and predictions it was made with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) user: User,
    /// Counts from 1.
    pub(super) week: usize,
    /// Microseconds since 1970.
    pub(super) decided_at: i64,
    pub(super) action: Action,
    pub(super) predicted: PerAction<Outcome>,
    pub(super) propensities: PerAction<f64>,
    pub(super) loyalty_invited: bool,
    pub(super) loyalty_joined: bool,
    /// Microseconds since 1970.
    pub(super) redeemed_at: Option<i64>,
    pub(super) outcome: Outcome,
}

impl Decision {
    fn draw(seed: u64, household: &Household, user: User) -> Self {
        let predicted = predict(&user);
        let propensities = Policy::Baseline.probabilities(&predicted);
        let mut draws = Draws::new(seed, Purpose::Assignment, user.id);
        let action = Action::ALL[draws.index(&propensities)];
        let days = 7.0 * WEEKS as f64 * draws.uniform();
        let decided_at = START + (DAY * days) as i64;

        let mut draws = Draws::new(seed, Purpose::Response, user.id);
        let joined = household.invited && draws.chance(joining_rate(household.busy));
        let redeemed = draws.chance(redemption_rate(&user, action, household.busy));
        let delay = draws.delay(usual_delay_days(user.channel), HORIZON_DAYS);
        let pull = if redeemed { extra_orders(&user, action) } else { 0.0 };
        let orders = usual_orders(&user) * mood(household.busy)
            + if joined { JOINING_PULL + PULL_LEFT_FOR_MEMBERS * pull } else { pull };
        let value = margin(&user) * f64::from(draws.poisson(orders)) * draws.noise_around_one(0.4);

        Self {
            user,
            week: 1 + (days / 7.0) as usize,
            decided_at,
            action,
            predicted,
            propensities,
            loyalty_invited: household.invited,
            loyalty_joined: joined,
            redeemed_at: redeemed.then(|| decided_at + (DAY * delay) as i64),
            outcome: Outcome {
                value: cents(value),
                cost: if redeemed { action.cost_if_redeemed(&user) } else { 0.0 },
            },
        }
    }

    /// Every user gets one decision, which therefore has the user's number.
    pub(super) fn id(&self) -> i64 {
        self.user.id
    }

    /// Returns the entry of the action that was taken.
    pub(super) fn of_action<T: Copy>(&self, entries: &PerAction<T>) -> T {
        entries[self.action as usize]
    }
}

/// Draws the decisions about the first `users` users.
pub(super) fn campaign(seed: u64, users: usize) -> impl Iterator<Item = Decision> {
    population(seed, users).map(move |(household, user)| Decision::draw(seed, &household, user))
}

fn usual_delay_days(channel: Channel) -> f64 {
    match channel {
        Channel::Push => 4.0,
        Channel::Email => 9.0,
        Channel::App => 6.0,
    }
}
