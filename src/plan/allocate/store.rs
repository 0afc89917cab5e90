//! The rows themselves, in memory while it lasts and on disk beyond.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayData, RecordBatch};
use datafusion::arrow::buffer::Buffer;
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
    /// Buffers of the batches in memory: several may be slices of one.
    buffers: HashSet<usize>,
    reservation: MemoryReservation,
    disk: SpillManager,
}

impl Store {
    pub(super) fn new(reservation: MemoryReservation, disk: SpillManager) -> Self {
        Self { spilled: vec![], batches: vec![], buffers: HashSet::new(), reservation, disk }
    }

    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let size = self.added_by(&batch);
        if let Err(error) = self.reservation.try_grow(size) {
            // What is in memory goes to disk; a batch that does not fit even then is the limit's error.
            if !self.spill()? {
                return Err(error);
            }
            let size = self.added_by(&batch);
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
        self.buffers.clear();
        self.reservation.free();
        Ok(some)
    }

    /// Bytes of a batch that no batch in memory holds already.
    fn added_by(&mut self, batch: &RecordBatch) -> usize {
        batch.columns().iter().map(|column| added(&mut self.buffers, &column.to_data())).sum()
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

/// Bytes of the buffers of an array that are not among the known ones, which they then are.
fn added(known: &mut HashSet<usize>, data: &ArrayData) -> usize {
    let mut of = |buffer: &Buffer| match known.insert(buffer.data_ptr().as_ptr() as usize) {
        true => buffer.capacity(),
        false => 0,
    };
    let own: usize = data.buffers().iter().map(&mut of).sum();
    let nulls = data.nulls().map_or(0, |nulls| of(nulls.buffer()));
    own + nulls + data.child_data().iter().map(|child| added(known, child)).sum::<usize>()
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
