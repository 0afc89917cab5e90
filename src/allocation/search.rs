//! The last step: all combinations of the choices that a better plan could have, cut off by the bound.
//!
//! Depth first over the units nearest to a tie. A branch is cut where its losses and the price of what must stay unused
//! reach the gap of the best plan so far, and where a limit can no longer be kept.

use super::draft::Draft;
use super::dual::Priced;
use super::model::Side;
use super::problem::{Coefficients, NO_OFFER};

/// Units searched at once at most.
const UNITS: usize = 300;

/// A unit and its choices with their losses, smallest loss first.
struct Choices {
    unit: usize,
    choices: Vec<(u32, f64)>,
    /// Limits that some choice counts in.
    touched: Vec<usize>,
}

struct Search<'a> {
    draft: &'a Draft<'a>,
    multipliers: &'a [f64],
    units: Vec<Choices>,
    /// Least and most that the units from each depth on can add to each limit.
    least: Vec<Vec<f64>>,
    most: Vec<Vec<f64>>,
    used: Vec<f64>,
    /// What was used before the choice at each depth, of the limits it touches.
    saved: Vec<Vec<f64>>,
    taken: Vec<u32>,
    /// The gap of the best plan so far, and its choices.
    gap: f64,
    best: Option<Vec<u32>>,
    /// Branches that may still be looked into.
    branches: u64,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Branches that it looks into.
    pub(super) branches: u64,
    /// Units none of whose choices moves the objective by so much keep what they have.
    pub(super) least_impact: f64,
}

/// What a search has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A better plan, which the draft now is. None is better by these units' choices.
    Best,
    /// A better plan; there may be still better ones.
    Better,
    /// There is none whose gap is below the one asked for.
    Nothing,
    /// None was found, but not every branch was looked into.
    Unknown,
}

/// Looks for a plan whose objective is less than `gap` below the dual function, in the choices of some units alone.
pub(super) fn search(
    draft: &mut Draft<'_>,
    prices: &[Coefficients],
    priced: &Priced,
    units: &[u32],
    gap: f64,
    effort: Extent,
) -> Found {
    let mut losses = draft.losses(priced);
    let mut candidates: Vec<(f64, Choices)> = vec![];
    for unit in units.iter().map(|&unit| unit as usize) {
        let (best, worth) = draft.model.best(prices, unit);
        let (best, worth) = (worth, draft.model.worth(best));
        let loss = |pair: u32| (best - draft.model.reduced(prices, pair)).max(0.0);
        let pairs = draft.model.pairs.of(unit).map(|pair| pair as u32).chain([NO_OFFER]);
        let mut choices: Vec<(u32, f64)> =
            pairs.map(|pair| (pair, loss(pair))).filter(|&(_, loss)| loss < gap).collect();
        choices.sort_by(|a, b| a.1.total_cmp(&b.1));
        let impact = |&(pair, _): &(u32, f64)| (draft.model.worth(pair) - worth).abs();
        let impact = choices.iter().map(impact).fold(0.0, f64::max);
        if choices.len() > 1 || choices.iter().all(|&(pair, _)| pair != draft.chosen[unit]) {
            losses -= loss(draft.chosen[unit]);
            candidates.push((impact, Choices { unit, choices, touched: vec![] }));
        }
    }
    // What moves much first: it decides what the others can do.
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let large = candidates.partition_point(|(impact, _)| *impact >= effort.least_impact).min(UNITS);
    let is_whole = candidates.len() == large;
    for (_, unit) in candidates.drain(large..) {
        losses += draft.loss(prices, unit.unit);
    }
    let units: Vec<Choices> = candidates.into_iter().map(|(_, unit)| unit).collect();
    let (taken, is_finished) =
        Search::new(draft, &priced.multipliers, units, gap, effort.branches).run(losses.max(0.0));
    let is_better = taken.is_some();
    for (unit, pair) in taken.into_iter().flatten() {
        draft.set(unit, pair);
    }
    match (is_better, is_whole && is_finished) {
        (true, true) => Found::Best,
        (true, false) => Found::Better,
        (false, true) => Found::Nothing,
        (false, false) => Found::Unknown,
    }
}

impl<'a> Search<'a> {
    fn new(
        draft: &'a Draft<'a>,
        multipliers: &'a [f64],
        mut units: Vec<Choices>,
        gap: f64,
        branches: u64,
    ) -> Self {
        let model = draft.model;
        let limits = model.limits.len();
        let mut used: Vec<f64> = (0..limits).map(|limit| draft.used(limit)).collect();
        for unit in &mut units {
            model.changes(draft.chosen[unit.unit], NO_OFFER, |limit, by| used[limit] += by);
            for &(pair, _) in &unit.choices {
                model.changes(NO_OFFER, pair, |limit, _| unit.touched.push(limit));
            }
            unit.touched.sort_unstable();
            unit.touched.dedup();
        }
        let mut least = vec![vec![0.0; limits]; units.len() + 1];
        let mut most = least.clone();
        for depth in (0..units.len()).rev() {
            (least[depth], most[depth]) = (least[depth + 1].clone(), most[depth + 1].clone());
            let unit = &units[depth];
            let (mut low, mut high) = (vec![f64::INFINITY; limits], vec![f64::NEG_INFINITY; limits]);
            for &(pair, _) in &unit.choices {
                let mut adds = vec![0.0; limits];
                model.changes(NO_OFFER, pair, |limit, by| adds[limit] = by);
                for &limit in &unit.touched {
                    (low[limit], high[limit]) = (low[limit].min(adds[limit]), high[limit].max(adds[limit]));
                }
            }
            for &limit in &unit.touched {
                least[depth][limit] += low[limit];
                most[depth][limit] += high[limit];
            }
        }
        let (taken, saved) = (Vec::with_capacity(units.len()), vec![vec![]; units.len()]);
        Self { draft, multipliers, units, least, most, used, saved, taken, gap, best: None, branches }
    }

    /// The best choices if there are any, and whether all branches were looked into.
    fn run(mut self, losses: f64) -> (Option<Vec<(usize, u32)>>, bool) {
        let unused = (0..self.used.len()).map(|limit| self.unused(limit, 0)).sum();
        self.branch(losses, unused);
        let units = self.units.iter().map(|unit| unit.unit);
        (self.best.map(|taken| units.zip(taken).collect()), self.branches > 0)
    }

    /// The price of what must stay unused of a limit once `depth` units are decided.
    fn unused(&self, limit: usize, depth: usize) -> f64 {
        let (price, bound, used) =
            (self.multipliers[limit], self.draft.model.limits[limit].bound, self.used[limit]);
        if price > 0.0 {
            price * (bound - used - self.most[depth][limit]).max(0.0)
        } else if price < 0.0 {
            -price * (used + self.least[depth][limit] - bound).max(0.0)
        } else {
            0.0
        }
    }

    /// Whether a limit can still be kept once `depth` units are decided.
    fn can_keep(&self, limit: usize, depth: usize) -> bool {
        let (of, used) = (&self.draft.model.limits[limit], self.used[limit]);
        let (least, most) = (used + self.least[depth][limit], used + self.most[depth][limit]);
        match of.side {
            Side::AtMost => of.excess(least) == 0.0,
            Side::AtLeast => of.excess(most) == 0.0,
            Side::Equal => {
                (least <= of.bound || of.excess(least) == 0.0) && (most >= of.bound || of.excess(most) == 0.0)
            }
        }
    }

    fn branch(&mut self, losses: f64, unused: f64) {
        let depth = self.taken.len();
        if depth == self.units.len() {
            self.gap = losses + unused;
            self.best = Some(self.taken.clone());
            return;
        }
        for choice in 0..self.units[depth].choices.len() {
            if self.branches == 0 {
                return;
            }
            self.branches -= 1;
            let (pair, loss) = self.units[depth].choices[choice];
            // A better plan must be better by more than rounding.
            if losses + loss >= self.gap * (1.0 - 1e-9) {
                return;
            }
            let model = self.draft.model;
            let (mut before, mut after, mut is_open) = (0.0, 0.0, true);
            for i in 0..self.units[depth].touched.len() {
                before += self.unused(self.units[depth].touched[i], depth);
            }
            let (used, saved) = (&mut self.used, &mut self.saved[depth]);
            saved.clear();
            saved.extend(self.units[depth].touched.iter().map(|&limit| used[limit]));
            model.changes(NO_OFFER, pair, |limit, by| used[limit] += by);
            for i in 0..self.units[depth].touched.len() {
                let limit = self.units[depth].touched[i];
                after += self.unused(limit, depth + 1);
                is_open &= self.can_keep(limit, depth + 1);
            }
            let unused = unused - before + after;
            if is_open && losses + loss + unused < self.gap * (1.0 - 1e-9) {
                self.taken.push(pair);
                self.branch(losses + loss, unused);
                self.taken.pop();
            }
            // Taken back as it was: subtracting would leave a rounding.
            for (i, &limit) in self.units[depth].touched.iter().enumerate() {
                self.used[limit] = self.saved[depth][i];
            }
        }
    }
}
