//! What a budget buys: the plan at each of several budgets.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::array::{Float64Array, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;

use super::guardrails::Guardrails;
use super::relation::Purpose;
use super::settings::Settings;
use super::solving::{Prepared, cancelled, chosen_pairs, infeasible, solve_prepared};
use crate::allocation::{Effort, Frontier};
use crate::math::Sum;

/// The columns of the result.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("budget", DataType::Float64, false),
        Field::new("spend", DataType::Float64, true),
        Field::new("value", DataType::Float64, true),
        Field::new("shadow_price", DataType::Float64, true),
        Field::new("treated", DataType::Int64, true),
    ]
}

/// A point of the frontier.
struct Point {
    budget: f64,
    /// `None` where no plan keeps the guardrails.
    plan: Option<Plan>,
}

/// What a budget buys.
#[derive(Clone, Copy)]
struct Plan {
    spend: f64,
    value: f64,
    shadow_price: f64,
    treated: i64,
}

/// Finds what each budget buys: all in one ordering where the budget is the only limit, else one by one.
pub(super) fn rows(
    settings: &Settings,
    guardrails: &Guardrails,
    mut prepared: Prepared,
    effort: &Effort,
    schema: SchemaRef,
) -> Result<RecordBatch> {
    const PURPOSE: Purpose = Purpose::Frontier;
    // Only numbers are asked for.
    (prepared.pair_rows, prepared.unit_rows, prepared.without) = Default::default();
    let given = settings.budget.filter(|budget| budget.is_finite());
    let mut points = vec![];
    if let Some(mut frontier) = Frontier::new(&prepared.problem, effort) {
        let explored = explored(&prepared);
        let most = given.unwrap_or_else(|| frontier.most().max(0.0));
        for budget in budgets(most, settings.points) {
            let plan = frontier.at(budget).map(|bought| Plan {
                spend: bought.cost + explored.spend,
                value: bought.value + explored.value,
                shadow_price: bought.shadow_price,
                treated: bought.treated as i64 + explored.treated,
            });
            points.push(Point { budget, plan });
        }
    }
    if effort.stopped.load(Ordering::Relaxed) {
        return cancelled(PURPOSE);
    }
    let mut solve = |budget: f64| -> Result<_> {
        // The budget is the first guardrail: `Settings` of a frontier always have one.
        prepared.problem.guardrails[0].maximum = budget;
        let mut guardrails = guardrails.clone();
        guardrails.named[0].limits.maximum = budget;
        let solved =
            match solve_prepared(PURPOSE, settings, &guardrails, std::mem::take(&mut prepared), effort)? {
                Ok(solved) => solved,
                Err((unsolved, why)) => {
                    prepared = unsolved;
                    return Ok(Err(infeasible(PURPOSE, &guardrails, &why)));
                }
            };
        let totals = &solved.totals;
        let plan = Plan {
            spend: totals.cost,
            value: totals.value,
            shadow_price: solved.plan.shadow_prices[0],
            treated: totals.treated as i64,
        };
        prepared = solved.prepared;
        Ok(Ok(plan))
    };
    if points.is_empty() {
        let most = match given {
            Some(budget) => budget,
            None => solve(f64::INFINITY)??.spend.max(0.0),
        };
        points.extend(budgets(most, settings.points).map(|budget| Point { budget, plan: None }));
    }
    for point in points.iter_mut().filter(|point| point.plan.is_none()) {
        point.plan = solve(point.budget)?.ok();
    }
    points.sort_by(|a, b| a.budget.total_cmp(&b.budget));
    // The plan of a smaller budget is one of a larger budget too.
    let objective = |plan: &Plan| plan.value - settings.min_value_per_cost * plan.spend;
    let mut best: Option<Plan> = None;
    for plan in points.iter_mut().filter_map(|point| point.plan.as_mut()) {
        if let Some(best) = best.filter(|best| objective(best) > objective(plan)) {
            *plan = Plan { shadow_price: plan.shadow_price, ..best };
        }
        best = Some(*plan);
    }
    let of =
        |f: fn(Plan) -> f64| Arc::new(points.iter().map(|point| point.plan.map(f)).collect::<Float64Array>());
    let columns = vec![
        Arc::new(Float64Array::from_iter_values(points.iter().map(|point| point.budget))) as _,
        of(|plan| plan.spend) as _,
        of(|plan| plan.value) as _,
        of(|plan| plan.shadow_price) as _,
        Arc::new(points.iter().map(|point| point.plan.map(|plan| plan.treated)).collect::<Int64Array>()) as _,
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Budgets from 0 to the most, evenly spaced.
fn budgets(most: f64, points: usize) -> impl Iterator<Item = f64> {
    let last = points - 1;
    (0..points).map(move |i| if i == last { most } else { most * (i as f64 / last as f64) + 0.0 })
}

/// What the units that explore take, whatever the budget.
fn explored(prepared: &Prepared) -> Plan {
    let (mut spend, mut value, mut treated) = (Sum::default(), Sum::default(), 0);
    for (_, of_value, cost) in chosen_pairs(&prepared.explored, &prepared.explorers) {
        spend.add(cost);
        value.add(of_value);
        treated += 1;
    }
    Plan { spend: spend.value(), value: value.value(), shadow_price: 0.0, treated }
}
