//! From ordered pairs to a plan: explorers draw, the solver decides on the others, and what is returned is summed again.

use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, internal_err};

use super::guardrails::{Guardrails, Measure};
use super::pairs::Ordered;
use super::relation::Purpose;
use super::settings::Settings;
use crate::allocation::{
    Effort, Failure, Guardrail, Infeasible, NO_OFFER, Pairs, Plan, Problem, Requirement, solve,
};
use crate::math::Sum;

/// Share of a limit that the rounding of a sum may be beyond it.
const ROUNDING: f64 = 1e-12;

/// A problem in the solver's terms, with what the explorers take before it.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) problem: Problem,
    pub(super) explored: Pairs,
    /// The pair of each explorer, or [`NO_OFFER`].
    pub(super) explorers: Vec<u32>,
    pub(super) pair_rows: Vec<u32>,
    pub(super) unit_rows: Vec<u32>,
    pub(super) without: Vec<u32>,
}

/// What came out.
#[derive(Debug)]
pub(super) struct Solved {
    pub(super) prepared: Prepared,
    pub(super) plan: Plan,
    pub(super) totals: Totals,
}

/// Sums over the chosen pairs, of explorers too.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) treated: u64,
    pub(super) value: f64,
    pub(super) cost: f64,
    pub(super) objective: f64,
    /// What is used of each guardrail.
    pub(super) used: Vec<f64>,
}

/// The most that the sizes of all values, and of all costs, may sum to: products and sums of them are numbers.
const LARGEST: f64 = 1e150;

/// Refuses numbers that sums of are none.
fn check_sizes(purpose: Purpose, pairs: &[&Pairs]) -> Result<()> {
    let total =
        |of: fn(&Pairs) -> &[f64]| -> f64 { pairs.iter().flat_map(|pairs| of(pairs)).map(|x| x.abs()).sum() };
    for (name, total) in [("value", total(|pairs| &pairs.value)), ("cost", total(|pairs| &pairs.cost))] {
        if total > LARGEST {
            return exec_err!(
                "{purpose}: {name} must sum to at most {LARGEST:e} in size over all rows, got {total:e}; give it in a larger unit"
            );
        }
    }
    Ok(())
}

/// Lets the explorers draw.
pub(super) fn prepare(
    purpose: Purpose,
    settings: &Settings,
    guardrails: &Guardrails,
    ordered: Ordered,
) -> Result<Prepared> {
    check_sizes(purpose, &[&ordered.free, &ordered.explored])?;
    let classes: Vec<Vec<u32>> = ordered.codes.iter().map(|&code| guardrails.counting(code)).collect();
    guardrails.check_seen(purpose, classes.iter().cloned())?;
    let explorers = (0..ordered.explored.units()).map(|unit| {
        let pairs = ordered.explored.of(unit);
        // No-offer is one of the choices.
        let choice = (ordered.explorer_draws[unit] * (pairs.len() + 1) as f64) as usize;
        if choice < pairs.len() { (pairs.start + choice) as u32 } else { NO_OFFER }
    });
    let explorers: Vec<u32> = explorers.collect();
    let mut limits: Vec<Guardrail> = guardrails.named.iter().map(|named| named.limits).collect();
    let taken = used(&limits, &classes, chosen_pairs(&ordered.explored, &explorers));
    for ((limit, (taken, _)), named) in limits.iter_mut().zip(taken).zip(&guardrails.named) {
        let can_be_offset = named.measure == Measure::CostPerValue;
        if taken > limit.maximum && limit.maximum >= 0.0 && !can_be_offset {
            return exec_err!(
                "{purpose}: the units that explore break {} alone: they use {taken} of {}; explore less",
                named.label,
                limit.maximum
            );
        }
        limit.taken = taken;
    }
    Ok(Prepared {
        problem: Problem {
            pairs: ordered.free,
            guardrails: limits,
            classes,
            floor: settings.min_value_per_cost,
        },
        explored: ordered.explored,
        explorers,
        pair_rows: ordered.pair_rows,
        unit_rows: ordered.unit_rows,
        without: ordered.without,
    })
}

/// Solves a problem.
pub(super) fn solve_prepared(
    purpose: Purpose,
    settings: &Settings,
    guardrails: &Guardrails,
    prepared: Prepared,
    effort: &Effort,
) -> Result<Result<Solved, (Prepared, Infeasible)>> {
    let plan = match solve(&prepared.problem, effort) {
        Ok(plan) => plan,
        Err(Failure::Infeasible(why)) => return Ok(Err((prepared, why))),
        Err(Failure::Stopped) => return exec_err!("{purpose}: the query was cancelled"),
    };
    let totals = totals(&prepared, &plan, settings.min_value_per_cost);
    if plan.is_feasible {
        verify(purpose, guardrails, &prepared, &plan)?;
    }
    Ok(Ok(Solved { prepared, plan, totals }))
}

/// Class, value and cost of the chosen pairs.
fn chosen_pairs<'a>(pairs: &'a Pairs, chosen: &'a [u32]) -> impl Iterator<Item = (u32, f64, f64)> + Clone {
    let taken = chosen.iter().filter(|&&pair| pair != NO_OFFER).map(|&pair| pair as usize);
    taken.map(|pair| (pairs.class[pair], pairs.value[pair], pairs.cost[pair]))
}

/// What pairs use of each guardrail, and the sum of the sizes of what they add.
fn used(
    limits: &[Guardrail],
    classes: &[Vec<u32>],
    chosen: impl Iterator<Item = (u32, f64, f64)>,
) -> Vec<(f64, f64)> {
    let mut sums = vec![(Sum::default(), Sum::default()); limits.len()];
    for (class, value, cost) in chosen {
        for &guardrail in &classes[class as usize] {
            let adds = limits[guardrail as usize].adds.of(value, cost);
            let (sum, sizes) = &mut sums[guardrail as usize];
            sum.add(adds);
            sizes.add(adds.abs());
        }
    }
    sums.iter().map(|(sum, sizes)| (sum.value(), sizes.value())).collect()
}

fn all_chosen<'a>(
    prepared: &'a Prepared,
    plan: &'a Plan,
) -> impl Iterator<Item = (u32, f64, f64)> + Clone + 'a {
    let free = chosen_pairs(&prepared.problem.pairs, &plan.chosen);
    free.chain(chosen_pairs(&prepared.explored, &prepared.explorers))
}

fn totals(prepared: &Prepared, plan: &Plan, floor: f64) -> Totals {
    let chosen = || all_chosen(prepared, plan);
    let sum = |of: fn((u32, f64, f64)) -> f64| {
        let mut sum = Sum::default();
        chosen().for_each(|pair| sum.add(of(pair)));
        sum.value()
    };
    let (value, cost) = (sum(|(_, value, _)| value), sum(|(_, _, cost)| cost));
    let used = used(&prepared.problem.guardrails, &prepared.problem.classes, chosen());
    Totals {
        treated: chosen().count() as u64,
        value,
        cost,
        objective: value - floor * cost,
        used: used.into_iter().map(|(used, _)| used).collect(),
    }
}

/// Sums what the returned rows use of each guardrail once more.
fn verify(purpose: Purpose, guardrails: &Guardrails, prepared: &Prepared, plan: &Plan) -> Result<()> {
    let used = used(&prepared.problem.guardrails, &prepared.problem.classes, all_chosen(prepared, plan));
    for ((used, sizes), named) in used.into_iter().zip(&guardrails.named) {
        let Guardrail { minimum, maximum, .. } = named.limits;
        if excess(used, sizes, minimum, maximum) > 0.0 {
            return internal_err!(
                "{purpose}: the plan would use {used} of {}, which has limits {minimum} and {maximum}",
                named.label
            );
        }
    }
    Ok(())
}

/// How far a sum is beyond its limits, zero within what rounding explains.
pub(super) fn excess(used: f64, sizes: f64, minimum: f64, maximum: f64) -> f64 {
    let beyond = |over: f64, limit: f64| {
        let scale = if limit == 0.0 { sizes } else { limit.abs() };
        if over > ROUNDING * scale { over } else { 0.0 }
    };
    beyond(used - maximum, maximum).max(beyond(minimum - used, minimum))
}

/// The error when no plan keeps the guardrails.
pub(super) fn infeasible(purpose: Purpose, guardrails: &Guardrails, why: &Infeasible) -> DataFusionError {
    let said = |requirement: &Requirement| {
        let label = &guardrails.named[requirement.guardrail].label;
        let Requirement { required, attainable, .. } = requirement;
        match requirement.is_minimum {
            true => format!("{label} requires {required}, attainable {attainable}"),
            false => format!("{label} allows {required}, at least {attainable} is needed"),
        }
    };
    let mut message = format!("{purpose}: infeasible");
    let requirements: Vec<_> = why.requirements.iter().map(said).collect();
    if !requirements.is_empty() {
        message += &format!("; {}", requirements.join("; "));
    }
    if why.conflict.len() > 1 {
        let labels: Vec<_> =
            why.conflict.iter().map(|r| guardrails.named[r.guardrail].label.as_str()).collect();
        message += &format!("; together in conflict: {}", labels.join(", "));
    }
    if !why.is_proven {
        message += "; fractions of rows could keep all of them, but no plan of whole rows was found";
    }
    exec_datafusion_err!("{message}; lower a minimum, or give on_infeasible => 'least_violation'")
}
