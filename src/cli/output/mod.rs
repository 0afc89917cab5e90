//! Results on their way out: formats, and the place that they go to.

mod boxes;
mod cells;
mod columnar;
mod csv;
mod destination;
mod expanded;
mod format;
mod json;
mod markdown;
mod unpack;
mod wrapping;

use std::io::{self, Write};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::{Result, plan_err};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;

use super::errors::CliError;
use super::progress::Progress;
use destination::Destination;
pub(super) use destination::PendingFile;
pub(super) use format::Format;
pub(super) use wrapping::wrapped;

/// Writes one result, batch by batch.
trait ResultWriter: Send {
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Ends the result. Returns what is worth telling beside it.
    fn finish(self: Box<Self>) -> Result<Option<String>>;
}

/// Takes the results of a run, in one format, to one place.
pub(super) struct Sink {
    format: Format,
    destination: Destination,
    results: usize,
    /// Whether a result was only written in part.
    is_torn: bool,
    screen: Screen,
}

/// What is shown of a result that people read on a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Screen {
    /// Rows of it.
    pub(super) rows: Option<usize>,
    /// Columns of the terminal.
    pub(super) columns: Option<usize>,
}

/// Why a result was not printed.
#[derive(Debug)]
pub(super) enum PrintError {
    /// The query is at fault.
    Query(DataFusionError),
    /// The place that results go to is at fault.
    Output(CliError),
}

impl From<DataFusionError> for PrintError {
    fn from(error: DataFusionError) -> Self {
        Self::Query(error)
    }
}

impl Sink {
    /// Whether nothing was printed yet.
    pub(super) fn is_unused(&self) -> bool {
        self.results == 0
    }

    /// Whether a result was only written in part.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Whether the number of rows that a statement has written is worth printing: to people, not to programs.
    pub(super) fn shows_counts(&self) -> bool {
        self.format.is_for_people()
    }

    /// Fits results to a screen when they go there.
    pub(super) fn on_screen(self, screen: Screen) -> Self {
        let is_seen = self.format.is_for_people() && self.destination.is_terminal();
        Self { screen: if is_seen { screen } else { Screen::default() }, ..self }
    }

    /// Shows progress from now until the statement is over or its result is printed to a terminal.
    pub(super) fn start_progress(&mut self) {
        self.destination.set_progress(Progress::start());
    }

    /// Shows the progress of this plan.
    pub(super) fn watch(&self, plan: &Arc<dyn ExecutionPlan>) {
        if let Some(progress) = self.destination.progress() {
            progress.watch(plan);
        }
    }

    /// Ends the line that shows progress.
    pub(super) fn end_progress(&mut self) {
        self.destination.set_progress(None);
    }

    /// Checks that a result of this schema can be printed, before its query runs.
    pub(super) fn accept(&self, schema: &Schema) -> Result<()> {
        if self.results > 0 && self.destination.is_file() && self.format.is_one_result_per_file() {
            return plan_err!(
                "a {} file holds one result, and this statement has a second one; \
                 write it with a run of its own",
                self.format
            );
        }
        self.format.check(schema)
    }

    /// Prints a result while it is computed.
    pub(super) async fn print(&mut self, stream: SendableRecordBatchStream) -> Result<(), PrintError> {
        let results = self.results;
        let outcome = self.write(stream).await;
        self.is_torn |= outcome.is_err() && self.results > results;
        match (outcome, self.destination.take_failure()) {
            (_, Some(failure)) => Err(PrintError::Output(failure)),
            (outcome, None) => Ok(outcome?),
        }
    }

    async fn write(&mut self, mut stream: SendableRecordBatchStream) -> Result<()> {
        let schema = stream.schema();
        self.format.check(&schema)?;
        // A query that fails before its first rows prints no header either.
        let mut next = stream.try_next().await?;
        self.results += 1;
        let mut writer = self.format.writer(&schema, self.screen.columns, &mut self.destination)?;
        let (mut shown, mut hidden) = (0, 0);
        while let Some(batch) = next {
            let part = self.screen.rows.map_or(batch.num_rows(), |limit| batch.num_rows().min(limit - shown));
            writer.write(&batch.slice(0, part))?;
            shown += part;
            hidden += batch.num_rows() - part;
            next = stream.try_next().await?;
        }
        let remark = writer.finish()?;
        self.destination.flush()?;
        self.end_progress();
        let remark = match hidden {
            0 => remark,
            hidden => Some(format!("({shown} of {} rows; \\rows all shows all of them)", shown + hidden)),
        };
        if let Some(remark) = remark {
            // Without stderr there is nobody to tell.
            let _ = writeln!(io::stderr(), "{remark}");
        }
        Ok(())
    }
}
