//! The limits of a plan that exists, recomputed from its rows.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;

use super::guardrails::{Guardrails, Measure};
use super::pairs::{Gathered, Units};
use super::pruning::Dropped;
use super::relation::Purpose;
use super::settings::Settings;
use super::solving::{check_sizes, used};
use super::table::{numbers, texts};
use crate::allocation::{Guardrail, PruneReason};

/// The columns of the result.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("name", DataType::Utf8, false),
        Field::new("dimension", DataType::Utf8, true),
        Field::new("member", DataType::Utf8, true),
        Field::new("measure", DataType::Utf8, false),
        Field::new("used", DataType::Float64, false),
        Field::new("minimum", DataType::Float64, true),
        Field::new("maximum", DataType::Float64, true),
        Field::new("breach", DataType::Float64, false),
    ]
}

struct Row {
    name: String,
    dimension: Option<String>,
    member: Option<String>,
    measure: &'static str,
    used: f64,
    minimum: Option<f64>,
    maximum: Option<f64>,
    breach: f64,
}

/// Recomputes every limit.
pub(super) fn rows(
    settings: &Settings,
    guardrails: &Guardrails,
    gathered: Gathered,
    schema: SchemaRef,
) -> Result<RecordBatch> {
    let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
    let pairs = || gathered.pairs().map(|(class, value, cost)| (class, finite(value), finite(cost)));
    check_sizes(Purpose::Audit, settings, pairs().map(|(_, value, cost)| (value, cost)))?;
    let classes: Vec<Vec<u32>> = gathered.codes().iter().map(|&code| guardrails.counting(code)).collect();
    let limits: Vec<Guardrail> = guardrails.named.iter().map(|named| named.limits).collect();
    let mut sums = used(&limits, &classes, pairs());
    let Units { treated, with_several } = gathered.count_units();
    let mut rows = vec![];
    for (named, used) in guardrails.named.iter().zip(&mut sums) {
        let Guardrail { minimum, maximum, .. } = named.limits;
        if named.dimension.is_none() && named.measure == Measure::Count {
            // Units, not rows, of which a plan of somebody else may have several.
            used.sum = treated as f64;
        }
        rows.push(Row {
            name: named.label.clone(),
            dimension: named.dimension.clone(),
            member: named.member.clone(),
            measure: named.measure.name(),
            used: used.sum,
            minimum: minimum.is_finite().then_some(minimum),
            maximum: maximum.is_finite().then_some(maximum),
            breach: used.excess(&named.limits),
        });
    }
    let none_may = |name: &str, rows: u64| Row {
        name: name.to_string(),
        dimension: None,
        member: None,
        measure: "count",
        used: rows as f64,
        minimum: None,
        maximum: Some(0.0),
        breach: rows as f64,
    };
    for (reason, dropped, ..) in gathered.tally.entries() {
        let is_asked = match reason {
            Dropped::NoOffer => false,
            Dropped::NullKey => true,
            Dropped::Pruned(PruneReason::CostPerValueTooHigh) => settings.max_cost_per_value.is_some(),
            Dropped::Pruned(_) => true,
        };
        if is_asked {
            rows.push(none_may(reason.name(), dropped));
        }
    }
    rows.push(none_may("more_than_one_action", with_several));

    let columns = vec![
        texts(&rows, |row| Some(&row.name)),
        texts(&rows, |row| row.dimension.as_deref()),
        texts(&rows, |row| row.member.as_deref()),
        texts(&rows, |row| Some(row.measure)),
        numbers(&rows, |row| Some(row.used)),
        numbers(&rows, |row| row.minimum),
        numbers(&rows, |row| row.maximum),
        numbers(&rows, |row| Some(row.breach)),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
