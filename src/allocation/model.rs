//! The problem as the solver sees it: one-sided limits, and an objective by class of pairs.
//!
//! Each limit `r` has a multiplier `y_r`: at least zero for a cap, at most zero for a minimum, any for an equality. With
//! `a_rk` for what pair `k` adds to limit `r` and `b_r` for its bound, the dual function
//! `g(y) = sum_r b_r y_r + sum_u max(0, max_{k in u} objective_k - sum_r y_r a_rk)`
//! is at least the objective of every plan that keeps the limits.
//! Source: Sinha and Zoltners (1979); Fisher (1981), "The Lagrangian Relaxation Method for Solving Integer Programming
//! Problems".

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use super::Effort;
use super::problem::{Coefficients, NO_OFFER, Pairs, Problem};
use crate::math::Sum;

/// Which side of its bound a sum must stay on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    AtMost,
    AtLeast,
    Equal,
}

/// A limit on a sum over the chosen pairs that it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) adds: Coefficients,
    pub(super) bound: f64,
    pub(super) side: Side,
    /// How far beyond the bound a sum still counts as equal to it.
    pub(super) rounding: f64,
    /// The most that its multiplier may be in size: the price of breaking it by one.
    pub(super) penalty: f64,
    /// Position of the guardrail it is a side of.
    pub(super) guardrail: usize,
}

/// Share of a limit, or of the least that a pair adds where it is zero, within which a sum counts as equal to it: the
/// rounding of decimal amounts.
const ROUNDING: f64 = 5e-13;

/// How far beyond a limit a sum counts as equal to it, given the least size that a pair adds.
pub(super) fn rounding(limit: f64, least: f64) -> f64 {
    ROUNDING * if limit == 0.0 { least } else { limit.abs() }
}

impl Limit {
    /// How far a sum is on the wrong side, zero when it keeps the limit.
    #[inline]
    pub(super) fn excess(&self, used: f64) -> f64 {
        let over = match self.side {
            Side::AtMost => used - self.bound,
            Side::AtLeast => self.bound - used,
            Side::Equal => (used - self.bound).abs(),
        };
        if over <= self.rounding { 0.0 } else { over }
    }

    /// How far the least that can be used is above a limit; zero of a minimum.
    pub(super) fn overrun(&self, least: f64) -> f64 {
        if self.side == Side::AtLeast || least <= self.bound { 0.0 } else { self.excess(least) }
    }

    /// How far the most that can be used is below a limit; zero of a cap.
    pub(super) fn shortfall(&self, most: f64) -> f64 {
        if self.side == Side::AtMost || most >= self.bound { 0.0 } else { self.excess(most) }
    }

    /// The nearest multiplier that is allowed.
    pub(super) fn clamp(&self, multiplier: f64) -> f64 {
        match self.side {
            Side::AtMost => multiplier.clamp(0.0, self.penalty),
            Side::AtLeast => multiplier.clamp(-self.penalty, 0.0),
            Side::Equal => multiplier.clamp(-self.penalty, self.penalty),
        }
    }
}

/// Pairs, limits and an objective.
#[derive(Clone, Debug)]
pub(super) struct Model<'a> {
    pub(super) pairs: Cow<'a, Pairs>,
    /// The class of each pair, in place of the one in `pairs`: one of its own where the pair is closed.
    pub(super) class: Cow<'a, [u32]>,
    pub(super) limits: Vec<Limit>,
    /// The limits that count the pairs of each class, ascending.
    pub(super) counted_by: Vec<Vec<u32>>,
    /// What a pair of each class is worth.
    pub(super) objective: Vec<Coefficients>,
    /// Objective of units that are not in the model, which gaps are a share of too.
    pub(super) objective_elsewhere: f64,
    effort: Effort,
}

impl<'a> Model<'a> {
    /// The model of a problem: its finite limits, and `value - floor · cost` as the objective.
    pub(super) fn new(problem: &'a Problem, effort: &Effort) -> Self {
        let mut limits = vec![];
        let mut limits_of = vec![];
        for (guardrail, rail) in problem.guardrails.iter().enumerate() {
            let limit = |of_all: f64, side| Limit {
                adds: rail.adds,
                bound: of_all - rail.taken,
                side,
                rounding: rounding(of_all, 0.0),
                penalty: f64::INFINITY,
                guardrail,
            };
            let from = limits.len() as u32;
            if rail.minimum == rail.maximum {
                limits.push(limit(rail.maximum, Side::Equal));
            } else {
                if rail.maximum.is_finite() {
                    limits.push(limit(rail.maximum, Side::AtMost));
                }
                if rail.minimum.is_finite() {
                    limits.push(limit(rail.minimum, Side::AtLeast));
                }
            }
            limits_of.push(from..limits.len() as u32);
        }
        let counted_by =
            |rails: &Vec<u32>| rails.iter().flat_map(|&rail| limits_of[rail as usize].clone()).collect();
        let mut model = Self {
            pairs: Cow::Borrowed(&problem.pairs),
            class: Cow::Borrowed(&problem.pairs.class),
            counted_by: problem.classes.iter().map(counted_by).collect(),
            objective: vec![
                Coefficients { count: 0.0, cost: -problem.floor, value: 1.0 };
                problem.classes.len()
            ],
            limits,
            objective_elsewhere: 0.0,
            effort: effort.clone(),
        };
        let is_zero: Vec<bool> = model.limits.iter().map(|limit| limit.rounding == 0.0).collect();
        if is_zero.contains(&true) {
            let least = model.least_sizes_of_additions(&is_zero);
            for (limit, least) in
                model.limits.iter_mut().zip(least).filter(|(limit, _)| limit.rounding == 0.0)
            {
                limit.rounding = rounding(0.0, least);
            }
        }
        model
    }

    /// How many threads may work.
    pub(super) fn threads(&self) -> usize {
        self.effort.threads
    }

    /// Whether a plan near the best is enough.
    pub(super) fn is_quick(&self) -> bool {
        self.effort.is_quick
    }

    /// Tells those who wait of a pass.
    pub(super) fn tell_pass(&self) {
        (self.effort.on_pass)();
    }

    /// Whether the work was ended from outside; passes are empty from then on.
    pub(super) fn is_stopped(&self) -> bool {
        self.effort.stopped.load(Ordering::Relaxed)
    }

    /// What a pair is worth, zero for no offer.
    #[inline]
    pub(super) fn worth(&self, pair: u32) -> f64 {
        self.of_pair(pair, |class| self.objective[class])
    }

    /// What a pair is worth beyond the price of what it uses, zero for no offer.
    #[inline]
    pub(super) fn reduced(&self, prices: &[Coefficients], pair: u32) -> f64 {
        self.of_pair(pair, |class| prices[class])
    }

    #[inline]
    fn of_pair(&self, pair: u32, coefficients: impl Fn(usize) -> Coefficients) -> f64 {
        if pair == NO_OFFER {
            return 0.0;
        }
        let pair = pair as usize;
        coefficients(self.class[pair] as usize).of(self.pairs.value[pair], self.pairs.cost[pair])
    }

    /// The limits that count a pair, ascending, none for no offer.
    #[inline]
    pub(super) fn limits_of(&self, pair: u32) -> &[u32] {
        if pair == NO_OFFER { &[] } else { &self.counted_by[self.class[pair as usize] as usize] }
    }

    #[inline]
    fn adds(&self, limit: u32, pair: u32) -> f64 {
        let pair = pair as usize;
        self.limits[limit as usize].adds.of(self.pairs.value[pair], self.pairs.cost[pair])
    }

    /// Calls `add(limit, by)` for each limit that counts a pair.
    #[inline]
    pub(super) fn additions(&self, pair: u32, mut add: impl FnMut(usize, f64)) {
        for &limit in self.limits_of(pair) {
            add(limit as usize, self.adds(limit, pair));
        }
    }

    /// Calls `change(limit, by)` for each limit whose sum moves when a unit goes from one pair to another.
    #[inline]
    pub(super) fn changes(&self, from: u32, to: u32, mut change: impl FnMut(usize, f64)) {
        let (mut old, mut new) =
            (self.limits_of(from).iter().peekable(), self.limits_of(to).iter().peekable());
        loop {
            let limit = match (old.peek(), new.peek()) {
                (Some(&&a), Some(&&b)) => a.min(b),
                (Some(&&a), None) | (None, Some(&&a)) => a,
                (None, None) => return,
            };
            let removed = old.next_if_eq(&&limit).map_or(0.0, |_| self.adds(limit, from));
            let added = new.next_if_eq(&&limit).map_or(0.0, |_| self.adds(limit, to));
            if added != removed {
                change(limit as usize, added - removed);
            }
        }
    }

    /// What pairs of each class are worth beyond the price of what they use.
    pub(super) fn prices(&self, multipliers: &[f64]) -> Vec<Coefficients> {
        let priced = |(objective, limits): (&Coefficients, &Vec<u32>)| {
            limits.iter().fold(*objective, |price, &limit| {
                price.plus(-multipliers[limit as usize], self.limits[limit as usize].adds)
            })
        };
        self.objective.iter().zip(&self.counted_by).map(priced).collect()
    }

    /// The sum that each limit is about, given the totals of each class.
    pub(super) fn used(&self, totals: &[Totals]) -> Vec<f64> {
        let mut used = vec![0.0; self.limits.len()];
        for (totals, limits) in totals.iter().zip(&self.counted_by) {
            for &limit in limits {
                let adds = self.limits[limit as usize].adds;
                used[limit as usize] +=
                    adds.count * totals.count + adds.cost * totals.cost + adds.value * totals.value;
            }
        }
        used
    }

    /// Sum of `b_r y_r`.
    pub(super) fn price_of_bounds(&self, multipliers: &[f64]) -> f64 {
        self.limits
            .iter()
            .zip(multipliers)
            .map(|(limit, y)| if *y == 0.0 { 0.0 } else { limit.bound * y })
            .sum()
    }

    /// The mean size of what a pair that a limit counts adds to it, one where it is always zero.
    pub(super) fn typical_additions(&self) -> Vec<f64> {
        // What is common to a million pairs is seen in some of them.
        let step = (self.pairs.value.len() / 200_000).max(1);
        let mut sizes = self.sizes_of_additions(step);
        if step > 1 && sizes.iter().any(|sizes| sizes.n == 0.0) {
            sizes = self.sizes_of_additions(1);
        }
        sizes.into_iter().map(|sizes| if sizes.n > 0.0 { sizes.sum / sizes.n } else { 1.0 }).collect()
    }

    /// The least size that a pair adds to each of some limits, other than zero; zero where all are.
    fn least_sizes_of_additions(&self, is_wanted: &[bool]) -> Vec<f64> {
        let parts = self.by_parts(|units| {
            let mut least = vec![f64::INFINITY; self.limits.len()];
            for pair in units.flat_map(|unit| self.pairs.of(unit)) {
                for &limit in self.limits_of(pair as u32).iter().filter(|limit| is_wanted[**limit as usize]) {
                    let adds = self.limits[limit as usize].adds;
                    let size = adds.size(self.pairs.value[pair], self.pairs.cost[pair]);
                    let least = &mut least[limit as usize];
                    *least = if size > 0.0 { least.min(size) } else { *least };
                }
            }
            least
        });
        let least = |limit: usize| parts.iter().map(|part| part[limit]).fold(f64::INFINITY, f64::min);
        (0..self.limits.len()).map(least).map(|size| if size.is_finite() { size } else { 0.0 }).collect()
    }

    /// Sizes of what pairs add to each limit, of every `step`th pair.
    fn sizes_of_additions(&self, step: usize) -> Vec<Sizes> {
        let mut sizes = vec![Sizes::default(); self.limits.len()];
        for pair in (0..self.pairs.value.len()).step_by(step) {
            for &limit in self.limits_of(pair as u32) {
                let adds = self.limits[limit as usize].adds;
                sizes[limit as usize].add(adds.size(self.pairs.value[pair], self.pairs.cost[pair]));
            }
        }
        sizes
    }

    /// The mean size of what a pair is worth, one where none is worth anything.
    pub(super) fn typical_worth(&self) -> f64 {
        let step = (self.pairs.value.len() / 200_000).max(1);
        let worths = (0..self.pairs.value.len()).step_by(step).map(|pair| self.worth(pair as u32).abs());
        let (sum, n) = worths
            .filter(|&worth| worth > 0.0 && worth.is_finite())
            .fold((0.0, 0.0), |(sum, n), worth| (sum + worth, n + 1.0));
        if n > 0.0 { sum / n } else { 1.0 }
    }

    /// The model of some units when the others use `used` of each limit, every bound being multiplied by `share`.
    pub(super) fn part(&self, units: &[u32], used: &[f64], share: f64) -> Model<'static> {
        let limits = self
            .limits
            .iter()
            .zip(used)
            .map(|(limit, used)| Limit { bound: (limit.bound - used) * share, ..*limit });
        Model {
            pairs: Cow::Owned(self.pairs.subset(units)),
            class: units
                .iter()
                .flat_map(|&unit| &self.class[self.pairs.of(unit as usize)])
                .copied()
                .collect(),
            limits: limits.collect(),
            counted_by: self.counted_by.clone(),
            objective: self.objective.clone(),
            objective_elsewhere: 0.0,
            effort: self.effort.clone(),
        }
    }

    /// Gives every class another objective; pairs that never fit stay closed.
    pub(super) fn set_objective(&mut self, of_class: impl Fn(usize) -> Coefficients) {
        for (class, objective) in
            self.objective.iter_mut().enumerate().filter(|(_, old)| old.count.is_finite())
        {
            *objective = of_class(class);
        }
    }

    /// Sets a price at which a limit may be broken, far above what pairs are worth.
    pub(super) fn penalise(&mut self) {
        let (worth, additions) = (self.typical_worth(), self.typical_additions());
        for (limit, addition) in self.limits.iter_mut().zip(additions) {
            // Minimums give way before caps.
            limit.penalty = if limit.side == Side::AtMost { 1e6 } else { 1e3 } * worth / addition;
        }
    }

    /// The least that a plan can use of a limit, and the least that each unit can.
    pub(super) fn least_use(&self, limit: usize) -> (f64, Vec<f64>) {
        let counts = |class: usize| self.counted_by[class].contains(&(limit as u32));
        let is_counted: Vec<bool> = (0..self.counted_by.len()).map(counts).collect();
        let mut sum = Sum::default();
        let of_units = (0..self.pairs.units())
            .map(|unit| {
                let pairs = self.pairs.of(unit).filter(|&pair| is_counted[self.class[pair] as usize]);
                let least = pairs.map(|pair| self.adds(limit as u32, pair as u32)).fold(0.0, f64::min);
                sum.add(least);
                least
            })
            .collect();
        (sum.value(), of_units)
    }

    /// The least and the most that a pair can add to each limit, or less and more than that.
    fn ranges_of_additions(&self) -> Vec<[f64; 2]> {
        let mut of_classes = vec![[[f64::INFINITY, f64::NEG_INFINITY]; 2]; self.counted_by.len()];
        let Pairs { value, cost, .. } = &*self.pairs;
        for ((value, cost), class) in value.iter().zip(cost).zip(&*self.class) {
            for ([low, high], x) in of_classes[*class as usize].iter_mut().zip([value, cost]) {
                (*low, *high) = (low.min(*x), high.max(*x));
            }
        }
        let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; self.limits.len()];
        for ([values, costs], limits) in of_classes.into_iter().zip(&self.counted_by) {
            for &limit in limits.iter().filter(|_| values[0] <= values[1]) {
                let (adds, [low, high]) = (self.limits[limit as usize].adds, &mut ranges[limit as usize]);
                for corner in [[0, 0], [0, 1], [1, 0], [1, 1]] {
                    let added = adds.of(values[corner[0]], costs[corner[1]]);
                    (*low, *high) = (low.min(added), high.max(added));
                }
            }
        }
        ranges
    }

    /// Closes the pairs that break a cap even beside the least use of all other units: they would only lift the bound.
    ///
    /// Returns the caps that leave room for nothing but the least use.
    pub(super) fn close_pairs_that_never_fit(&mut self) -> Vec<usize> {
        let (mut closed, mut exhausted, ranges) = (vec![], vec![], self.ranges_of_additions());
        for (r, limit) in self.limits.iter().enumerate().filter(|(_, limit)| limit.side != Side::AtLeast) {
            let [smallest, largest] = ranges[r];
            if smallest >= 0.0 && limit.overrun(largest) == 0.0 {
                continue;
            }
            let (least, of_units) = self.least_use(r);
            // Where even the least is too much, the limit says nothing of single pairs.
            if limit.overrun(least - smallest.min(0.0) + largest) == 0.0 || limit.overrun(least) > 0.0 {
                continue;
            }
            for (unit, of_unit) in of_units.into_iter().enumerate() {
                let others = least - of_unit;
                let breaks = |pair: &usize| {
                    self.limits_of(*pair as u32).contains(&(r as u32))
                        && limit.overrun(others + self.adds(r as u32, *pair as u32)) > 0.0
                };
                closed.extend(self.pairs.of(unit).filter(breaks));
            }
            if limit.side == Side::AtMost && limit.bound - least <= limit.rounding {
                exhausted.push(r);
            }
        }
        if closed.is_empty() {
            return exhausted;
        }
        let class = self.objective.len() as u32;
        self.objective.push(Coefficients { count: f64::NEG_INFINITY, ..Coefficients::default() });
        self.counted_by.push(vec![]);
        let classes = self.class.to_mut();
        closed.into_iter().for_each(|pair| classes[pair] = class);
        exhausted
    }
}

/// Sizes of some amounts that are not zero.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    n: f64,
    sum: f64,
}

impl Sizes {
    fn add(&mut self, size: f64) {
        if size > 0.0 {
            self.n += 1.0;
            self.sum += size;
        }
    }
}

/// Number, cost and value of chosen pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) count: f64,
    pub(super) cost: f64,
    pub(super) value: f64,
}

impl Totals {
    #[inline]
    pub(super) fn add(&mut self, weight: f64, value: f64, cost: f64) {
        self.count += weight;
        self.cost += weight * cost;
        self.value += weight * value;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.cost += other.cost;
        self.value += other.value;
    }
}
