//! One pass over all units at given multipliers: the dual function, what the best pairs use, and both smoothed.
//!
//! Smoothed, each unit takes pair `k` with probability `p_k` proportional to `exp(reduced_k / tau)`, no offer having
//! `reduced = 0`, and `max` becomes `tau log sum exp`: the dual function is then smooth and a little higher.
//! Source: Nesterov (2005), "Smooth Minimization of Non-Smooth Functions".

use std::thread;

use super::model::{Model, Totals};
use super::problem::{Coefficients, NO_OFFER};

/// Parts of the units whose sums are made apart and merged in order, so that the number of threads changes nothing.
const PARTS: usize = 16;
/// And where there are so many limits that the sums, of which there is one for each two limits, are large.
const FEW_PARTS: usize = 4;
const MANY_LIMITS: usize = 128;
/// Pairs below which threads cost more than they save.
const PAIRS_FOR_THREADS: usize = 40_000;
/// Differences of `reduced / tau` beyond which a probability is zero.
const FAR: f64 = 40.0;

fn parts(limits: usize) -> usize {
    if limits > MANY_LIMITS { FEW_PARTS } else { PARTS }
}

/// Bytes that the sums of a pass, and the system made of them, take at some number of limits.
pub(crate) fn size_of_sums(limits: usize) -> usize {
    (parts(limits) + 3) * limits * limits * size_of::<f64>()
}

/// The dual function at some multipliers, and what the best pairs use of each limit.
pub(super) struct Exact {
    pub(super) dual: f64,
    pub(super) used: Vec<f64>,
}

/// The smoothed dual function with its derivatives beside the exact one.
pub(super) struct Smoothed {
    pub(super) exact: f64,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
    /// Second derivatives, by rows.
    pub(super) hessian: Vec<f64>,
}

impl Model<'_> {
    fn parts(&self) -> usize {
        parts(self.limits.len())
    }

    /// Units of a part.
    fn units_of(&self, part: usize) -> std::ops::Range<usize> {
        let (units, parts) = (self.pairs.units(), self.parts());
        part * units / parts..(part + 1) * units / parts
    }

    /// As [`Self::units_of`]; none once the work is to end, when sums over them mean nothing any more.
    pub(super) fn units_to_sum(&self, units: std::ops::Range<usize>) -> std::ops::Range<usize> {
        if self.is_stopped() { units.start..units.start } else { units }
    }

    /// What `sums` makes of each part of the units, in order.
    pub(super) fn by_parts<T: Send>(&self, sums: impl Fn(std::ops::Range<usize>) -> T + Sync) -> Vec<T> {
        let threads = if self.pairs.value.len() < PAIRS_FOR_THREADS {
            1
        } else {
            self.threads().clamp(1, self.parts())
        };
        self.tell_pass();
        if threads == 1 {
            return (0..self.parts()).map(|part| sums(self.units_of(part))).collect();
        }
        let work = |first: usize| {
            let parts = (first..self.parts()).step_by(threads);
            parts.map(|part| (part, sums(self.units_of(part)))).collect::<Vec<_>>()
        };
        let mut done: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || work(first))).collect();
            let mut done = work(0);
            for other in others {
                done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            done
        });
        done.sort_by_key(|(part, _)| *part);
        done.into_iter().map(|(_, sums)| sums).collect()
    }

    /// The best pair of a unit and what it is worth beyond its price; no offer unless a pair is worth more.
    #[inline]
    pub(super) fn best(&self, prices: &[Coefficients], unit: usize) -> (u32, f64) {
        let mut best = (NO_OFFER, 0.0);
        for pair in self.pairs.of(unit) {
            let reduced = prices[self.class[pair] as usize].of(self.pairs.value[pair], self.pairs.cost[pair]);
            if reduced > best.1 {
                best = (pair as u32, reduced);
            }
        }
        best
    }

    /// The best pair of each unit.
    pub(super) fn choose(&self, multipliers: &[f64]) -> Vec<u32> {
        let prices = self.prices(multipliers);
        self.by_parts(|units| units.map(|unit| self.best(&prices, unit).0).collect::<Vec<_>>()).concat()
    }

    /// By how much each unit's best choice is better than its second best.
    pub(super) fn margins(&self, multipliers: &[f64]) -> Vec<f64> {
        let prices = self.prices(multipliers);
        let margin = |unit: usize| {
            let (mut best, mut second) = (0.0, f64::NEG_INFINITY);
            for pair in self.pairs.of(unit) {
                let reduced = self.reduced(&prices, pair as u32);
                if reduced > best {
                    (best, second) = (reduced, best);
                } else if reduced > second {
                    second = reduced;
                }
            }
            best - second
        };
        self.by_parts(|units| units.map(margin).collect::<Vec<_>>()).concat()
    }

    /// The dual function and what the best pairs use.
    pub(super) fn exact(&self, multipliers: &[f64]) -> Exact {
        let prices = self.prices(multipliers);
        let parts = self.by_parts(|units| {
            let (mut dual, mut totals) = (0.0, vec![Totals::default(); prices.len()]);
            for unit in self.units_to_sum(units) {
                let (pair, reduced) = self.best(&prices, unit);
                if pair != NO_OFFER {
                    dual += reduced;
                    let pair = pair as usize;
                    totals[self.class[pair] as usize].add(1.0, self.pairs.value[pair], self.pairs.cost[pair]);
                }
            }
            (dual, totals)
        });
        let (mut dual, mut totals) =
            (self.price_of_bounds(multipliers), vec![Totals::default(); prices.len()]);
        for (part, of_part) in parts {
            dual += part;
            totals.iter_mut().zip(&of_part).for_each(|(all, part)| all.merge(part));
        }
        Exact { dual, used: self.used(&totals) }
    }

    /// The smoothed dual function and its derivatives.
    pub(super) fn smoothed(&self, multipliers: &[f64], tau: f64) -> Smoothed {
        let prices = self.prices(multipliers);
        let limits = self.limits.len();
        let parts = self.by_parts(|units| {
            let mut sums = SmoothSums::new(prices.len(), limits);
            let mut unit_sums = UnitSums::new(limits);
            for unit in self.units_to_sum(units) {
                sums.add(self, &prices, unit, tau, &mut unit_sums);
            }
            sums
        });
        let mut all = SmoothSums::new(prices.len(), limits);
        parts.iter().for_each(|part| all.merge(part));
        let used = self.used(&all.totals);
        self.add_second_moments(&all.moments, &mut all.between);
        let bounds = self.price_of_bounds(multipliers);
        Smoothed {
            exact: bounds + all.exact,
            value: bounds + all.value,
            gradient: self.limits.iter().zip(used).map(|(limit, used)| limit.bound - used).collect(),
            hessian: all.between.into_iter().map(|x| x / tau).collect(),
        }
    }

    /// Adds `sum p a_r a_s` over the pairs to the entry of each two limits `r` and `s`.
    fn add_second_moments(&self, moments: &[SecondMoments], entries: &mut [f64]) {
        for (moments, limits) in moments.iter().zip(&self.counted_by) {
            if moments.0[0] == 0.0 {
                continue;
            }
            for &r in limits {
                for &s in limits {
                    let (a, b) = (self.limits[r as usize].adds, self.limits[s as usize].adds);
                    entries[r as usize * self.limits.len() + s as usize] += moments.product(a, b);
                }
            }
        }
    }
}

/// Sums of `p`, `p c`, `p v`, `p c c`, `p c v` and `p v v` over pairs of probability `p`, cost `c` and value `v`.
#[derive(Clone, Copy, Default)]
struct SecondMoments([f64; 6]);

impl SecondMoments {
    #[inline]
    fn add(&mut self, p: f64, value: f64, cost: f64) {
        let terms = [p, p * cost, p * value, p * cost * cost, p * cost * value, p * value * value];
        self.0.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }

    /// Sum of `p a b` for what two limits count.
    fn product(&self, a: Coefficients, b: Coefficients) -> f64 {
        let [n, c, v, cc, cv, vv] = self.0;
        a.count * b.count * n
            + (a.count * b.cost + a.cost * b.count) * c
            + (a.count * b.value + a.value * b.count) * v
            + a.cost * b.cost * cc
            + (a.cost * b.value + a.value * b.cost) * cv
            + a.value * b.value * vv
    }
}

/// Sums over some units at one smoothness.
struct SmoothSums {
    exact: f64,
    value: f64,
    /// By class, weighted by probability.
    totals: Vec<Totals>,
    /// By class, of the pairs of units that are not decided.
    moments: Vec<SecondMoments>,
    /// Minus the sum of the products of what each of these units uses of two limits.
    between: Vec<f64>,
}

impl SmoothSums {
    fn new(classes: usize, limits: usize) -> Self {
        Self {
            exact: 0.0,
            value: 0.0,
            totals: vec![Totals::default(); classes],
            moments: vec![SecondMoments::default(); classes],
            between: vec![0.0; limits * limits],
        }
    }

    fn add(&mut self, model: &Model, prices: &[Coefficients], unit: usize, tau: f64, sums: &mut UnitSums) {
        let pairs = &*model.pairs;
        sums.reduced.clear();
        let mut best = 0.0_f64;
        for pair in pairs.of(unit) {
            let reduced = prices[model.class[pair] as usize].of(pairs.value[pair], pairs.cost[pair]);
            sums.reduced.push(reduced);
            best = best.max(reduced);
        }
        self.exact += best;
        let mut weight = if best <= FAR * tau { libm::exp(-best / tau) } else { 0.0 };
        let (mut near, mut last) = (usize::from(weight > 0.0), None);
        for (i, reduced) in sums.reduced.iter_mut().enumerate() {
            let distance = best - *reduced;
            *reduced = if distance <= FAR * tau { libm::exp(-distance / tau) } else { 0.0 };
            weight += *reduced;
            if *reduced > 0.0 {
                (near, last) = (near + 1, Some(i));
            }
        }
        let first = pairs.of(unit).start;
        if near == 1 {
            // Decided: the choice does not move with the prices.
            self.value += best;
            if let Some(i) = last {
                let pair = first + i;
                self.totals[model.class[pair] as usize].add(1.0, pairs.value[pair], pairs.cost[pair]);
            }
            return;
        }
        self.value += best + tau * libm::log(weight);
        for (i, weighted) in sums.reduced.iter().enumerate().filter(|(_, weighted)| **weighted > 0.0) {
            let (pair, p) = (first + i, weighted / weight);
            let (class, value, cost) = (model.class[pair] as usize, pairs.value[pair], pairs.cost[pair]);
            self.totals[class].add(p, value, cost);
            self.moments[class].add(p, value, cost);
            for &limit in &model.counted_by[class] {
                let limit = limit as usize;
                if !std::mem::replace(&mut sums.is_touched[limit], true) {
                    sums.touched.push(limit);
                }
                sums.used[limit] += p * model.limits[limit].adds.of(value, cost);
            }
        }
        let limits = model.limits.len();
        for &r in &sums.touched {
            for &s in &sums.touched {
                self.between[r * limits + s] -= sums.used[r] * sums.used[s];
            }
        }
        for limit in sums.touched.drain(..) {
            sums.used[limit] = 0.0;
            sums.is_touched[limit] = false;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.exact += other.exact;
        self.value += other.value;
        self.totals.iter_mut().zip(&other.totals).for_each(|(a, b)| a.merge(b));
        for (a, b) in self.moments.iter_mut().zip(&other.moments) {
            a.0.iter_mut().zip(b.0).for_each(|(a, b)| *a += b);
        }
        self.between.iter_mut().zip(&other.between).for_each(|(a, b)| *a += b);
    }
}

/// What one unit uses of the limits that its pairs touch.
struct UnitSums {
    reduced: Vec<f64>,
    used: Vec<f64>,
    is_touched: Vec<bool>,
    touched: Vec<usize>,
}

impl UnitSums {
    fn new(limits: usize) -> Self {
        Self { reduced: vec![], used: vec![0.0; limits], is_touched: vec![false; limits], touched: vec![] }
    }
}
