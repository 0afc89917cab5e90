//! Why no plan keeps the guardrails: what each minimum asks for and what can be reached, and which ones conflict.

use super::Infeasible;
use super::model::{Limit, Model, Side};
use super::problem::{Coefficients, Guardrail};
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

/// Minimums beyond which the conflict is not made smaller.
const NARROWED: usize = 64;

/// Explains why no plan keeps the limits of a model, the sides of `guardrails`.
pub(super) fn explain(model: &Model, guardrails: &[Guardrail]) -> Infeasible {
    let limits = || model.limits.iter().enumerate();
    let requirement = |r: usize, is_minimum: bool, attainable: f64| {
        let guardrail = model.limits[r].guardrail;
        let Guardrail { minimum, maximum, taken, .. } = guardrails[guardrail];
        let required = if is_minimum { minimum } else { maximum };
        Requirement { guardrail, is_minimum, required, attainable: attainable + taken }
    };
    let least =
        limits().filter(|(_, limit)| limit.side != Side::AtLeast).map(|(r, _)| (r, model.least_use(r).0));
    let broken: Vec<Requirement> = least
        .filter(|&(r, least)| model.limits[r].overrun(least) > 0.0)
        .map(|(r, least)| requirement(r, false, least))
        .collect();
    if !broken.is_empty() {
        return Infeasible { conflict: broken.clone(), requirements: broken, is_proven: true };
    }
    let minimums: Vec<usize> =
        limits().filter(|(_, limit)| limit.side != Side::AtMost).map(|(r, _)| r).collect();
    let (mut requirements, mut alone) = (vec![], None);
    for &r in minimums.iter().take_while(|_| !model.is_stopped()) {
        let most = most(model, r);
        if model.limits[r].shortfall(most.bound) > 0.0 {
            alone = alone.or(Some(requirements.len()));
        }
        requirements.push(requirement(r, true, most.objective));
    }
    let conflict = match alone {
        Some(alone) => vec![requirements[alone]],
        None => smallest_conflict(model, &minimums).into_iter().map(|i| requirements[i]).collect(),
    };
    Infeasible { is_proven: !conflict.is_empty(), conflict, requirements }
}

/// Positions of the minimums that even fractions of pairs cannot keep together; empty where there are none.
fn smallest_conflict(model: &Model, minimums: &[usize]) -> Vec<usize> {
    let mut conflict: Vec<usize> = (0..minimums.len()).collect();
    let cannot =
        |some: &[usize]| is_infeasible(model, &some.iter().map(|&i| minimums[i]).collect::<Vec<_>>());
    if model.is_stopped() || !cannot(&conflict) {
        return vec![];
    }
    if minimums.len() <= NARROWED {
        for i in 0..minimums.len() {
            let without: Vec<usize> = conflict.iter().copied().filter(|&other| other != i).collect();
            if !model.is_stopped() && cannot(&without) {
                conflict = without;
            }
        }
    }
    conflict
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
