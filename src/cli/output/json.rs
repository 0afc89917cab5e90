//! JSON: one array of row objects, or one row object per line.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::{Array, ArrowPrimitiveType, AsArray, RecordBatch};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{
    ArrowNativeType, DataType, FieldRef, Float16Type, Float32Type, Float64Type, SchemaRef,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{JsonFormat, LineDelimited, NullableEncoder};
use datafusion::arrow::json::{Encoder, EncoderFactory, EncoderOptions, Writer, WriterBuilder};
use datafusion::common::Result;

use super::ResultWriter;
use super::destination::Destination;
use super::unpack::Unpacking;

pub(super) struct JsonWriter<'a, F: JsonFormat> {
    rows: Writer<&'a mut Destination, F>,
    unpacking: Unpacking,
    not_finite: Arc<AtomicU64>,
}

/// Starts one array that holds every row.
pub(super) fn array<'a>(schema: &SchemaRef, out: &'a mut Destination) -> JsonWriter<'a, RowPerLine> {
    JsonWriter::start(schema, out)
}

/// Starts one object per line.
pub(super) fn lines<'a>(schema: &SchemaRef, out: &'a mut Destination) -> JsonWriter<'a, LineDelimited> {
    JsonWriter::start(schema, out)
}

impl<'a, F: JsonFormat> JsonWriter<'a, F> {
    fn start(schema: &SchemaRef, out: &'a mut Destination) -> Self {
        let not_finite = Arc::new(AtomicU64::new(0));
        let floats = Floats { not_finite: not_finite.clone() };
        Self {
            rows: WriterBuilder::new()
                .with_explicit_nulls(true)
                .with_encoder_factory(Arc::new(floats))
                .build(out),
            unpacking: Unpacking::with_text_keys(schema),
            not_finite,
        }
    }
}

impl<F: JsonFormat + Send> ResultWriter for JsonWriter<'_, F> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.rows.write(&self.unpacking.unpack(batch)?)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>> {
        self.rows.finish()?;
        let remark = match self.not_finite.load(Ordering::Relaxed) {
            0 => None,
            1 => Some("note: 1 value was NaN or infinite and is null in the JSON".into()),
            n => Some(format!("note: {n} values were NaN or infinite and are null in the JSON")),
        };
        Ok(remark)
    }
}

/// An array with each row on a line of its own.
#[derive(Debug, Default)]
pub(super) struct RowPerLine;

impl JsonFormat for RowPerLine {
    fn start_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, out: &mut W, is_first: bool) -> Result<(), ArrowError> {
        Ok(out.write_all(if is_first { b"" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"]\n")?)
    }
}

/// Encodes floats with the digits that read back as the same number, and counts those that JSON has no word for.
#[derive(Debug)]
struct Floats {
    not_finite: Arc<AtomicU64>,
}

impl Floats {
    fn encoder<'a, T>(&self, array: &dyn Array) -> NullableEncoder<'a>
    where
        T: ArrowPrimitiveType,
        T::Native: Into<f64>,
    {
        let array = array.as_primitive::<T>();
        let encoder = FloatEncoder { values: array.values().clone(), not_finite: self.not_finite.clone() };
        NullableEncoder::new(Box::new(encoder), array.nulls().cloned())
    }
}

impl EncoderFactory for Floats {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        Ok(match array.data_type() {
            DataType::Float16 => Some(self.encoder::<Float16Type>(array)),
            DataType::Float32 => Some(self.encoder::<Float32Type>(array)),
            DataType::Float64 => Some(self.encoder::<Float64Type>(array)),
            _ => None,
        })
    }
}

struct FloatEncoder<T: ArrowNativeType> {
    values: ScalarBuffer<T>,
    not_finite: Arc<AtomicU64>,
}

impl<T: ArrowNativeType + Into<f64>> Encoder for FloatEncoder<T> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        let value = self.values[index];
        if value.into().is_finite() {
            // Debug has an exponent where Display has hundreds of zeros.
            write!(out, "{value:?}").expect("a vector takes every write");
        } else {
            self.not_finite.fetch_add(1, Ordering::Relaxed);
            out.extend_from_slice(b"null");
        }
    }
}
