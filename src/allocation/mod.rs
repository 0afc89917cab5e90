//! Allocation of a budget: each unit gets one action or none, so that the total value is greatest within the guardrails.
//!
//! The problem is the multiple-choice knapsack with linear guardrails ([`Problem`]). [`solve`] prices the limits
//! (`single`, `dual`), takes each unit's best pair at these prices, moves the few units that stand near a tie until every
//! limit is kept (`improve`), and looks through what could still be better (`search`). The dual function at the prices
//! bounds every plan, so the gap of the returned one is known.

mod draft;
mod dual;
mod improve;
mod infeasible;
mod knapsack;
mod model;
mod passes;
mod problem;
mod search;
mod single;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use draft::Draft;
use dual::Priced;
use model::{Limit, Model, Side};
use search::{Extent, Found, search};

use crate::math::Draws;

pub(crate) use infeasible::Requirement;
pub(crate) use problem::{Coefficients, Guardrail, NO_OFFER, Pairs, Problem};

/// What a solution may take and what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    pub(crate) threads: usize,
    /// Whether the plan that comes nearest to the limits is wanted where none keeps them.
    pub(crate) closest: bool,
    /// Set from outside to end the work early.
    pub(crate) stopped: Arc<AtomicBool>,
}

impl Effort {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, closest: false, stopped: Arc::default() }
    }
}

/// A plan and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The pair of each unit, or [`NO_OFFER`].
    pub(crate) chosen: Vec<u32>,
    /// Sum of `value - floor · cost`.
    pub(crate) objective: f64,
    /// At least the objective of every plan that keeps the guardrails.
    pub(crate) bound: f64,
    /// What the chosen pairs use of each guardrail.
    pub(crate) used: Vec<f64>,
    /// What one more of each guardrail's limit is worth: positive for a binding cap, negative for a binding minimum.
    pub(crate) shadow_prices: Vec<f64>,
    /// Passes over all pairs.
    pub(crate) passes: u64,
    /// Whether every guardrail is kept; only the closest plan may not.
    pub(crate) is_feasible: bool,
    prices: Vec<Coefficients>,
}

impl Plan {
    /// What a pair of this class is worth beyond the price of what it uses of the guardrails.
    pub(crate) fn reduced(&self, class: u32, value: f64, cost: f64) -> f64 {
        self.prices[class as usize].of(value, cost)
    }
}

/// Why there is no plan.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// None that keeps the guardrails was found.
    Infeasible(Infeasible),
    /// The work was ended from outside.
    Stopped,
}

/// No plan keeps the guardrails.
#[derive(Clone, Debug)]
pub(crate) struct Infeasible {
    /// Each limit that demands something, with what can be reached.
    pub(crate) requirements: Vec<Requirement>,
    /// The requirements that together cannot be met, none of which could be left out.
    pub(crate) conflict: Vec<Requirement>,
}

/// Finds the plan of the greatest objective that keeps every guardrail.
///
/// # Errors
///
/// When no such plan is found, unless the closest one is asked for; when the work is ended from outside.
pub(crate) fn solve(problem: &Problem, effort: &Effort) -> Result<Plan, Failure> {
    let mut model = Model::new(problem, effort);
    model.close_pairs_that_never_fit();
    let mut passes = 0;
    let mut solution = optimise(&model, &mut passes);
    if !solution.is_feasible {
        if !effort.closest {
            let explained = infeasible::explain(&model);
            return Err(if model.is_stopped() { Failure::Stopped } else { Failure::Infeasible(explained) });
        }
        model.penalise();
        solution = optimise(&model, &mut passes);
    }
    if model.is_stopped() {
        return Err(Failure::Stopped);
    }
    let (mut used, mut shadow_prices) =
        (vec![0.0; problem.guardrails.len()], vec![0.0; problem.guardrails.len()]);
    // Recomputed from the plan: what the steps kept up is not trusted.
    let draft = Draft::new(&model, solution.chosen);
    for (r, limit) in model.limits.iter().enumerate() {
        used[limit.guardrail] = draft.used(r);
        shadow_prices[limit.guardrail] += solution.priced.multipliers[r];
    }
    Ok(Plan {
        objective: draft.objective(),
        bound: solution.bound.max(draft.objective()),
        used,
        shadow_prices,
        passes,
        is_feasible: draft.is_feasible(),
        prices: model.prices(&solution.priced.multipliers),
        chosen: draft.chosen,
    })
}

/// A plan of a model, with the prices that led to it.
struct Solution {
    chosen: Vec<u32>,
    is_feasible: bool,
    objective: f64,
    bound: f64,
    priced: Priced,
}

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
/// Neighbourhoods searched without finding anything better, and units in one.
const NEIGHBOURHOODS: u64 = 300;
const NEIGHBOURS: [usize; 3] = [16, 24, 40];

/// Prices a model, and makes a plan of whole pairs from the best ones at these prices.
fn optimise(model: &Model, passes: &mut u64) -> Solution {
    let (mut draft, priced, _) = rounded(model, passes);
    let mut bound = priced.dual;
    if draft.is_feasible() {
        let prices = model.prices(&priced.multipliers);
        let margins = model.margins(&priced.multipliers);
        *passes += 1;
        bound = improve(&mut draft, &prices, &priced, &margins).min(bound);
        let is_open = bound - draft.objective() > BRANCHED_GAP * bound.abs();
        if is_open && let [Limit { side: Side::AtMost, .. }] = model.limits[..] && margins.len() <= BRANCHED_UNITS {
            bound = knapsack::improve(&mut draft, &priced).min(bound);
        }
    }
    Solution { is_feasible: draft.is_feasible(), objective: draft.objective(), bound, chosen: draft.chosen, priced }
}

/// Prices a model and rounds the best pairs to a plan that keeps the limits, if that is found. The unit that comes last
/// is the one that moves most among those that the prices leave undecided.
fn rounded<'a>(model: &'a Model<'a>, passes: &mut u64) -> (Draft<'a>, Priced, Option<u32>) {
    let priced = model.price(passes);
    let prices = model.prices(&priced.multipliers);
    let margins = model.margins(&priced.multipliers);
    let mut draft = Draft::new(model, model.choose(&priced.multipliers));
    *passes += 2;
    let mut width = CORE;
    let core = loop {
        let core = nearest(&margins, width);
        draft.repair(&prices, &core);
        if width >= margins.len() || draft.is_feasible() {
            break core;
        }
        width *= 20;
    };
    if !draft.is_feasible() {
        let extent = Extent { branches: BRANCHES, least_impact: 0.0 };
        search(&mut draft, &prices, &priced, &core, f64::INFINITY, extent);
    }
    if draft.is_feasible() {
        let gap = priced.dual - draft.objective();
        draft.fill(&prices, &core, gap);
    }
    let undecided = core.into_iter().map(|unit| (draft.undecided(&prices, unit as usize), unit));
    let undecided = undecided.filter(|(impact, _)| *impact > 0.0).max_by(|a, b| a.0.total_cmp(&b.0));
    (draft, priced, undecided.map(|(_, unit)| unit))
}

/// Makes a plan that keeps the limits better, and returns a bound of all plans.
fn improve(
    draft: &mut Draft,
    prices: &[Coefficients],
    priced: &Priced,
    margins: &[f64],
) -> f64 {
    let gap = |draft: &Draft| priced.dual - draft.objective();
    let is_open = |draft: &Draft| gap(draft) > GOOD_ENOUGH * priced.dual.abs();
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
    // The smallest gaps first: there are few plans within them, and the first that is found is the best.
    let whole = gap(draft);
    let mut least_impact = 0.0;
    for halvings in (0..12).rev() {
        let target = whole * 0.5_f64.powi(halvings);
        let units = within(draft, target);
        let mut found = Found::Unknown;
        if least_impact == 0.0 {
            found = search(draft, prices, priced, &units, target, Extent { branches: BRANCHES, least_impact });
        }
        if found == Found::Unknown {
            // Units of little impact fill up what the others leave.
            least_impact = SMALL * target;
            let extent = Extent { branches: BRANCHES / 4, least_impact };
            found = search(draft, prices, priced, &units, target, extent);
        }
        match found {
            Found::Best => return draft.objective() + 1e-9 * target,
            Found::Better => break,
            Found::Nothing if least_impact == 0.0 => bound = priced.dual - target,
            Found::Nothing | Found::Unknown => {}
        }
    }
    let limit = gap(draft);
    draft.fill(prices, &within(draft, limit), limit);
    search_nearby(draft, prices, priced, margins, within(draft, gap(draft)));
    let limit = gap(draft);
    draft.fill(prices, &within(draft, limit), limit);
    bound
}

/// Searches among some of `units` at a time, those with a loss and those near a tie above all.
fn search_nearby(draft: &mut Draft, prices: &[Coefficients], priced: &Priced, margins: &[f64], mut units: Vec<u32>) {
    let gap = |draft: &Draft| priced.dual - draft.objective();
    let small = 1e-3 * gap(draft);
    units.retain(|&unit| draft.most_worth(unit as usize) > small);
    units.sort_by(|&a, &b| margins[a as usize].total_cmp(&margins[b as usize]).then(a.cmp(&b)));
    units.truncate(CORE);
    let mut draws = Draws::new(margins.len() as u64);
    let (mut searches, mut failures) = (0, 0);
    while gap(draft) > GOOD_NEARBY * priced.dual.abs() && failures < NEIGHBOURHOODS && !units.is_empty() {
        let lossy: Vec<u32> =
            draft.moved.iter().copied().filter(|&unit| draft.loss(prices, unit as usize) > 0.0).collect();
        let mut some = BTreeSet::new();
        let neighbours = NEIGHBOURS[searches % NEIGHBOURS.len()];
        searches += 1;
        for draw in 0..neighbours {
            let (from, share) = if draw < neighbours / 4 && !lossy.is_empty() {
                (&lossy, draws.uniform())
            } else {
                (&units, draws.uniform().powi(3))
            };
            some.insert(from[(share * from.len() as f64) as usize]);
        }
        let some: Vec<u32> = some.into_iter().collect();
        let extent = Extent { branches: NEARBY_BRANCHES, least_impact: 0.0 };
        let found = search(draft, prices, priced, &some, gap(draft), extent);
        failures = if matches!(found, Found::Best | Found::Better) { 0 } else { failures + 1 };
    }
}

/// Units up to which undecided ones are branched on, and the gap, as a share of the bound, from which on.
const BRANCHED_UNITS: usize = 20_000;
const BRANCHED_GAP: f64 = 1e-7;

/// The units of the smallest margins, about `width` of them with all ties.
fn nearest(margins: &[f64], width: usize) -> Vec<u32> {
    if width >= margins.len() {
        return (0..margins.len() as u32).collect();
    }
    let mut sorted = margins.to_vec();
    let (_, &mut widest, _) = sorted.select_nth_unstable_by(width, f64::total_cmp);
    (0..margins.len() as u32).filter(|&unit| margins[unit as usize] <= widest).collect()
}

#[cfg(test)]
mod tests;
