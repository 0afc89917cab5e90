//! Dictionaries and runs turned into plain values, for formats that have no word for them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::Result;

/// A schema without dictionaries and runs, at any depth.
#[derive(Debug)]
pub(super) struct Unpacking {
    schema: SchemaRef,
}

#[derive(Clone, Copy)]
enum Keys {
    Any,
    Text,
}

impl Unpacking {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self::of(schema, Keys::Any)
    }

    /// Makes the keys of maps text as well.
    pub(super) fn with_text_keys(schema: &SchemaRef) -> Self {
        Self::of(schema, Keys::Text)
    }

    fn of(schema: &SchemaRef, keys: Keys) -> Self {
        let fields: Vec<_> = schema.fields().iter().map(|field| plain_field(field, keys)).collect();
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        Self { schema: Arc::new(schema) }
    }

    /// Returns the schema of unpacked batches.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn unpack(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns: Vec<ArrayRef> =
            columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

fn plain_field(field: &FieldRef, keys: Keys) -> FieldRef {
    let data_type = plain(field.data_type(), keys);
    let packed_values = matches!(field.data_type(), DataType::Dictionary(..) | DataType::RunEndEncoded(..));
    // Values of a dictionary may be NULL where its keys are not.
    let nullable = field.is_nullable() || packed_values;
    Arc::new(Field::clone(field).with_data_type(data_type).with_nullable(nullable))
}

fn plain(data_type: &DataType, keys: Keys) -> DataType {
    use DataType::{
        Dictionary, FixedSizeList, LargeList, LargeListView, List, ListView, Map, RunEndEncoded, Struct,
    };
    let nested = |field: &FieldRef| plain_field(field, keys);
    match data_type {
        Dictionary(_, values) => plain(values, keys),
        RunEndEncoded(_, values) => plain(values.data_type(), keys),
        List(field) => List(nested(field)),
        LargeList(field) => LargeList(nested(field)),
        ListView(field) => ListView(nested(field)),
        LargeListView(field) => LargeListView(nested(field)),
        FixedSizeList(field, length) => FixedSizeList(nested(field), *length),
        Struct(fields) => Struct(fields.iter().map(nested).collect()),
        Map(entries, sorted) => Map(plain_entries(entries, keys), *sorted),
        other => other.clone(),
    }
}

fn plain_entries(entries: &FieldRef, keys: Keys) -> FieldRef {
    let DataType::Struct(fields) = entries.data_type() else {
        return entries.clone();
    };
    let fields = fields.iter().enumerate().map(|(index, field)| match (index, keys) {
        (0, Keys::Text) => Arc::new(Field::clone(field).with_data_type(DataType::Utf8)),
        (0, Keys::Any) => {
            let data_type = plain(field.data_type(), keys);
            Arc::new(Field::clone(field).with_data_type(data_type))
        }
        _ => plain_field(field, keys),
    });
    let data_type = DataType::Struct(fields.collect());
    Arc::new(Field::clone(entries).with_data_type(data_type))
}
