//! How users respond: the truth that the estimators have to find.
//!
//! An offer works only when it is redeemed, and costs only then. Busy households order more with or
//! without an offer and redeem more often, active users redeem often but would have ordered anyway,
//! and members of the loyalty program need an offer less. Every mean is a sum over the few hidden
//! states, so expectations are exact.

use super::population::{Channel, Lifecycle, User, cents};

/// What the campaign can do for a user, no offer first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    NoOffer,
    FreeDelivery,
    Discount5,
    Discount10,
    Cashback,
}

impl Action {
    pub(super) const COUNT: usize = 5;
    pub(super) const ALL: [Self; Self::COUNT] =
        [Self::NoOffer, Self::FreeDelivery, Self::Discount5, Self::Discount10, Self::Cashback];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoOffer => "no_offer",
            Self::FreeDelivery => "free_delivery",
            Self::Discount5 => "discount_5",
            Self::Discount10 => "discount_10",
            Self::Cashback => "cashback",
        }
    }

    /// Relative chance that a user takes the offer up.
    pub(super) fn appeal(self) -> f64 {
        match self {
            Self::NoOffer => 0.0,
            Self::FreeDelivery => 0.7,
            Self::Discount5 => 0.8,
            Self::Discount10 => 1.0,
            Self::Cashback => 0.6,
        }
    }

    /// Orders that a redeemed offer adds for a user of average responsiveness.
    pub(super) fn pull(self) -> f64 {
        match self {
            Self::NoOffer => 0.0,
            Self::FreeDelivery => 0.45,
            Self::Discount5 => 0.60,
            Self::Discount10 => 0.95,
            Self::Cashback => 0.40,
        }
    }

    /// Dollars paid when `user` redeems the offer.
    pub(super) fn cost_if_redeemed(self, user: &User) -> f64 {
        match self {
            Self::NoOffer => 0.0,
            Self::FreeDelivery => 3.0,
            Self::Discount5 => 5.0,
            Self::Discount10 => 10.0,
            Self::Cashback => cents(0.1 * user.average_basket),
        }
    }
}

/// One number per action, in the order of [`Action::ALL`].
pub(super) type PerAction<T> = [T; Action::COUNT];

/// Margin earned and incentive paid over the 28 days after a decision, in dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) value: f64,
    pub(super) cost: f64,
}

impl Outcome {
    /// Returns the mean outcome when actions are drawn with the given probabilities.
    pub(super) fn mix(probabilities: &PerAction<f64>, outcomes: &PerAction<Self>) -> Self {
        (probabilities.iter().zip(outcomes))
            .fold(Self::default(), |sum, (probability, outcome)| sum.plus(outcome.times(*probability)))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { value: self.value + other.value, cost: self.cost + other.cost }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.plus(other.times(-1.0))
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, cost: self.cost * factor }
    }

    pub(super) fn net_value(self) -> f64 {
        self.value - self.cost
    }
}

/// Orders that joining the loyalty program adds over 28 days.
pub(super) const JOINING_PULL: f64 = 0.3;
/// How much of an offer's pull is left for a member of the loyalty program.
pub(super) const PULL_LEFT_FOR_MEMBERS: f64 = 0.6;

/// Margin per order, in dollars.
pub(super) fn margin(user: &User) -> f64 {
    0.3 * user.average_basket
}

/// Orders in 28 days without any program, averaged over busy and quiet households.
pub(super) fn usual_orders(user: &User) -> f64 {
    let at_least = match user.lifecycle {
        Lifecycle::New => 0.6,
        Lifecycle::Active => 0.4,
        Lifecycle::Lapsing => 0.3,
        Lifecycle::Lapsed => 0.15,
    };
    at_least + 0.2 * f64::from(user.orders_90d)
}

/// How orders of a busy or a quiet household compare to the usual ones. Means 1 over the two.
pub(super) fn mood(busy: bool) -> f64 {
    if busy { 1.4 } else { 0.6 }
}

/// Chance that an invited user joins the loyalty program.
pub(super) fn joining_rate(busy: bool) -> f64 {
    if busy { 0.7 } else { 0.4 }
}

/// Chance that the user redeems the offer within 28 days.
pub(super) fn redemption_rate(user: &User, action: Action, busy: bool) -> f64 {
    let lifecycle = match user.lifecycle {
        Lifecycle::New => 0.45,
        Lifecycle::Active => 0.60,
        Lifecycle::Lapsing => 0.40,
        Lifecycle::Lapsed => 0.20,
    };
    let channel = match user.channel {
        Channel::Push => 1.0,
        Channel::Email => 0.8,
        Channel::App => 1.1,
    };
    lifecycle * channel * action.appeal() * if busy { 1.25 } else { 0.75 }
}

/// Orders that the offer adds when the user redeems it and is no member of the loyalty program.
pub(super) fn extra_orders(user: &User, action: Action) -> f64 {
    let lifecycle = match user.lifecycle {
        Lifecycle::New => 1.0,
        Lifecycle::Active => 0.4,
        Lifecycle::Lapsing => 1.5,
        Lifecycle::Lapsed => 1.0,
    };
    lifecycle * (0.6 + user.discount_share) * action.pull()
}

/// Mean outcome of an action when the user is invited to the loyalty program with the given
/// probability.
pub(super) fn expected(user: &User, action: Action, invited: f64) -> Outcome {
    let outcome = |busy| {
        let joined = invited * joining_rate(busy);
        let redeemed = redemption_rate(user, action, busy);
        let pull_left = 1.0 - joined * (1.0 - PULL_LEFT_FOR_MEMBERS);
        let orders = usual_orders(user) * mood(busy)
            + joined * JOINING_PULL
            + redeemed * extra_orders(user, action) * pull_left;
        Outcome { value: margin(user) * orders, cost: redeemed * action.cost_if_redeemed(user) }
    };
    outcome(false).plus(outcome(true)).times(0.5)
}
