//! Tables drawn with box characters.

use std::borrow::Cow;
use std::io::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use unicode_width::UnicodeWidthStr;

use super::ResultWriter;
use super::cells::{Cells, is_right_aligned, printable};
use super::destination::Destination;
use super::wrapping::{fitted, wrapped};

/// Columns of a table become no narrower than this to fit the screen.
const NARROW: usize = 12;
/// Rows that decide how wide the columns are. Rows after them are printed as they come.
const WINDOW: usize = 1000;

pub(super) struct BoxWriter<'a> {
    out: &'a mut Destination,
    columns: Vec<Column>,
    /// Columns of the screen.
    screen: Option<usize>,
    /// The first rows, until they are printed.
    window: Option<Vec<Vec<String>>>,
    rows: u64,
}

struct Column {
    name: String,
    width: usize,
    right: bool,
}

impl<'a> BoxWriter<'a> {
    /// Starts a table that fits a screen, when there is one and the columns are not too many.
    pub(super) fn new(schema: &SchemaRef, screen: Option<usize>, out: &'a mut Destination) -> Self {
        let columns = schema.fields().iter().map(|field| {
            let name = printable(field.name().clone());
            Column { width: width(&name), name, right: is_right_aligned(field.data_type()) }
        });
        Self { columns: columns.collect(), out, screen, window: Some(Vec::new()), rows: 0 }
    }

    /// Prints the header and the rows that were held back.
    fn open(&mut self) -> Result<()> {
        let Some(window) = self.window.take() else {
            return Ok(());
        };
        for row in &window {
            for (column, cell) in self.columns.iter_mut().zip(row) {
                column.width = column.width.max(width(cell));
            }
        }
        if let Some(screen) = self.screen {
            self.fit(screen);
        }
        self.rule("┌", "┬", "┐")?;
        let names: Vec<_> = self.columns.iter().map(|column| column.name.clone()).collect();
        self.row(&names)?;
        self.rule("├", "┼", "┤")?;
        window.iter().try_for_each(|row| self.row(row))
    }

    fn fit(&mut self, screen: usize) {
        let rules = 3 * self.columns.len() + 1;
        let widths = self.columns.iter().map(|column| column.width).collect();
        let widths = fitted(widths, screen.saturating_sub(rules), NARROW);
        for (column, width) in self.columns.iter_mut().zip(widths) {
            column.width = width;
        }
    }

    fn rule(&mut self, left: &str, middle: &str, right: &str) -> Result<()> {
        let lines: Vec<_> = self.columns.iter().map(|column| "─".repeat(column.width + 2)).collect();
        Ok(writeln!(self.out, "{left}{}{right}", lines.join(middle))?)
    }

    /// Prints a row, over as many lines as its cells have.
    fn row(&mut self, cells: &[String]) -> Result<()> {
        let cells = cells.iter().zip(&self.columns).map(|(cell, column)| match self.screen {
            Some(_) => Cow::Owned(wrapped(cell, column.width)),
            None => Cow::Borrowed(cell.as_str()),
        });
        let cells: Vec<_> = cells.collect();
        let height = cells.iter().map(|cell| cell.lines().count()).max().unwrap_or(1).max(1);
        for line in 0..height {
            for (column, cell) in self.columns.iter().zip(&cells) {
                let text = cell.lines().nth(line).unwrap_or_default();
                let blanks = " ".repeat(column.width.saturating_sub(text.width()));
                if column.right {
                    write!(self.out, "│ {blanks}{text} ")?;
                } else {
                    write!(self.out, "│ {text}{blanks} ")?;
                }
            }
            writeln!(self.out, "│")?;
        }
        Ok(())
    }
}

impl ResultWriter for BoxWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells = Cells::new(batch)?;
        for index in 0..batch.num_rows() {
            self.rows += 1;
            let row = cells.row(index)?;
            match &mut self.window {
                None => self.row(&row)?,
                Some(window) => {
                    window.push(row);
                    if window.len() == WINDOW {
                        self.open()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>> {
        self.open()?;
        self.rule("└", "┴", "┘")?;
        Ok(Some(row_count(self.rows)))
    }
}

/// What stands below a table.
pub(super) fn row_count(rows: u64) -> String {
    let plural = if rows == 1 { "" } else { "s" };
    format!("({rows} row{plural})")
}

fn width(cell: &str) -> usize {
    cell.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
}
