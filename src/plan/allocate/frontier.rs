//! What a budget buys: the plan at each of several budgets.

use std::sync::Arc;

use datafusion::arrow::array::{Float64Array, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;

use super::guardrails::Guardrails;
use super::relation::Purpose;
use super::settings::Settings;
use super::solving::{Prepared, infeasible, solve_prepared};
use crate::allocation::Effort;

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
    /// Spend, value, shadow price and treated units; `None` where no plan keeps the guardrails.
    plan: Option<(f64, f64, f64, i64)>,
}

/// Solves at each budget.
pub(super) fn rows(
    settings: &Settings,
    guardrails: &Guardrails,
    mut prepared: Prepared,
    effort: &Effort,
    schema: SchemaRef,
) -> Result<RecordBatch> {
    const PURPOSE: Purpose = Purpose::Frontier;
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
        let plan = (totals.cost, totals.value, solved.plan.shadow_prices[0], totals.treated as i64);
        prepared = solved.prepared;
        Ok(Ok(plan))
    };
    let most = match settings.budget.filter(|budget| budget.is_finite()) {
        Some(budget) => budget,
        None => {
            let (spend, ..) = solve(f64::INFINITY)??;
            spend.max(0.0)
        }
    };
    let last = settings.points - 1;
    let mut points = vec![];
    for i in 0..settings.points {
        let budget = if i == last { most } else { most * (i as f64 / last as f64) + 0.0 };
        points.push(Point { budget, plan: solve(budget)?.ok() });
    }
    let of = |f: fn((f64, f64, f64, i64)) -> f64| {
        Arc::new(points.iter().map(|point| point.plan.map(f)).collect::<Float64Array>())
    };
    let columns = vec![
        Arc::new(Float64Array::from_iter_values(points.iter().map(|point| point.budget))) as _,
        of(|(spend, ..)| spend) as _,
        of(|(_, value, ..)| value) as _,
        of(|(_, _, price, _)| price) as _,
        Arc::new(points.iter().map(|point| point.plan.map(|plan| plan.3)).collect::<Int64Array>()) as _,
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
