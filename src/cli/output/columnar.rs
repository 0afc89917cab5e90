//! Parquet and Arrow files.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::FileWriter;
use datafusion::common::Result;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use super::ResultWriter;
use super::destination::Destination;
use super::unpack::Unpacking;

/// A group of rows is in memory until it is written.
const ROW_GROUP_BYTES: usize = 128 << 20;

pub(super) struct ParquetWriter<'a>(ArrowWriter<&'a mut Destination>);

pub(super) fn parquet<'a>(schema: &SchemaRef, out: &'a mut Destination) -> Result<ParquetWriter<'a>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .build();
    Ok(ParquetWriter(ArrowWriter::try_new(out, schema.clone(), Some(properties))?))
}

impl ResultWriter for ParquetWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.0.write(batch)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>> {
        self.0.finish()?;
        Ok(None)
    }
}

pub(super) struct ArrowFileWriter<'a> {
    file: FileWriter<&'a mut Destination>,
    /// A file has one dictionary per column, while batches come with one each.
    unpacking: Unpacking,
}

pub(super) fn arrow<'a>(schema: &SchemaRef, out: &'a mut Destination) -> Result<ArrowFileWriter<'a>> {
    let unpacking = Unpacking::new(schema);
    let file = FileWriter::try_new(out, unpacking.schema())?;
    Ok(ArrowFileWriter { file, unpacking })
}

impl ResultWriter for ArrowFileWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.file.write(&self.unpacking.unpack(batch)?)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>> {
        self.file.finish()?;
        Ok(None)
    }
}
