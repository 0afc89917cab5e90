//! The last step: all combinations of the choices that a better plan could have, cut off by the bound.
//!
//! Depth first over the units nearest to a tie. A branch is cut where its losses and the price of what must stay unused
//! reach the gap of the best plan so far, and where a limit can no longer be kept.

use super::draft::Draft;
use super::dual::Priced;
use super::model::Limit;
use super::problem::{Coefficients, NO_OFFER};

/// Units searched at once at most.
const UNITS: usize = 300;

/// A unit and its choices, smallest loss first.
struct Choices {
    unit: usize,
    choices: Vec<Choice>,
    /// Positions of the limits that the choices change, among those of the search.
    touched: Vec<usize>,
}

struct Choice {
    pair: u32,
    loss: f64,
    /// What it adds to limits, by their position in the search.
    adds: Vec<(usize, f64)>,
}

struct Search<'a> {
    units: Vec<Choices>,
    /// The limits that the choices change, with their multipliers.
    limits: Vec<(&'a Limit, f64)>,
    /// The price of what stays unused of the other limits.
    unused_by_others: f64,
    used: Vec<f64>,
    /// Least and most that the units from each depth on can add to each limit.
    least: Vec<Vec<f64>>,
    most: Vec<Vec<f64>>,
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
    extent: Extent,
) -> Found {
    let now: &Draft = draft;
    let mut losses = now.losses(priced);
    let choices_of = |unit: usize| {
        let best = now.model.best(prices, unit).1;
        let loss = move |pair: u32| (best - now.model.reduced(prices, pair)).max(0.0);
        let pairs = now.model.pairs.of(unit).map(|pair| pair as u32).chain([NO_OFFER]);
        pairs.map(move |pair| (pair, loss(pair))).filter(move |(_, loss)| *loss < gap)
    };
    // Units that have a choice, with the most that one of theirs moves the objective.
    let mut candidates: Vec<(f64, usize)> = vec![];
    for unit in units.iter().map(|&unit| unit as usize) {
        let worth = now.model.worth(now.model.best(prices, unit).0);
        let (mut choices, mut has_its_own, mut impact) = (0, false, 0.0_f64);
        for (pair, _) in choices_of(unit) {
            choices += 1;
            has_its_own |= pair == now.chosen[unit];
            impact = impact.max((now.model.worth(pair) - worth).abs());
        }
        if choices > 1 || !has_its_own {
            losses -= now.loss(prices, unit);
            candidates.push((impact, unit));
        }
    }
    // What moves much first: it decides what the others can do.
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let large = candidates.partition_point(|(impact, _)| *impact >= extent.least_impact).min(UNITS);
    let is_whole = candidates.len() == large;
    for (_, unit) in candidates.drain(large..) {
        losses += now.loss(prices, unit);
    }
    let choices = |(_, unit): (f64, usize)| {
        let choice = |(pair, loss)| Choice { pair, loss, adds: vec![] };
        let mut choices: Vec<Choice> = choices_of(unit).map(choice).collect();
        choices.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        Choices { unit, choices, touched: vec![] }
    };
    let units: Vec<Choices> = candidates.into_iter().map(choices).collect();
    let (taken, is_finished) =
        Search::new(draft, &priced.multipliers, units, gap, extent.branches).run(losses.max(0.0));
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
    fn new(draft: &Draft<'a>, multipliers: &[f64], mut units: Vec<Choices>, gap: f64, branches: u64) -> Self {
        let model = draft.model;
        let mut of_choices: Vec<usize> = vec![];
        for unit in &mut units {
            for choice in &mut unit.choices {
                model.changes(NO_OFFER, choice.pair, |limit, by| choice.adds.push((limit, by)));
                unit.touched.extend(choice.adds.iter().map(|(limit, _)| limit));
            }
            // What the unit leaves counts too.
            model.changes(draft.chosen[unit.unit], NO_OFFER, |limit, _| unit.touched.push(limit));
            unit.touched.sort_unstable();
            unit.touched.dedup();
            of_choices.extend(&unit.touched);
        }
        of_choices.sort_unstable();
        of_choices.dedup();
        let position = |limit: usize| of_choices.partition_point(|&other| other < limit);
        let mut used: Vec<f64> = of_choices.iter().map(|&limit| draft.used(limit)).collect();
        for unit in &mut units {
            model.changes(draft.chosen[unit.unit], NO_OFFER, |limit, by| used[position(limit)] += by);
            let adds = unit.choices.iter_mut().flat_map(|choice| &mut choice.adds);
            adds.map(|(limit, _)| limit).chain(&mut unit.touched).for_each(|limit| *limit = position(*limit));
        }
        let limits: Vec<_> =
            of_choices.iter().map(|&limit| (&model.limits[limit], multipliers[limit])).collect();
        let others = (0..multipliers.len()).filter(|limit| of_choices.binary_search(limit).is_err());
        let unused_by_others = others
            .map(|limit| price_of_unused((&model.limits[limit], multipliers[limit]), [draft.used(limit); 2]))
            .sum();
        let mut least = vec![vec![0.0; limits.len()]; units.len() + 1];
        let mut most = least.clone();
        for (depth, unit) in units.iter().enumerate().rev() {
            (least[depth], most[depth]) = (least[depth + 1].clone(), most[depth + 1].clone());
            for &limit in &unit.touched {
                let adds = unit.choices.iter().map(|choice| {
                    choice.adds.iter().find(|(counted, _)| *counted == limit).map_or(0.0, |(_, by)| *by)
                });
                least[depth][limit] += adds.clone().fold(f64::INFINITY, f64::min);
                most[depth][limit] += adds.fold(f64::NEG_INFINITY, f64::max);
            }
        }
        let (taken, saved) = (Vec::with_capacity(units.len()), vec![vec![]; units.len()]);
        Self { units, limits, unused_by_others, used, least, most, saved, taken, gap, best: None, branches }
    }

    /// The best choices if there are any, and whether all branches were looked into.
    fn run(mut self, losses: f64) -> (Option<Vec<(usize, u32)>>, bool) {
        let of_choices: f64 = (0..self.limits.len()).map(|limit| self.unused(limit, 0)).sum();
        self.branch(losses, of_choices + self.unused_by_others);
        let units = self.units.iter().map(|unit| unit.unit);
        (self.best.map(|taken| units.zip(taken).collect()), self.branches > 0)
    }

    /// The least and the most that can be used of a limit once `depth` units are decided.
    fn range(&self, limit: usize, depth: usize) -> [f64; 2] {
        [&self.least, &self.most].map(|rest| self.used[limit] + rest[depth][limit])
    }

    /// The price of what must stay unused of a limit once `depth` units are decided.
    fn unused(&self, limit: usize, depth: usize) -> f64 {
        price_of_unused(self.limits[limit], self.range(limit, depth))
    }

    /// Whether a limit can still be kept once `depth` units are decided.
    fn can_keep(&self, limit: usize, depth: usize) -> bool {
        let ([least, most], (limit, _)) = (self.range(limit, depth), self.limits[limit]);
        limit.overrun(least) == 0.0 && limit.shortfall(most) == 0.0
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
            let Choice { pair, loss, .. } = self.units[depth].choices[choice];
            // A better plan must be better by more than rounding.
            if losses + loss >= self.gap * (1.0 - 1e-9) {
                return;
            }
            let (mut before, mut after, mut is_open) = (0.0, 0.0, true);
            for i in 0..self.units[depth].touched.len() {
                before += self.unused(self.units[depth].touched[i], depth);
            }
            let (used, saved) = (&mut self.used, &mut self.saved[depth]);
            saved.clear();
            saved.extend(self.units[depth].touched.iter().map(|&limit| used[limit]));
            self.units[depth].choices[choice].adds.iter().for_each(|&(limit, by)| used[limit] += by);
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

/// The price of what must stay unused of a limit with a multiplier, given the least and the most that can be used.
fn price_of_unused((limit, multiplier): (&Limit, f64), [least, most]: [f64; 2]) -> f64 {
    if multiplier > 0.0 {
        multiplier * (limit.bound - most).max(0.0)
    } else if multiplier < 0.0 {
        -multiplier * (least - limit.bound).max(0.0)
    } else {
        0.0
    }
}
