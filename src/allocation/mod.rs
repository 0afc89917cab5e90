//! Allocation of a budget: each unit gets one action or none, so that the total value is greatest within the guardrails.
//!
//! The problem is the multiple-choice knapsack with linear guardrails ([`Problem`]). [`solve`] prices the limits
//! (`single`, `dual`), takes each unit's best pair at these prices, moves the few units that stand near a tie until every
//! limit is kept (`moves`, `rounding`), and looks through what could still be better (`search`). The dual function at the prices
//! bounds every plan, so the gap of the returned one is known.

mod draft;
mod dual;
mod exhausted;
pub(crate) mod exploration;
mod frontier;
mod hull;
mod infeasible;
pub(crate) mod kernels;
mod knapsack;
mod model;
mod moves;
pub(crate) mod net_value;
pub(crate) mod pacing;
mod passes;
mod problem;
pub(crate) mod pruning;
pub(crate) mod ratio;
mod rounding;
mod search;
mod single;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use draft::Draft;
use exhausted::price_exhausted;
use model::Model;
use rounding::optimise;

pub(crate) use frontier::Frontier;
pub(crate) use infeasible::Requirement;
pub(crate) use passes::size_of_sums;
pub(crate) use problem::{Coefficients, Guardrail, NO_OFFER, Pairs, Problem};
pub(crate) use pruning::{PruneReason, Pruning};

/// What a solution may take and what it is for.
#[derive(Clone)]
pub(crate) struct Effort {
    pub(crate) threads: usize,
    /// Whether a plan near the best is enough: it is not looked for in neighbourhoods.
    pub(crate) is_quick: bool,
    /// Whether the plan that comes nearest to the limits is wanted where none keeps them.
    pub(crate) closest: bool,
    /// Set from outside to end the work early.
    pub(crate) stopped: Arc<AtomicBool>,
    /// Called after each pass, for those who wait.
    pub(crate) on_pass: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, is_quick, closest, stopped, on_pass: _ } = self;
        let mut shown = f.debug_struct("Effort");
        shown.field("threads", threads).field("is_quick", is_quick).field("closest", closest);
        shown.field("stopped", stopped).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Effort {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, is_quick: false, closest: false, stopped: Arc::default(), on_pass: Arc::new(|| ()) }
    }
}

/// How far a bound may be below a plan by rounding, as a share of its objective.
const ROUNDING: f64 = 1e-9;

/// A plan and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The pair of each unit, or [`NO_OFFER`].
    pub(crate) chosen: Vec<u32>,
    /// Sum of `value - floor · cost`.
    pub(crate) objective: f64,
    /// At least the objective of every plan that keeps the guardrails.
    pub(crate) bound: f64,
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
    /// The requirements that together cannot be met, none of which could be left out; empty where none are proven to.
    pub(crate) conflict: Vec<Requirement>,
    /// Whether there is none; else fractions of pairs could keep the guardrails, and no plan of whole ones was found.
    pub(crate) is_proven: bool,
}

/// Finds the plan of the greatest objective that keeps every guardrail.
///
/// # Errors
///
/// When no such plan is found, unless the closest one is asked for; when the work is ended from outside.
pub(crate) fn solve(problem: &Problem, effort: &Effort) -> Result<Plan, Failure> {
    let mut model = Model::new(problem, effort);
    let exhausted = model.close_pairs_that_never_fit();
    let mut passes = 0;
    let mut solution = optimise(&model, &mut passes);
    if !solution.is_feasible && !model.is_stopped() {
        if !effort.closest {
            let explained = infeasible::explain(&model, &problem.guardrails);
            return Err(if model.is_stopped() { Failure::Stopped } else { Failure::Infeasible(explained) });
        }
        // With all pairs: what never fits may be part of what comes nearest.
        model = Model::new(problem, effort);
        model.penalise();
        solution = optimise(&model, &mut passes);
    }
    if model.is_stopped() {
        return Err(Failure::Stopped);
    }
    let mut multipliers = std::mem::take(&mut solution.priced.multipliers);
    if solution.is_feasible && !exhausted.is_empty() {
        price_exhausted(&Model::new(problem, effort), &model, &exhausted, &mut multipliers);
    }
    let mut shadow_prices = vec![0.0; problem.guardrails.len()];
    for (limit, multiplier) in model.limits.iter().zip(&multipliers) {
        shadow_prices[limit.guardrail] += multiplier;
    }
    // Recomputed from the plan: what the steps kept up is not trusted.
    let draft = Draft::new(&model, solution.chosen);
    let objective = draft.objective();
    // A plan may be as good as the bound up to rounding; a bound that is none is replaced by one that cannot fail.
    let is_bound = solution.bound >= objective - ROUNDING * objective.abs();
    let bound = if is_bound { solution.bound } else { model.exact(&vec![0.0; model.limits.len()]).dual };
    Ok(Plan {
        objective,
        bound: bound.max(objective),
        shadow_prices,
        passes,
        is_feasible: draft.is_feasible(),
        prices: model.prices(&multipliers),
        chosen: draft.chosen,
    })
}

#[cfg(test)]
mod tests;
