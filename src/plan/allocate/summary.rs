//! What is known of a plan: one row a number, a guardrail and a reason for dropped rows.

use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;

use super::guardrails::Guardrails;
use super::pairs::Ordered;
use super::pruning::Tally;
use super::settings::Settings;
use super::solving::{Prepared, Solved};
use super::table::{numbers, texts};
use crate::allocation::Infeasible;

/// The columns of the result.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("section", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("verdict", DataType::Utf8, true),
        Field::new("amount", DataType::Float64, true),
        Field::new("value", DataType::Float64, true),
        Field::new("cost", DataType::Float64, true),
        Field::new("dimension", DataType::Utf8, true),
        Field::new("member", DataType::Utf8, true),
        Field::new("measure", DataType::Utf8, true),
        Field::new("minimum", DataType::Float64, true),
        Field::new("maximum", DataType::Float64, true),
        Field::new("binding", DataType::Boolean, true),
        Field::new("shadow_price", DataType::Float64, true),
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
                let verdict = if used.excess(&named.limits) > 0.0 { "broken" } else { "kept" };
                (Some(used.sum), Some(verdict), Some(solved.plan.shadow_prices[i]))
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
    let columns = vec![
        texts(&rows, |row| Some(row.section)),
        texts(&rows, |row| Some(&row.name)),
        texts(&rows, |row| row.verdict),
        numbers(&rows, |row| row.amount),
        numbers(&rows, |row| row.value),
        numbers(&rows, |row| row.cost),
        texts(&rows, |row| row.dimension.as_deref()),
        texts(&rows, |row| row.member.as_deref()),
        texts(&rows, |row| row.measure),
        numbers(&rows, |row| row.minimum),
        numbers(&rows, |row| row.maximum),
        Arc::new(rows.iter().map(|row| row.binding).collect::<BooleanArray>()),
        numbers(&rows, |row| row.shadow_price),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
