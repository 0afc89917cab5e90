//! From prices to a plan of whole pairs: round, repair, fill, exchange, and search what could still be better.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::dual::Priced;
use super::knapsack;
use super::model::{Limit, Model, Side};
use super::problem::{Coefficients, NO_OFFER};
use super::search::{Extent, Found, search};
use crate::math::Draws;

/// Units near a tie that are looked at first.
const CORE: usize = 5_000;
/// Gap, as a share of the bound, below which a plan is good enough.
const GOOD_ENOUGH: f64 = 1e-10;
/// Gap below which no neighbourhoods are searched.
const GOOD_NEARBY: f64 = 1e-7;
/// Branches of the search for the best plan, and of each search in a neighbourhood.
const BRANCHES: u64 = 400_000;
const NEARBY_BRANCHES: u64 = 20_000;
/// Share of the gap below which the impact of a unit is small.
const SMALL: f64 = 1e-2;
/// Neighbourhoods searched without finding anything better that is worth while, and units in one.
const NEIGHBOURHOODS: u64 = 300;
/// Neighbourhoods searched from one plan at most.
const SEARCHES: usize = 2_000;
/// Share of the gap that finding something better closes at least.
const WORTH_WHILE: f64 = 1e-3;
/// How often some units are moved at random, how many, and the gap below which they are not.
const KICKS: usize = 12;
const KICKED: usize = 8;
/// Units up to which some are.
const KICKED_UNITS: usize = 5_000;
const GOOD_KICKED: f64 = 1e-5;
const NEIGHBOURS: [usize; 3] = [16, 24, 40];

/// Units up to which a single cap is solved by dynamic programming.
const PROGRAMMED_UNITS: usize = 2_000;

/// A plan of a model, with the prices that led to it.
pub(super) struct Solution {
    pub(super) chosen: Vec<u32>,
    pub(super) is_feasible: bool,
    pub(super) objective: f64,
    pub(super) bound: f64,
    pub(super) priced: Priced,
}

/// Prices a model, and makes a plan of whole pairs from the best ones at these prices.
pub(super) fn optimise(model: &Model, passes: &mut u64) -> Solution {
    let priced = model.price(passes);
    optimise_at(model, priced, passes)
}

/// Makes a plan of whole pairs from the best ones at some prices.
pub(super) fn optimise_at(model: &Model, priced: Priced, passes: &mut u64) -> Solution {
    let prices = model.prices(&priced.multipliers);
    let margins = model.margins(&priced.multipliers);
    let mut draft = Draft::new(model, model.choose(&priced.multipliers));
    *passes += 2;
    if !model.is_stopped() {
        round(&mut draft, &prices, &priced, &margins);
    }
    let mut bound = priced.dual;
    if draft.is_feasible() && !model.is_stopped() {
        bound = improve(&mut draft, &prices, &priced, &margins).min(bound);
    }
    Solution {
        is_feasible: draft.is_feasible(),
        objective: draft.objective(),
        bound,
        chosen: draft.chosen,
        priced,
    }
}

/// Moves units from their best pairs until every limit is kept, if that is found.
fn round(draft: &mut Draft, prices: &[Coefficients], priced: &Priced, margins: &[f64]) {
    let mut width = CORE;
    let core = loop {
        let core = nearest(margins, width);
        draft.repair(prices, &core);
        if width >= margins.len() || draft.is_feasible() {
            break core;
        }
        width *= 20;
    };
    if !draft.is_feasible() {
        let extent = Extent { branches: BRANCHES, least_impact: 0.0 };
        search(draft, prices, priced, &core, f64::INFINITY, extent);
    }
    if draft.is_feasible() {
        let gap = priced.dual - draft.objective();
        draft.fill(prices, &core, gap);
    }
}

/// The gap of a model, of some bound, that is good enough.
pub(super) fn good_gap(model: &Model, bound: f64) -> f64 {
    GOOD_ENOUGH * (bound + model.objective_elsewhere).abs()
}

/// Makes a plan that keeps the limits better, and returns a bound of all plans.
fn improve(draft: &mut Draft, prices: &[Coefficients], priced: &Priced, margins: &[f64]) -> f64 {
    let gap = |draft: &Draft| priced.dual - draft.objective();
    let enough = good_gap(draft.model, priced.dual);
    let is_open = |draft: &Draft| gap(draft) > enough && !draft.model.is_stopped();
    // Units whose other choices could be part of a plan of a smaller gap: near a tie, or moved from their best pair.
    let within = |draft: &Draft, gap: f64| -> Vec<u32> {
        let near = (0..margins.len() as u32).filter(|&unit| margins[unit as usize] < gap);
        let mut units: Vec<u32> = near.chain(draft.moved.iter().copied()).collect();
        units.sort_unstable();
        units.dedup();
        units
    };
    if is_open(draft) {
        draft.exchange(prices, &nearest(margins, CORE), |objective| priced.dual - objective);
    }
    if is_open(draft) {
        let limit = gap(draft);
        draft.fill(prices, &within(draft, limit), limit);
    }
    let mut bound = priced.dual;
    if !is_open(draft) {
        return bound;
    }
    // A cap alone over few units is left to dynamic programming where a first search does not settle it.
    let is_programmed = matches!(draft.model.limits[..], [Limit { side: Side::AtMost, .. }])
        && margins.len() <= PROGRAMMED_UNITS;
    // What a search does not tell apart: gaps nearly alike, and the rounding of the sums they are made of.
    let unseen = |target: f64| 1e-9 * target + 1e-14 * priced.dual.abs();
    // The smallest gaps first: there are few plans within them, and the first that is found is the best.
    let whole = gap(draft);
    let mut least_impact = 0.0;
    for halvings in (0..12).rev() {
        let target = whole * 0.5_f64.powi(halvings);
        let units = within(draft, target);
        let mut found = Found::Unknown;
        if least_impact == 0.0 {
            found =
                search(draft, prices, priced, &units, target, Extent { branches: BRANCHES, least_impact });
        }
        if found == Found::Unknown && is_programmed && !draft.model.is_quick() {
            bound = knapsack::improve(draft, priced).min(bound);
            break;
        }
        if found == Found::Unknown {
            // Units of little impact fill up what the others leave.
            least_impact = SMALL * target;
            let extent = Extent { branches: BRANCHES / 4, least_impact };
            found = search(draft, prices, priced, &units, target, extent);
        }
        match found {
            Found::Best => return draft.objective() + unseen(target),
            Found::Better => break,
            Found::Nothing if least_impact == 0.0 => bound = priced.dual - target + unseen(target),
            Found::Nothing | Found::Unknown => {}
        }
    }
    let limit = gap(draft);
    draft.fill(prices, &within(draft, limit), limit);
    if bound - draft.objective() > GOOD_NEARBY * bound.abs() && !draft.model.is_quick() {
        search_nearby(draft, prices, priced, margins, within(draft, gap(draft)));
    }
    let limit = gap(draft);
    draft.fill(prices, &within(draft, limit), limit);
    bound
}

/// Searches among some of `units` at a time, those with a loss and those near a tie above all; where that leads no
/// further, moves some units at random and tries to come out at a better plan.
fn search_nearby(
    draft: &mut Draft,
    prices: &[Coefficients],
    priced: &Priced,
    margins: &[f64],
    mut units: Vec<u32>,
) {
    let gap = |draft: &Draft| priced.dual - draft.objective();
    let is_open = |draft: &Draft| gap(draft) > GOOD_NEARBY * priced.dual.abs();
    let small = 1e-3 * gap(draft);
    units.retain(|&unit| draft.most_worth(unit as usize) > small);
    units.sort_by(|&a, &b| margins[a as usize].total_cmp(&margins[b as usize]).then(a.cmp(&b)));
    units.truncate(CORE);
    // Many units leave little to gain, and each search among them takes longer.
    let kicks = if margins.len() <= KICKED_UNITS { KICKS } else { 0 };
    if units.is_empty() {
        return;
    }
    let mut nearby = Nearby { prices, priced, units, draws: Draws::new(margins.len() as u64) };
    nearby.descend(draft, is_open);
    for _ in 0..kicks {
        if gap(draft) <= GOOD_KICKED * priced.dual.abs() || draft.model.is_stopped() {
            return;
        }
        let best = draft.clone();
        nearby.kick(draft);
        nearby.descend(draft, is_open);
        if !draft.is_feasible() || draft.objective() <= best.objective() {
            *draft = best;
        }
    }
}

/// A search in the neighbourhood of a plan.
struct Nearby<'a> {
    prices: &'a [Coefficients],
    priced: &'a Priced,
    /// Units near a tie, the nearest first.
    units: Vec<u32>,
    draws: Draws,
}

impl Nearby<'_> {
    /// One of some units, the first more often the higher the power.
    fn pick(&mut self, from: &[u32], power: i32) -> u32 {
        from[(self.draws.uniform().powi(power) * from.len() as f64) as usize]
    }

    /// Searches neighbourhoods until they bring nothing any more.
    fn descend(&mut self, draft: &mut Draft, is_open: impl Fn(&Draft) -> bool) {
        let (mut searches, mut failures) = (0, 0);
        while is_open(draft) && failures < NEIGHBOURHOODS && searches < SEARCHES && !draft.model.is_stopped()
        {
            let some = self.neighbourhood(draft, searches);
            searches += 1;
            let extent = Extent { branches: NEARBY_BRANCHES, least_impact: 0.0 };
            let gap = self.priced.dual - draft.objective();
            search(draft, self.prices, self.priced, &some, gap, extent);
            let closed = (gap - (self.priced.dual - draft.objective())) / gap;
            failures = if closed > WORTH_WHILE { 0 } else { failures + 1 };
        }
    }

    /// Units that may move together.
    fn neighbourhood(&mut self, draft: &Draft, searches: usize) -> Vec<u32> {
        let is_lossy = |unit: &u32| draft.loss(self.prices, *unit as usize) > 0.0;
        let lossy: Vec<u32> = draft.moved.iter().copied().filter(is_lossy).collect();
        let units = std::mem::take(&mut self.units);
        // Units that count in one limit can make room for each other there.
        let focus = self.pick(if lossy.is_empty() { &units } else { &lossy }, 1);
        let limits = draft.limits_of_choices(focus as usize);
        let together: Vec<u32> = match limits.len() {
            0 => units.clone(),
            n => {
                let limit = limits[searches % n];
                units.iter().copied().filter(|&unit| draft.counts_in(unit as usize, limit)).collect()
            }
        };
        let together = if together.is_empty() { units.clone() } else { together };
        let mut some = BTreeSet::new();
        for draw in 0..NEIGHBOURS[searches % NEIGHBOURS.len()] {
            some.insert(match draw % 4 {
                0 if !lossy.is_empty() => self.pick(&lossy, 1),
                1 => self.pick(&units, 3),
                _ => self.pick(&together, 2),
            });
        }
        self.units = units;
        some.into_iter().collect()
    }

    /// Gives some units near a tie another choice, and keeps the limits again.
    fn kick(&mut self, draft: &mut Draft) {
        let units = std::mem::take(&mut self.units);
        for _ in 0..KICKED {
            let unit = self.pick(&units, 3) as usize;
            let pairs = draft.model.pairs.of(unit);
            let choice = (self.draws.uniform() * (pairs.len() + 1) as f64) as usize;
            let to = if choice < pairs.len() { (pairs.start + choice) as u32 } else { NO_OFFER };
            if draft.model.worth(to).is_finite() {
                draft.set(unit, to);
            }
        }
        draft.repair(self.prices, &units);
        if draft.is_feasible() {
            draft.fill(self.prices, &units, self.priced.dual - draft.objective());
        }
        self.units = units;
    }
}

/// The units of the smallest margins, about `width` of them with all ties.
fn nearest(margins: &[f64], width: usize) -> Vec<u32> {
    if width >= margins.len() {
        return (0..margins.len() as u32).collect();
    }
    let mut sorted = margins.to_vec();
    let (_, &mut widest, _) = sorted.select_nth_unstable_by(width, f64::total_cmp);
    (0..margins.len() as u32).filter(|&unit| margins[unit as usize] <= widest).collect()
}
