//! What leaves the server: types that every client reads, every column nullable.
//!
//! One function makes the schema that is announced, one the batches that follow: clients refuse a stream whose schema is not
//! the one announced.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{Result, exec_datafusion_err};

/// Numbers beyond a type that clients read are errors, never NULL.
const STRICT: CastOptions<'static> =
    CastOptions { safe: false, format_options: datafusion::arrow::util::display::FormatOptions::new() };

/// The schema that clients see of a result.
pub(super) fn schema_at_edge(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(fields_at_edge(schema.fields())))
}

/// A batch in the types of the schema at the edge.
pub(super) fn batch_at_edge(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |(array, field): (&ArrayRef, &FieldRef)| -> Result<ArrayRef> {
        if array.data_type() == field.data_type() {
            return Ok(Arc::clone(array));
        }
        cast_with_options(array, field.data_type(), &STRICT).map_err(|error| match error {
            ArrowError::CastError(text) => exec_datafusion_err!(
                "column {} has a value that clients cannot read as {}: {text}; cast it in the query",
                field.name(),
                field.data_type()
            ),
            error => error.into(),
        })
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn fields_at_edge(fields: &Fields) -> Fields {
    fields.iter().map(at_edge).collect()
}

fn at_edge(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), type_at_edge(field.data_type()), true))
}

/// The type that clients see; nested types have it inside.
fn type_at_edge(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Float16 => DataType::Float32,
        // JDBC shows unsigned numbers beyond 2^63 as negative ones.
        DataType::UInt64 => DataType::Int64,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => type_at_edge(values),
        DataType::RunEndEncoded(_, values) => type_at_edge(values.data_type()),
        DataType::List(item) | DataType::ListView(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(at_edge(item))
        }
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::LargeList(at_edge(item)),
        DataType::Struct(fields) => DataType::Struct(fields_at_edge(fields)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{
        AsArray, DictionaryArray, Int64Array, ListArray, StringViewArray, StructArray, UInt64Array,
    };
    use datafusion::arrow::buffer::OffsetBuffer;
    use datafusion::arrow::datatypes::{Int32Type, Int64Type};

    use super::*;

    fn sent(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
        let batch = RecordBatch::try_from_iter(columns)?;
        batch_at_edge(&batch, &schema_at_edge(&batch.schema()))
    }

    #[test]
    fn types_that_clients_do_not_read_are_cast() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
        let words: DictionaryArray<Int32Type> = vec!["x", "y"].into_iter().collect();
        let item = Arc::new(Field::new_list_field(DataType::Utf8View, false));
        let list = ListArray::try_new(
            item,
            OffsetBuffer::from_lengths([1, 1]),
            Arc::new(StringViewArray::from(vec!["p", "q"])),
            None,
        );
        let field = Arc::new(Field::new("n", DataType::UInt64, false));
        let inner = StructArray::from(vec![(field, Arc::new(UInt64Array::from(vec![1, 2])) as ArrayRef)]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("text", texts),
            ("word", Arc::new(words)),
            ("list", Arc::new(list.unwrap())),
            ("struct", Arc::new(inner)),
        ];
        let batch = sent(columns).unwrap();
        let types: Vec<String> =
            batch.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
        assert_eq!(types[0], "Utf8");
        assert_eq!(types[1], "Utf8");
        assert!(batch.schema().fields().iter().all(|field| field.is_nullable()));
        let list = batch.column(2).as_list::<i32>().value(1);
        assert_eq!(list.as_string::<i32>().value(0), "q");
        let inner = batch.column(3).as_struct().column(0).as_primitive::<Int64Type>();
        assert_eq!(inner, &Int64Array::from(vec![1, 2]));
    }

    #[test]
    fn a_number_too_large_is_an_error_that_names_its_column() {
        let error = sent(vec![("big", Arc::new(UInt64Array::from(vec![u64::MAX])) as _)]).unwrap_err();
        assert!(error.to_string().contains("column big has a value"), "{error}");
    }
}
