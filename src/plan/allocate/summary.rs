//! What is known of a plan: one row a number, a guardrail and a reason for dropped rows.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;

use super::guardrails::Guardrails;
use super::node::field;
use super::pairs::Ordered;
use super::pruning::Tally;
use super::settings::Settings;
use super::solving::{Prepared, Solved, excess};
use crate::allocation::Infeasible;

/// The columns of the result.
pub(super) fn fields() -> Vec<Field> {
    vec![
        field("section", DataType::Utf8, false),
        field("name", DataType::Utf8, false),
        field("verdict", DataType::Utf8, true),
        field("amount", DataType::Float64, true),
        field("value", DataType::Float64, true),
        field("cost", DataType::Float64, true),
        field("dimension", DataType::Utf8, true),
        field("member", DataType::Utf8, true),
        field("measure", DataType::Utf8, true),
        field("minimum", DataType::Float64, true),
        field("maximum", DataType::Float64, true),
        field("binding", DataType::Boolean, true),
        field("shadow_price", DataType::Float64, true),
    ]
}

/// Gap, as a share of the bound, up to which a plan counts as optimal.
const OPTIMAL: f64 = 1e-9;

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct About {
    rows: u64,
    pairs: u64,
    units: u64,
    explorers: u64,
    tally: Tally,
}

impl About {
    pub(super) fn of(ordered: &Ordered) -> Self {
        Self {
            rows: u64::from(ordered.rows),
            pairs: ordered.pair_rows.len() as u64,
            units: (ordered.unit_rows.len() + ordered.without.len()) as u64,
            explorers: ordered.explored.units() as u64,
            tally: ordered.tally.clone(),
        }
    }
}

/// A row of the result, what is not said being NULL.
#[derive(Clone, Debug, Default)]
struct Row {
    section: &'static str,
    name: String,
    verdict: Option<&'static str>,
    amount: Option<f64>,
    value: Option<f64>,
    cost: Option<f64>,
    dimension: Option<String>,
    member: Option<String>,
    measure: Option<&'static str>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    binding: Option<bool>,
    shadow_price: Option<f64>,
}

/// The rows about a plan, or about why there is none.
pub(super) fn rows(
    settings: &Settings,
    guardrails: &Guardrails,
    about: &About,
    solved: Result<Solved, (Prepared, Infeasible)>,
    schema: SchemaRef,
) -> Result<RecordBatch> {
    let plan = |name: &str, amount: Option<f64>| Row {
        section: "plan",
        name: name.to_string(),
        amount,
        ..Row::default()
    };
    let solved = solved.as_ref();
    let feasible = solved.ok();
    let of = |number: fn(&Solved) -> f64| feasible.map(number);
    let floor = settings.min_value_per_cost;
    // A bound is about plans that keep the limits, and the solver's one about the units that do not explore.
    let proven = feasible.filter(|s| s.plan.is_feasible);
    let bound = proven.map(|s| s.plan.bound - s.plan.objective + s.totals.objective);
    let gap = proven.zip(bound).map(|(s, bound)| match s.plan.bound - s.plan.objective {
        0.0 => 0.0,
        distance => distance / bound.abs(),
    });
    let verdict = match (feasible, gap) {
        (None, _) => "infeasible",
        (Some(solved), _) if !solved.plan.is_feasible => "least_violation",
        (Some(_), Some(gap)) if gap > OPTIMAL => "feasible",
        _ => "optimal",
    };
    let mut rows = vec![
        Row { verdict: Some(verdict), ..plan("status", None) },
        plan("objective", of(|s| s.totals.objective)),
        plan("value", of(|s| s.totals.value)),
        plan("cost", of(|s| s.totals.cost)),
        plan("treated", of(|s| s.totals.treated as f64)),
        plan("bound", bound),
        plan("gap", gap),
        plan("passes", of(|s| s.plan.passes as f64)),
        plan("min_value_per_cost", (floor > 0.0).then_some(floor)),
        plan("rows", Some(about.rows as f64)),
        plan("pairs", Some(about.pairs as f64)),
        plan("units", Some(about.units as f64)),
        plan("explorers", Some(about.explorers as f64)),
    ];
    rows.retain(|row| row.name != "min_value_per_cost" || row.amount.is_some());
    for (i, named) in guardrails.named.iter().enumerate() {
        let (minimum, maximum) = (named.limits.minimum, named.limits.maximum);
        let (amount, verdict, shadow_price) = match solved {
            Ok(solved) => {
                let used = solved.totals.used[i];
                let broken = excess(used, used.abs(), minimum, maximum) > 0.0 && !solved.plan.is_feasible;
                let verdict = if broken { "broken" } else { "kept" };
                (Some(used), Some(verdict), Some(solved.plan.shadow_prices[i]))
            }
            Err((_, why)) => match why.requirements.iter().find(|r| r.guardrail == i) {
                Some(requirement) => {
                    let in_conflict = why.conflict.iter().any(|r| r.guardrail == i);
                    (Some(requirement.attainable), in_conflict.then_some("in_conflict"), None)
                }
                None => (None, None, None),
            },
        };
        rows.push(Row {
            section: "guardrail",
            name: named.label.clone(),
            verdict,
            amount,
            dimension: named.dimension.clone(),
            member: named.member.clone(),
            measure: Some(named.measure.name()),
            minimum: minimum.is_finite().then_some(minimum),
            maximum: maximum.is_finite().then_some(maximum),
            binding: shadow_price.map(|price| price != 0.0),
            shadow_price,
            ..Row::default()
        });
    }
    for (reason, dropped, value, cost) in about.tally.entries() {
        rows.push(Row {
            section: "dropped",
            name: reason.name().to_string(),
            amount: Some(dropped as f64),
            value: Some(value),
            cost: Some(cost),
            ..Row::default()
        });
    }
    let text =
        |of: fn(&Row) -> Option<&str>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let number =
        |of: fn(&Row) -> Option<f64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Float64Array>()) };
    let columns = vec![
        text(|row| Some(row.section)),
        text(|row| Some(&row.name)),
        text(|row| row.verdict),
        number(|row| row.amount),
        number(|row| row.value),
        number(|row| row.cost),
        text(|row| row.dimension.as_deref()),
        text(|row| row.member.as_deref()),
        text(|row| row.measure),
        number(|row| row.minimum),
        number(|row| row.maximum),
        Arc::new(rows.iter().map(|row| row.binding).collect::<BooleanArray>()),
        number(|row| row.shadow_price),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
