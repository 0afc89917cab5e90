//! From ordered pairs to a plan: explorers draw, the solver decides on the others, and what is returned is summed again.

use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, internal_err};

use super::guardrails::Guardrails;
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
    pub(super) used: Vec<Used>,
}

/// The most that the sizes of all values, and of all costs, may sum to: products and sums of them are numbers.
const LARGEST: f64 = 1e150;

/// Refuses amounts that sums of are no numbers.
pub(super) fn check_sizes(
    purpose: Purpose,
    settings: &Settings,
    amounts: impl Iterator<Item = (f64, f64)>,
) -> Result<()> {
    let (value, cost) = amounts.fold((0.0, 0.0), |(v, c), (value, cost)| (v + value.abs(), c + cost.abs()));
    let average = settings.average_cost_per_value.map_or(0.0, f64::abs);
    for (what, total) in [
        ("value", value),
        ("cost", cost),
        ("average_cost_per_value * value", average * value),
        ("min_value_per_cost * cost", settings.min_value_per_cost * cost),
    ] {
        if total > LARGEST {
            return exec_err!(
                "{purpose}: {what} must sum to at most {LARGEST:e} in size over all rows, got {total:e}; use larger units"
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
    let halves = [&ordered.free, &ordered.explored].into_iter();
    let amounts = halves.flat_map(|pairs| pairs.value.iter().copied().zip(pairs.cost.iter().copied()));
    check_sizes(purpose, settings, amounts)?;
    let classes: Vec<Vec<u32>> = ordered.codes.iter().map(|&code| guardrails.counting(code)).collect();
    // The others say what can be reached of such a minimum: nothing.
    if purpose != Purpose::Summary && !settings.least_violation {
        guardrails.check_seen(purpose, &classes)?;
    }
    let explorers = (0..ordered.explored.units()).map(|unit| {
        let pairs = ordered.explored.of(unit);
        // No-offer is one of the choices.
        let choice = (ordered.explorer_draws[unit] * (pairs.len() + 1) as f64) as usize;
        if choice < pairs.len() { (pairs.start + choice) as u32 } else { NO_OFFER }
    });
    let explorers: Vec<u32> = explorers.collect();
    let mut limits: Vec<Guardrail> = guardrails.named.iter().map(|named| named.limits).collect();
    let taken = used(&limits, &classes, chosen_pairs(&ordered.explored, &explorers));
    for (i, ((limit, taken), named)) in limits.iter_mut().zip(taken).zip(&guardrails.named).enumerate() {
        let taken = taken.sum;
        let can_be_offset = || {
            let Pairs { class, value, cost, .. } = &ordered.free;
            let is_counted = |class: u32| classes[class as usize].contains(&(i as u32));
            let adds = class.iter().zip(value.iter().zip(cost)).filter(|(class, _)| is_counted(**class));
            adds.into_iter().any(|(_, (&value, &cost))| limit.adds.of(value, cost) < 0.0)
        };
        if taken > limit.maximum && limit.maximum >= 0.0 && !can_be_offset() {
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
        Err(Failure::Stopped) => return cancelled(purpose),
    };
    let totals = totals(&prepared, &plan, settings.min_value_per_cost);
    if plan.is_feasible {
        verify(purpose, guardrails, &totals)?;
    }
    Ok(Ok(Solved { prepared, plan, totals }))
}

/// The error of work that was ended from outside.
pub(super) fn cancelled<T>(purpose: Purpose) -> Result<T> {
    exec_err!("{purpose}: the query was cancelled")
}

/// Class, value and cost of the chosen pairs.
pub(super) fn chosen_pairs<'a>(
    pairs: &'a Pairs,
    chosen: &'a [u32],
) -> impl Iterator<Item = (u32, f64, f64)> + Clone {
    let taken = chosen.iter().filter(|&&pair| pair != NO_OFFER).map(|&pair| pair as usize);
    taken.map(|pair| (pairs.class[pair], pairs.value[pair], pairs.cost[pair]))
}

/// What is used of a guardrail, with the size of what it is a sum of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Used {
    pub(super) sum: f64,
    size: f64,
}

impl Used {
    /// How far it is beyond its limits, zero within what rounding explains.
    pub(super) fn excess(self, limits: &Guardrail) -> f64 {
        let beyond = |over: f64, limit: f64| {
            let scale = if limit == 0.0 { self.size } else { limit.abs() };
            if over <= ROUNDING * scale { 0.0 } else { over }
        };
        beyond(self.sum - limits.maximum, limits.maximum)
            .max(beyond(limits.minimum - self.sum, limits.minimum))
    }
}

/// What pairs of some classes, values and costs use of each guardrail.
pub(super) fn used(
    limits: &[Guardrail],
    classes: &[Vec<u32>],
    chosen: impl Iterator<Item = (u32, f64, f64)>,
) -> Vec<Used> {
    let mut sums = vec![(Sum::default(), Sum::default()); limits.len()];
    for (class, value, cost) in chosen {
        for &guardrail in &classes[class as usize] {
            let adds = limits[guardrail as usize].adds;
            let (sum, size) = &mut sums[guardrail as usize];
            sum.add(adds.of(value, cost));
            size.add(adds.size(value, cost));
        }
    }
    sums.iter().map(|(sum, size)| Used { sum: sum.value(), size: size.value() }).collect()
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
    Totals { treated: chosen().count() as u64, value, cost, objective: value - floor * cost, used }
}

/// Checks what the returned rows use of each guardrail.
fn verify(purpose: Purpose, guardrails: &Guardrails, totals: &Totals) -> Result<()> {
    for (used, named) in totals.used.iter().zip(&guardrails.named) {
        if used.excess(&named.limits) > 0.0 {
            return internal_err!(
                "{purpose}: the plan would use {} of {}, which has limits {} and {}",
                used.sum,
                named.label,
                named.limits.minimum,
                named.limits.maximum
            );
        }
    }
    Ok(())
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
    message += "; lower a minimum";
    if purpose == Purpose::Allocate {
        message += ", or give on_infeasible => 'least_violation'";
    }
    exec_datafusion_err!("{message}")
}
