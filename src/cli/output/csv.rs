//! Comma-separated values (RFC 4180, with line feeds), where NULL and the empty string differ.

use std::io::Write;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::Result;

use super::ResultWriter;
use super::destination::Destination;

const OPTIONS: FormatOptions<'_> = FormatOptions::new().with_display_error(false);

pub(super) struct CsvWriter<'a> {
    out: &'a mut Destination,
    line: String,
}

struct Column<'a> {
    values: ArrayFormatter<'a>,
    nulls: Option<NullBuffer>,
}

impl<'a> CsvWriter<'a> {
    /// Prints the header.
    pub(super) fn start(schema: &SchemaRef, out: &'a mut Destination) -> Result<Self> {
        let mut line = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            separate(&mut line, index);
            push_quoted(&mut line, field.name());
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
        Ok(Self { out, line })
    }
}

impl ResultWriter for CsvWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().map(|array| {
            Ok(Column { values: ArrayFormatter::try_new(array, &OPTIONS)?, nulls: array.logical_nulls() })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.line.clear();
            for (index, column) in columns.iter().enumerate() {
                separate(&mut self.line, index);
                if column.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                    text.clear();
                    column.values.value(row).write(&mut text)?;
                    push_quoted(&mut self.line, &text);
                }
            }
            self.line.push('\n');
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Option<String>> {
        Ok(None)
    }
}

fn separate(line: &mut String, index: usize) {
    if index > 0 {
        line.push(',');
    }
}

fn push_quoted(line: &mut String, text: &str) {
    if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}
