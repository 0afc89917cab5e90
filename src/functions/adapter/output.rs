//! Results as arrays.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};

use crate::estimators::{GoodnessOfFit, Inference};

/// A result that makes a column.
pub(crate) trait Column: Sized {
    /// The type of the column.
    fn data_type() -> DataType;
    /// The column of some results.
    fn column(results: &[Self]) -> ArrayRef;
}

impl Column for Option<f64> {
    fn data_type() -> DataType {
        DataType::Float64
    }

    fn column(results: &[Self]) -> ArrayRef {
        Arc::new(results.iter().copied().collect::<Float64Array>())
    }
}

static INFERENCE: LazyLock<Fields> = LazyLock::new(|| {
    let number = |name| Field::new(name, DataType::Float64, true);
    let count = |name| Field::new(name, DataType::Int64, true);
    Fields::from(vec![
        number("estimate"),
        number("std_error"),
        number("ci_low"),
        number("ci_high"),
        number("p_value"),
        count("n"),
        count("n_skipped"),
        number("ess"),
    ])
});

impl Column for Inference {
    fn data_type() -> DataType {
        DataType::Struct(INFERENCE.clone())
    }

    fn column(results: &[Self]) -> ArrayRef {
        let number = |field: fn(&Self) -> Option<f64>| numbers(results, field);
        let count = |field: fn(&Self) -> u64| counts(results, field);
        let columns = vec![
            number(|r| r.estimate),
            number(|r| r.std_error),
            number(|r| r.ci_low),
            number(|r| r.ci_high),
            number(|r| r.p_value),
            count(|r| r.n),
            count(|r| r.n_skipped),
            number(|r| r.ess),
        ];
        Arc::new(StructArray::new(INFERENCE.clone(), columns, None))
    }
}

static GOODNESS_OF_FIT: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("chi2", DataType::Float64, true),
        Field::new("df", DataType::Int64, true),
        Field::new("p_value", DataType::Float64, true),
        Field::new("n", DataType::Int64, true),
    ])
});

impl Column for GoodnessOfFit {
    fn data_type() -> DataType {
        DataType::Struct(GOODNESS_OF_FIT.clone())
    }

    fn column(results: &[Self]) -> ArrayRef {
        let columns = vec![
            numbers(results, |r: &Self| r.chi2),
            counts(results, |r: &Self| r.df),
            numbers(results, |r: &Self| r.p_value),
            counts(results, |r: &Self| r.n),
        ];
        Arc::new(StructArray::new(GOODNESS_OF_FIT.clone(), columns, None))
    }
}

fn numbers<T>(results: &[T], field: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(results.iter().map(field).collect::<Float64Array>())
}

fn counts<T>(results: &[T], field: impl Fn(&T) -> u64) -> ArrayRef {
    Arc::new(results.iter().map(|r| Some(field(r) as i64)).collect::<Int64Array>())
}
