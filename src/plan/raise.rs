//! `raise_error`: how a macro refuses what it was given.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

/// A function of a text that fails with the text; of NULL it is NULL.
pub(crate) fn raise_error() -> ScalarUDF {
    // Volatile, so that it is not evaluated while planning.
    let raise = |arguments: &[ColumnarValue]| -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let texts: ArrayRef = cast(&arrays[0], &DataType::Utf8)?;
        match texts.as_string::<i32>().iter().flatten().next() {
            Some(text) => exec_err!("{text}"),
            None => Ok(ColumnarValue::Array(new_null_array(&DataType::Utf8, texts.len()))),
        }
    };
    create_udf("raise_error", vec![DataType::Utf8], DataType::Utf8, Volatility::Volatile, Arc::new(raise))
}
