//! 128-bit keys of values, such as those of units and clusters: equal values of one type have equal keys, whatever their encoding.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::Result;
use twox_hash::XxHash3_128;

/// Kinds of values that never equal each other; integers of all widths are one, texts of all encodings one.
#[derive(Clone, Copy)]
enum Kind {
    Integer = 1,
    Float,
    Text,
    Bytes,
}

/// Returns the key of every row; that of a NULL is not meaningful.
pub(crate) fn value_keys(array: &ArrayRef) -> Result<Vec<u128>> {
    use DataType as T;
    let keys = match array.data_type() {
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => {
            let wide = cast(array, &T::Int64)?;
            let values = wide.as_primitive::<Int64Type>().values();
            values.iter().map(|&x| key(Kind::Integer, &i128::from(x).to_le_bytes())).collect()
        }
        T::UInt64 => {
            let values = array.as_primitive::<UInt64Type>().values();
            values.iter().map(|&x| key(Kind::Integer, &i128::from(x).to_le_bytes())).collect()
        }
        T::Float16 | T::Float32 | T::Float64 => {
            let wide = cast(array, &T::Float64)?;
            let values = wide.as_primitive::<Float64Type>().values();
            // Adding zero turns -0 into 0, which it equals.
            values.iter().map(|&x| key(Kind::Float, &(x + 0.0).to_le_bytes())).collect()
        }
        T::Utf8 | T::LargeUtf8 | T::Utf8View => {
            let text = cast(array, &T::Utf8View)?;
            let text = text.as_string_view();
            (0..text.len()).map(|i| key(Kind::Text, text.value(i).as_bytes())).collect()
        }
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => {
            let bytes = cast(array, &T::BinaryView)?;
            let bytes = bytes.as_binary_view();
            (0..bytes.len()).map(|i| key(Kind::Bytes, bytes.value(i))).collect()
        }
        T::Dictionary(..) => dictionary_keys(array)?,
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let rows = converter.convert_columns(&[Arc::clone(array)])?;
            let kind = other.to_string();
            rows.iter().map(|row| tagged(kind.as_bytes(), row.as_ref())).collect()
        }
    };
    Ok(keys)
}

/// Hashes each level once.
fn dictionary_keys(array: &ArrayRef) -> Result<Vec<u128>> {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return Ok(vec![0; array.len()]);
    }
    let levels = value_keys(dictionary.values())?;
    Ok(dictionary.normalized_keys().into_iter().map(|position| levels[position]).collect())
}

fn key(kind: Kind, bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot_with_seed(kind as u64, bytes)
}

fn tagged(kind: &[u8], bytes: &[u8]) -> u128 {
    let kind = XxHash3_128::oneshot(kind) as u64;
    XxHash3_128::oneshot_with_seed(kind, bytes)
}
