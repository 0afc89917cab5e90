//! The limits of a plan that exists, recomputed from its rows.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;

use super::guardrails::Guardrails;
use super::node::field;
use super::pairs::Gathered;
use super::pruning::Dropped;
use super::relation::Purpose;
use super::settings::Settings;
use super::solving::excess;
use crate::math::Sum;

/// The columns of the result.
pub(super) fn fields() -> Vec<Field> {
    vec![
        field("name", DataType::Utf8, false),
        field("dimension", DataType::Utf8, true),
        field("member", DataType::Utf8, true),
        field("measure", DataType::Utf8, false),
        field("used", DataType::Float64, false),
        field("minimum", DataType::Float64, true),
        field("maximum", DataType::Float64, true),
        field("breach", DataType::Float64, false),
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
    let classes: Vec<Vec<u32>> = gathered.codes().iter().map(|&code| guardrails.counting(code)).collect();
    guardrails.check_seen(Purpose::Audit, classes.iter().cloned())?;
    let mut sums = vec![(Sum::default(), Sum::default()); guardrails.named.len()];
    for (class, value, cost) in gathered.pairs() {
        let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
        for &guardrail in &classes[class as usize] {
            let adds = guardrails.named[guardrail as usize].limits.adds.of(finite(value), finite(cost));
            let (sum, sizes) = &mut sums[guardrail as usize];
            sum.add(adds);
            sizes.add(adds.abs());
        }
    }
    let mut rows = vec![];
    for (named, (sum, sizes)) in guardrails.named.iter().zip(sums) {
        let (minimum, maximum) = (named.limits.minimum, named.limits.maximum);
        rows.push(Row {
            name: named.label.clone(),
            dimension: named.dimension.clone(),
            member: named.member.clone(),
            measure: named.measure.name(),
            used: sum.value(),
            minimum: minimum.is_finite().then_some(minimum),
            maximum: maximum.is_finite().then_some(maximum),
            breach: excess(sum.value(), sizes.value(), minimum, maximum),
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
            Dropped::Pruned(crate::allocation::PruneReason::CostPerValueTooHigh) => {
                settings.max_cost_per_value.is_some()
            }
            Dropped::Pruned(_) => true,
        };
        if is_asked {
            rows.push(none_may(reason.name(), dropped));
        }
    }
    rows.push(none_may("more_than_one_action", gathered.units_with_several()));

    let text =
        |of: fn(&Row) -> Option<&str>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let number =
        |of: fn(&Row) -> Option<f64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Float64Array>()) };
    let columns = vec![
        text(|row| Some(&row.name)),
        text(|row| row.dimension.as_deref()),
        text(|row| row.member.as_deref()),
        text(|row| Some(row.measure)),
        number(|row| Some(row.used)),
        number(|row| row.minimum),
        number(|row| row.maximum),
        number(|row| Some(row.breach)),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
