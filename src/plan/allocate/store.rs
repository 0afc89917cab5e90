//! The rows themselves, in memory while it lasts and on disk beyond.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{Result, internal_err};
use datafusion::execution::SpillFile;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SpillManager;
use datafusion::physical_plan::stream::EmptyRecordBatchStream;
use futures::{StreamExt, TryStreamExt};

/// Batches in the order in which they came.
pub(super) struct Store {
    /// Batches on disk, which came before those in memory.
    spilled: Vec<Arc<dyn SpillFile>>,
    batches: Vec<RecordBatch>,
    reservation: MemoryReservation,
    disk: SpillManager,
}

impl Store {
    pub(super) fn new(reservation: MemoryReservation, disk: SpillManager) -> Self {
        Self { spilled: vec![], batches: vec![], reservation, disk }
    }

    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let size = get_record_batch_memory_size(&batch);
        if let Err(error) = self.reservation.try_grow(size) {
            // What is in memory goes to disk; a batch that does not fit even then is the limit's error.
            if !self.spill()? {
                return Err(error);
            }
            self.reservation.try_grow(size)?;
        }
        self.batches.push(batch);
        Ok(())
    }

    /// Moves what is in memory to disk; false when there was nothing.
    pub(super) fn spill(&mut self) -> Result<bool> {
        let file = self.disk.spill_record_batch_and_finish(&self.batches, "allocation")?;
        let some = file.is_some();
        self.spilled.extend(file);
        self.batches.clear();
        self.reservation.free();
        Ok(some)
    }

    /// All batches, in the order in which they came, once.
    pub(super) fn into_stream(self) -> Stored {
        Stored {
            spilled: self.spilled.into_iter(),
            open: Box::pin(EmptyRecordBatchStream::new(Arc::clone(self.disk.schema()))),
            batches: self.batches.into_iter(),
            disk: self.disk,
            _reservation: self.reservation,
        }
    }

    /// The batch with a row, and the row's place in it.
    pub(super) async fn find(&self, row: u32) -> Result<(RecordBatch, usize)> {
        let mut first = 0;
        let find = |batch: RecordBatch, first: &mut usize| {
            let at = row as usize - *first;
            *first += batch.num_rows();
            (at < batch.num_rows()).then_some((batch, at))
        };
        for file in &self.spilled {
            let mut stream = self.disk.read_spill_as_stream(Arc::clone(file), None)?;
            while let Some(batch) = stream.try_next().await? {
                if let Some(found) = find(batch, &mut first) {
                    return Ok(found);
                }
            }
        }
        for batch in &self.batches {
            if let Some(found) = find(batch.clone(), &mut first) {
                return Ok(found);
            }
        }
        internal_err!("row {row} of {first} is not in the store")
    }
}

/// The batches of a store, one after the other.
pub(super) struct Stored {
    spilled: std::vec::IntoIter<Arc<dyn SpillFile>>,
    open: datafusion::execution::SendableRecordBatchStream,
    batches: std::vec::IntoIter<RecordBatch>,
    disk: SpillManager,
    _reservation: MemoryReservation,
}

impl Stored {
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.open.next().await {
                return Ok(Some(batch?));
            }
            match self.spilled.next() {
                Some(file) => self.open = self.disk.read_spill_as_stream(file, None)?,
                None => return Ok(self.batches.next()),
            }
        }
    }
}
