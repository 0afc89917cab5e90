//! One column per line, for rows that are wider than the screen.

use std::io::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use unicode_width::UnicodeWidthStr;

use super::ResultWriter;
use super::boxes::row_count;
use super::cells::{Cells, printable};
use super::destination::Destination;

pub(super) struct ExpandedWriter<'a> {
    out: &'a mut Destination,
    /// The names of the columns, of one width.
    names: Vec<String>,
    width: usize,
    rows: u64,
}

impl<'a> ExpandedWriter<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut Destination) -> Self {
        let names = schema.fields().iter().map(|field| printable(field.name().clone()).replace('\n', " "));
        let names: Vec<_> = names.collect();
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
        let pad = |name: String| format!("{name}{}", " ".repeat(width - name.width()));
        Self { out, names: names.into_iter().map(pad).collect(), width, rows: 0 }
    }
}

impl ResultWriter for ExpandedWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells = Cells::new(batch)?;
        for index in 0..batch.num_rows() {
            self.rows += 1;
            writeln!(self.out, "─ row {} ─", self.rows)?;
            for (name, cell) in self.names.iter().zip(cells.row(index)?) {
                let mut lines = cell.lines();
                writeln!(self.out, "{name} │ {}", lines.next().unwrap_or_default())?;
                for line in lines {
                    writeln!(self.out, "{} │ {line}", " ".repeat(self.width))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Option<String>> {
        Ok(Some(row_count(self.rows)))
    }
}
