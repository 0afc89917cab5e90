//! Why no plan keeps the guardrails: what each minimum asks for and what can be reached, and which ones conflict.

use super::Infeasible;
use super::model::{Limit, Model, Side};
use super::problem::Coefficients;
use super::rounding::{Solution, optimise};

/// A limit, what it asks for and what can be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Requirement {
    /// Position of the guardrail.
    pub(crate) guardrail: usize,
    /// Whether it is a minimum; else a maximum that even the plan of the least use breaks.
    pub(crate) is_minimum: bool,
    pub(crate) required: f64,
    /// The most (of a maximum: the least) when it is the only one, the caps being kept.
    pub(crate) attainable: f64,
}

/// Minimums beyond which the conflict is not narrowed down.
const NARROWED: usize = 64;

/// Explains why no plan keeps the limits of a model.
pub(super) fn explain(model: &Model) -> Infeasible {
    let mut requirements = vec![];
    for (r, limit) in model.limits.iter().enumerate() {
        if limit.side != Side::AtLeast {
            let least = model.least_use(r).0;
            let capped = Limit { side: Side::AtMost, ..*limit };
            if capped.excess(least) > 0.0 {
                requirements.push(requirement(limit, false, least));
            }
        }
    }
    if !requirements.is_empty() {
        return Infeasible { conflict: requirements.clone(), requirements, is_proven: true };
    }
    let minimums: Vec<usize> =
        (0..model.limits.len()).filter(|&r| model.limits[r].side != Side::AtMost).collect();
    let mut is_proven = is_infeasible(model, &minimums);
    for &r in &minimums {
        let most = most(model, r);
        is_proven |= most.bound < model.limits[r].bound;
        requirements.push(requirement(&model.limits[r], true, most.objective));
    }
    let mut conflict = minimums.clone();
    if minimums.len() <= NARROWED {
        for &r in &minimums {
            let without: Vec<usize> = conflict.iter().copied().filter(|&other| other != r).collect();
            if is_infeasible(model, &without) {
                conflict = without;
            }
        }
    }
    let of = |r: &usize| requirements[minimums.iter().position(|other| other == r).unwrap_or(0)];
    Infeasible { conflict: conflict.iter().map(of).collect(), requirements, is_proven }
}

fn requirement(limit: &Limit, is_minimum: bool, attainable: f64) -> Requirement {
    Requirement { guardrail: limit.guardrail, is_minimum, required: limit.bound, attainable }
}

/// The plan that has most of a limit's sum while it keeps all caps.
fn most(model: &Model, limit: usize) -> Solution {
    let adds = model.limits[limit].adds;
    let mut only = model.clone();
    only.set_objective(|class| {
        if model.counted_by[class].contains(&(limit as u32)) { adds } else { Coefficients::default() }
    });
    only.limits.iter_mut().for_each(lift_minimum);
    optimise(&only, &mut 0)
}

/// Whether even fractions of pairs cannot keep the caps and some of the minimums.
fn is_infeasible(model: &Model, minimums: &[usize]) -> bool {
    let mut elastic = model.clone();
    elastic.set_objective(|_| Coefficients::default());
    let scales = model.typical_additions();
    for (r, limit) in elastic.limits.iter_mut().enumerate() {
        if !minimums.contains(&r) {
            lift_minimum(limit);
        } else {
            limit.penalty = 1.0 / scales[r];
        }
    }
    // Minus what is missing from the minimums, counted in typical pairs.
    elastic.price(&mut 0).dual < -1e-6
}

/// Leaves of a limit only that it is a cap.
fn lift_minimum(limit: &mut Limit) {
    match limit.side {
        Side::AtMost => {}
        Side::Equal => limit.side = Side::AtMost,
        Side::AtLeast => limit.bound = f64::NEG_INFINITY,
    }
}
