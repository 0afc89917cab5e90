//! Values as text for people.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::Result;

const OPTIONS: FormatOptions<'_> = FormatOptions::new().with_display_error(false).with_null("NULL");

/// The rows of a batch as text.
pub(super) struct Cells<'a> {
    columns: Vec<ArrayFormatter<'a>>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self> {
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &OPTIONS));
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }

    /// Returns the text of each column; control characters other than line breaks are escaped.
    pub(super) fn row(&self, row: usize) -> Result<Vec<String>> {
        self.columns.iter().map(|column| Ok(printable(column.value(row).try_to_string()?))).collect()
    }
}

/// Whether columns of this type line up at their right side.
pub(super) fn is_right_aligned(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => values.is_numeric(),
        other => other.is_numeric(),
    }
}

/// Escapes what would move the cursor of a terminal or change its colours.
pub(super) fn printable(text: String) -> String {
    let is_safe = |c: char| c == '\n' || !c.is_control();
    if text.chars().all(is_safe) {
        return text;
    }
    let mut printable = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        if is_safe(c) {
            printable.push(c);
        } else {
            printable.extend(c.escape_default());
        }
    }
    printable
}
