//! Markdown tables.

use std::io::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;

use super::ResultWriter;
use super::cells::{Cells, is_right_aligned, printable};
use super::destination::Destination;

pub(super) struct MarkdownWriter<'a>(&'a mut Destination);

impl<'a> MarkdownWriter<'a> {
    /// Prints the header.
    pub(super) fn start(schema: &SchemaRef, out: &'a mut Destination) -> Result<Self> {
        for field in schema.fields() {
            write!(out, "| {} ", escaped(&printable(field.name().clone())))?;
        }
        writeln!(out, "|")?;
        for field in schema.fields() {
            let rule = if is_right_aligned(field.data_type()) { "| ---: " } else { "| --- " };
            out.write_all(rule.as_bytes())?;
        }
        writeln!(out, "|")?;
        Ok(Self(out))
    }
}

impl ResultWriter for MarkdownWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells = Cells::new(batch)?;
        for row in 0..batch.num_rows() {
            for cell in cells.row(row)? {
                write!(self.0, "| {} ", escaped(&cell))?;
            }
            writeln!(self.0, "|")?;
        }
        Ok(())
    }

    /// Ends with an empty line, so that a table after this one is a table of its own.
    fn finish(self: Box<Self>) -> Result<Option<String>> {
        writeln!(self.0)?;
        Ok(None)
    }
}

fn escaped(cell: &str) -> String {
    cell.replace('\\', r"\\").replace('|', r"\|").replace('\n', "<br>")
}
