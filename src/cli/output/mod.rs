//! Results on their way out: formats, and the place that they go to.

mod boxes;
mod cells;
mod columnar;
mod csv;
mod destination;
mod format;
mod json;
mod markdown;
mod unpack;

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::{Result, plan_err};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::errors::CliError;
use destination::Destination;
pub(super) use format::Format;

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

    /// Whether the number of rows that a statement has written is worth printing: to people, not to programs.
    pub(super) fn shows_counts(&self) -> bool {
        self.format == Format::Box
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
        let outcome = self.write(stream).await;
        match (outcome, self.destination.take_failure()) {
            (_, Some(failure)) => Err(PrintError::Output(failure)),
            (outcome, None) => Ok(outcome?),
        }
    }

    async fn write(&mut self, mut stream: SendableRecordBatchStream) -> Result<()> {
        self.results += 1;
        let schema = stream.schema();
        self.format.check(&schema)?;
        // A query that fails before its first rows prints no header either.
        let mut next = stream.try_next().await?;
        let mut writer = self.format.writer(&schema, &mut self.destination)?;
        while let Some(batch) = next {
            writer.write(&batch)?;
            next = stream.try_next().await?;
        }
        let remark = writer.finish()?;
        self.destination.flush()?;
        if let Some(remark) = remark {
            // Without stderr there is nobody to tell.
            let _ = writeln!(io::stderr(), "{remark}");
        }
        Ok(())
    }
}
