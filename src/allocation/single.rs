//! The price of a single limit, exact: the breakpoint at which the best pairs stop breaking it.
//!
//! What the best pairs use falls as the price rises, so the dual function is convex and piecewise linear in the price.
//! Its minimum lies between a price at which the limit is broken and one at which it is kept; the supporting lines at
//! the two meet at a lower bound of it. Of many units only those that choose differently at the two are looked at again.

use super::dual::FEW_UNITS;
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
#[derive(Clone, Copy)]
struct Point {
    price: f64,
    dual: f64,
    /// Bound minus use: the slope of the dual function.
    slope: f64,
}

/// A limit of a model, and the sign of its multiplier.
struct Single<'a> {
    model: &'a Model<'a>,
    limit: usize,
    sign: f64,
}

impl Model<'_> {
    /// Lowers the dual function along one limit, the other multipliers being zero; returns the multipliers.
    pub(super) fn price_single(&self, limit: usize, passes: &mut u64) -> Vec<f64> {
        let sign = if self.at_zero_is_over(limit) { 1.0 } else { -1.0 };
        let single = Single { model: self, limit, sign };
        let [low, high] = single.bracket(passes);
        let [low, high] = match single.undecided(low.price, high.price, passes) {
            Some(part) => Single { model: &part, limit, sign }.tightened(low.price, high.price, passes),
            None => single.tighten(low, high, passes),
        };
        let best = if low.dual < high.dual { low } else { high };
        single.multipliers(best.price)
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

impl Single<'_> {
    fn multipliers(&self, price: f64) -> Vec<f64> {
        let mut multipliers = vec![0.0; self.model.limits.len()];
        multipliers[self.limit] = self.sign * price;
        multipliers
    }

    fn point(&self, price: f64, passes: &mut u64) -> Point {
        *passes += 1;
        let Exact { dual, used } = self.model.exact(&self.multipliers(price));
        let limit = &self.model.limits[self.limit];
        let unused = limit.bound - used[self.limit];
        // A limit met up to rounding is met: no price would bring more.
        let unused = if unused.abs() <= limit.rounding { 0.0 } else { unused };
        Point { price, dual, slope: self.sign * unused }
    }

    /// Prices between which the dual function is least.
    fn bracket(&self, passes: &mut u64) -> [Point; 2] {
        let penalty = self.model.limits[self.limit].penalty;
        // The price of a sample is near: a few percent around it hold the price of all.
        let of_sample = self.model.sample().map(|sample| sample.price_single(self.limit, &mut 0)[self.limit]);
        let (mut low, mut high) = match of_sample.map(f64::abs).filter(|&near| near > 0.0) {
            Some(near) => {
                let below = self.point(near / NEAR, passes);
                if below.slope < 0.0 {
                    (below, self.point((near * NEAR).min(penalty), passes))
                } else {
                    (self.point(0.0, passes), below)
                }
            }
            None => {
                let (worth, additions) = (self.model.typical_worth(), self.model.typical_additions());
                let typical = (worth / additions[self.limit]).min(penalty);
                (self.point(0.0, passes), self.point(typical, passes))
            }
        };
        while high.slope < 0.0 && high.price < penalty && high.price < f64::MAX / 32.0 {
            low = high;
            high = self.point((low.price * 16.0).min(penalty), passes);
        }
        [low, high]
    }

    /// The units whose best pairs are not the same at two prices; `None` where there is no need to leave out the others.
    ///
    /// What is best at both is best between them: what pairs are worth at a price are lines.
    fn undecided(&self, low: f64, high: f64, passes: &mut u64) -> Option<Model<'static>> {
        let model = self.model;
        if model.pairs.units() <= FEW_UNITS || low >= high {
            return None;
        }
        *passes += 1;
        let [low, high] = [low, high].map(|price| model.prices(&self.multipliers(price)));
        let parts = model.by_parts(|units| {
            let (mut undecided, mut used, mut objective) = (vec![], 0.0, 0.0);
            for unit in units {
                let pair = model.best(&low, unit).0;
                if pair != model.best(&high, unit).0 {
                    undecided.push(unit as u32);
                    continue;
                }
                model.additions(pair, |limit, by| used += if limit == self.limit { by } else { 0.0 });
                objective += model.worth(pair);
            }
            (undecided, used, objective)
        });
        let mut used = vec![0.0; model.limits.len()];
        let (mut undecided, mut objective) = (vec![], 0.0);
        for (units, used_of_part, objective_of_part) in parts {
            undecided.extend(units);
            used[self.limit] += used_of_part;
            objective += objective_of_part;
        }
        if undecided.len() > model.pairs.units() / 2 {
            return None;
        }
        let mut part = model.part(&undecided, &used, 1.0);
        part.objective_elsewhere = objective;
        Some(part)
    }

    fn tightened(&self, low: f64, high: f64, passes: &mut u64) -> [Point; 2] {
        let [low, high] = [low, high].map(|price| self.point(price, passes));
        self.tighten(low, high, passes)
    }

    /// Brings two prices as near to the least dual function as sums can tell.
    fn tighten(&self, mut low: Point, mut high: Point, passes: &mut u64) -> [Point; 2] {
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
            let of_all = (least + self.model.objective_elsewhere).abs();
            let distance = (low.dual.min(high.dual) - least) / of_all;
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
            let next = self.point(price, passes);
            if next.slope < 0.0 {
                (low_slope, low) = (next.slope, next);
                high_slope *= 0.5;
            } else {
                (high_slope, high) = (next.slope, next);
                low_slope *= 0.5;
            }
        }
        [low, high]
    }
}

/// Halfway between two prices by size: their geometric mean, as prices span orders of magnitude.
fn middle(low: f64, high: f64) -> f64 {
    if low > 0.0 && high / low > 4.0 { (low * high).sqrt() } else { 0.5 * (low + high) }
}
