//! The constants of a call, evaluated and checked.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::relation::Purpose;
use crate::math::{SEEDS, is_seed};

/// What a constant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Flag,
    Word,
}

impl Kind {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Number => DataType::Float64,
            Self::Flag => DataType::Boolean,
            Self::Word => DataType::Utf8,
        }
    }

    pub(super) fn takes(self, data_type: &DataType) -> bool {
        match self {
            Self::Number => data_type.is_numeric(),
            Self::Flag => *data_type == DataType::Boolean,
            Self::Word => data_type.is_string(),
        }
    }

    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Word => "a text",
        }
    }
}

/// Every constant of the family; which ones a function takes is in its documentation.
pub(super) const CONSTANTS: [(&str, Kind); 12] = [
    ("budget", Kind::Number),
    ("max_treated", Kind::Number),
    ("min_treated", Kind::Number),
    ("max_cost_per_value", Kind::Number),
    ("average_cost_per_value", Kind::Number),
    ("min_value_per_cost", Kind::Number),
    ("explore", Kind::Number),
    ("seed", Kind::Number),
    ("points", Kind::Number),
    ("include_no_offer", Kind::Flag),
    ("strict", Kind::Flag),
    ("on_infeasible", Kind::Word),
];

/// The constants of a call; `None` where none was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) budget: Option<f64>,
    pub(super) max_treated: Option<f64>,
    pub(super) min_treated: Option<f64>,
    pub(super) max_cost_per_value: Option<f64>,
    pub(super) average_cost_per_value: Option<f64>,
    pub(super) min_value_per_cost: f64,
    pub(super) explore: f64,
    pub(super) seed: u64,
    pub(super) points: usize,
    pub(super) include_no_offer: bool,
    pub(super) strict: bool,
    pub(super) least_violation: bool,
}

impl Settings {
    /// Evaluates and checks the constants.
    pub(super) fn evaluate(
        purpose: Purpose,
        constants: &[(&'static str, Arc<dyn PhysicalExpr>)],
    ) -> Result<Self> {
        let values =
            constants.iter().map(|(name, expr)| Ok((*name, evaluate(purpose, name, expr.as_ref())?)));
        let values: Vec<(&str, ScalarValue)> = values.collect::<Result<_>>()?;
        let number = |option: &str| {
            values.iter().find(|(name, _)| *name == option).and_then(|(_, value)| match value {
                ScalarValue::Float64(x) => *x,
                _ => None,
            })
        };
        let flag = |option: &str| {
            let is_true = ScalarValue::Boolean(Some(true));
            values.iter().any(|(name, value)| *name == option && *value == is_true)
        };
        let word = |option: &str| {
            values.iter().find(|(name, _)| *name == option).and_then(|(_, value)| match value {
                ScalarValue::Utf8(text) => text.as_deref(),
                _ => None,
            })
        };
        let ruled = |option: &str, rule: &str, keeps: fn(f64) -> bool| match number(option) {
            Some(x) if !keeps(x) => exec_err!("{purpose}: {option} must be {rule}, got {x}"),
            x => Ok(x),
        };
        let at_least_zero = |option: &str| ruled(option, "at least 0", |x| x >= 0.0);
        let least_violation = match word("on_infeasible") {
            None | Some("error") => false,
            Some("least_violation") => true,
            Some(other) => {
                return exec_err!(
                    "{purpose}: on_infeasible must be 'error' or 'least_violation', got '{other}'"
                );
            }
        };
        let seed = ruled("seed", SEEDS, is_seed)?;
        let points = ruled("points", "a whole number from 2 to 10000", |x| {
            x.fract() == 0.0 && (2.0..=10_000.0).contains(&x)
        })?;
        let budget = ruled("budget", "a number", |x| !x.is_nan() && x != f64::NEG_INFINITY)?;
        Ok(Self {
            // A frontier varies its budget, so it always has one.
            budget: budget.or((purpose == Purpose::Frontier).then_some(f64::INFINITY)),
            max_treated: at_least_zero("max_treated")?,
            min_treated: ruled("min_treated", "a finite number of at least 0", |x| {
                x >= 0.0 && x.is_finite()
            })?,
            max_cost_per_value: ruled("max_cost_per_value", "a finite number", f64::is_finite)?,
            average_cost_per_value: ruled("average_cost_per_value", "a finite number", f64::is_finite)?,
            min_value_per_cost: ruled("min_value_per_cost", "a finite number of at least 0", |x| {
                x >= 0.0 && x.is_finite()
            })?
            .unwrap_or(0.0),
            explore: ruled("explore", "a share in [0, 1]", |x| (0.0..=1.0).contains(&x))?.unwrap_or(0.0),
            seed: seed.unwrap_or(0.0) as u64,
            points: points.unwrap_or(50.0) as usize,
            include_no_offer: flag("include_no_offer"),
            strict: flag("strict"),
            least_violation,
        })
    }
}

fn evaluate(purpose: Purpose, name: &str, expr: &dyn PhysicalExpr) -> Result<ScalarValue> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    match expr.evaluate(&row)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(array) if array.len() == 1 => ScalarValue::try_from_array(&array, 0),
        ColumnarValue::Array(_) => exec_err!("{purpose}: {name} must be a constant"),
    }
}
