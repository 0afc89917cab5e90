//! Columns of the results that are made rather than passed on.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, StringArray};

/// A column of texts, one of each row.
pub(super) fn texts<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

/// A column of numbers, one of each row.
pub(super) fn numbers<R>(rows: &[R], of: impl Fn(&R) -> Option<f64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Float64Array>())
}
