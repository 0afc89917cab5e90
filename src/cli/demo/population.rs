//! Who takes part: households, and the users who live in them.

use super::random::{Draws, Purpose};

/// Share of households invited to the loyalty program.
pub(super) const INVITED_SHARE: f64 = 0.4;

/// Where a user stands, by how long ago the last order was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifecycle {
    New,
    Active,
    Lapsing,
    Lapsed,
}

impl Lifecycle {
    pub(super) const COUNT: usize = 4;
    pub(super) const ALL: [Self; Self::COUNT] = [Self::New, Self::Active, Self::Lapsing, Self::Lapsed];
    const SHARES: [f64; Self::COUNT] = [0.15, 0.40, 0.25, 0.20];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Lapsing => "lapsing",
            Self::Lapsed => "lapsed",
        }
    }
}

/// How messages reach a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Push,
    Email,
    App,
}

impl Channel {
    const ALL: [Self; 3] = [Self::Push, Self::Email, Self::App];
    const SHARES: [f64; 3] = [0.40, 0.35, 0.25];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Email => "email",
            Self::App => "app",
        }
    }
}

/// One to three users whose orders go up and down together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Household {
    pub(super) id: i64,
    pub(super) size: usize,
    /// Orders and redeems more in these weeks. In no file: it is what confounds "redeemed against
    /// not redeemed".
    pub(super) busy: bool,
    /// Randomised, with probability [`INVITED_SHARE`].
    pub(super) invited: bool,
    basket_scale: f64,
}

impl Household {
    fn draw(seed: u64, id: i64) -> Self {
        let mut draws = Draws::new(seed, Purpose::Household, id);
        Self {
            id,
            size: 1 + draws.index(&[0.45, 0.35, 0.20]),
            busy: draws.chance(0.5),
            invited: draws.chance(INVITED_SHARE),
            basket_scale: draws.noise_around_one(0.25),
        }
    }
}

/// A user and the features that are known before the campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) household_id: i64,
    pub(super) lifecycle: Lifecycle,
    pub(super) channel: Channel,
    pub(super) recency_days: i32,
    pub(super) tenure_days: i32,
    pub(super) orders_90d: i32,
    /// In dollars.
    pub(super) average_basket: f64,
    /// Share of past orders that were placed with a discount.
    pub(super) discount_share: f64,
}

impl User {
    fn draw(seed: u64, household: &Household, id: i64) -> Self {
        let mut draws = Draws::new(seed, Purpose::User, id);
        let lifecycle = Lifecycle::ALL[draws.index(&Lifecycle::SHARES)];
        let (recency, tenure, orders) = match lifecycle {
            Lifecycle::New => ((0, 14), (15, 30), 2.0),
            Lifecycle::Active => ((0, 13), (31, 1500), 8.0),
            Lifecycle::Lapsing => ((14, 59), (60, 1500), 2.0),
            Lifecycle::Lapsed => ((90, 240), (241, 1500), 0.0),
        };
        Self {
            id,
            household_id: household.id,
            lifecycle,
            channel: Channel::ALL[draws.index(&Channel::SHARES)],
            recency_days: draws.between(recency.0, recency.1),
            tenure_days: draws.between(tenure.0, tenure.1),
            orders_90d: draws.poisson(orders) as i32,
            average_basket: cents(32.0 * household.basket_scale * draws.noise_around_one(0.35)),
            discount_share: cents(draws.uniform().powf(1.5)),
        }
    }
}

/// Draws the first `users` users, household by household; the last household may be cut short.
pub(super) fn population(seed: u64, users: usize) -> impl Iterator<Item = (Household, User)> {
    (1..)
        .map(move |id| Household::draw(seed, id))
        .flat_map(|household| std::iter::repeat_n(household, household.size))
        .zip(1..)
        .take(users)
        .map(move |(household, id)| (household, User::draw(seed, &household, id)))
}

/// Rounds dollars to whole cents.
pub(super) fn cents(dollars: f64) -> f64 {
    (dollars * 100.0).round() / 100.0
}
