//! The price of a single limit, exact: the breakpoint at which the best pairs stop breaking it.
//!
//! What the best pairs use falls as the price rises, so the dual function is convex and piecewise linear in the price.
//! Its minimum lies between a price at which the limit is broken and one at which it is kept; the supporting lines at
//! the two meet at a lower bound of it.

use super::model::{Model, Side};
use super::passes::Exact;

/// The dual function's relative distance from its minimum at which the price counts as found.
const ENOUGH: f64 = 1e-12;
/// And from which on the lines are trusted to meet there.
const NEARLY: f64 = 1e-9;
/// Passes after which the bracket is taken as it is.
const PASSES: usize = 200;

/// How far, as a factor, the price of all units is looked for around that of a sample.
const NEAR: f64 = 1.03;

/// A price of the limit and what is known there.
struct Point {
    price: f64,
    dual: f64,
    /// Bound minus use: the slope of the dual function.
    slope: f64,
}

impl Model<'_> {
    /// Lowers the dual function along one limit, the other multipliers being zero; returns the multipliers.
    pub(super) fn price_single(&self, limit: usize, passes: &mut u64) -> Vec<f64> {
        let sign = if self.at_zero_is_over(limit) { 1.0 } else { -1.0 };
        let multipliers = |price: f64| {
            let mut multipliers = vec![0.0; self.limits.len()];
            multipliers[limit] = sign * price;
            multipliers
        };
        let mut point = |price: f64| {
            *passes += 1;
            let Exact { dual, used } = self.exact(&multipliers(price));
            let unused = self.limits[limit].bound - used[limit];
            // A limit met up to rounding is met: no price would bring more.
            let unused = if unused.abs() <= self.limits[limit].rounding { 0.0 } else { unused };
            Point { price, dual, slope: sign * unused }
        };
        let penalty = self.limits[limit].penalty;
        let mut low = point(0.0);
        let mut high;
        match self.sample() {
            // The sample's price is near: a few percent around it hold the price of all.
            Some(sample) => {
                let near = sample.price_single(limit, &mut 0)[limit].abs();
                high = point((near * NEAR).min(penalty));
                let below = point(near / NEAR);
                if below.slope < 0.0 {
                    low = below;
                } else {
                    high = below;
                }
            }
            None => high = point((self.typical_worth() / self.typical_additions()[limit]).min(penalty)),
        }
        while high.slope < 0.0 && high.price < penalty && high.price < f64::MAX / 32.0 {
            low = high;
            high = point((low.price * 16.0).min(penalty));
        }
        // The slopes as the secant sees them: that of an end which stays is halved, so that it moves too (Illinois).
        let (mut low_slope, mut high_slope) = (low.slope, high.slope);
        for pass in 0..PASSES {
            if low.slope >= 0.0 || high.slope <= 0.0 {
                break;
            }
            // Where the supporting lines meet, a lower bound of the minimum.
            let meet = (high.dual - low.dual + low.slope * low.price - high.slope * high.price)
                / (low.slope - high.slope);
            let least = low.dual + low.slope * (meet - low.price);
            let distance = (low.dual.min(high.dual) - least) / least.abs();
            if distance <= ENOUGH {
                break;
            }
            let between = |price: f64| price > low.price && price < high.price;
            let price = if distance < NEARLY {
                meet
            } else if pass % 8 == 7 {
                middle(low.price, high.price)
            } else {
                low.price - low_slope * (high.price - low.price) / (high_slope - low_slope)
            };
            let price = if between(price) { price } else { middle(low.price, high.price) };
            if !between(price) {
                break;
            }
            let next = point(price);
            if next.slope < 0.0 {
                (low_slope, low) = (next.slope, next);
                high_slope *= 0.5;
            } else {
                (high_slope, high) = (next.slope, next);
                low_slope *= 0.5;
            }
        }
        let best = if low.dual < high.dual { low } else { high };
        multipliers(best.price)
    }

    /// Whether a limit wants its sum lower than it is at price zero.
    fn at_zero_is_over(&self, limit: usize) -> bool {
        let limit = (limit, &self.limits[limit]);
        match limit.1.side {
            Side::AtMost => true,
            Side::AtLeast => false,
            Side::Equal => self.exact(&vec![0.0; self.limits.len()]).used[limit.0] > limit.1.bound,
        }
    }
}

/// Halfway between two prices by size: their geometric mean, as prices span orders of magnitude.
fn middle(low: f64, high: f64) -> f64 {
    if low > 0.0 && high / low > 4.0 { (low * high).sqrt() } else { 0.5 * (low + high) }
}
