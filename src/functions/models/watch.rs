//! What a training has of the query that it is part of. The engine ends an aggregate by a call that knows of no query; so
//! the operator above it leaves this on the thread that makes the call.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryPool, MemoryReservation, UnboundedMemoryPool,
};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Watch>>> = const { RefCell::new(None) };
}

/// Threads and memory for trainings, where they tell how far they are, and word that nobody waits for them any more.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) threads: usize,
    pub(super) stopped: AtomicBool,
    pool: Arc<dyn MemoryPool>,
    /// Functions that have been fitted, and that are to be.
    pub(super) fitted: Count,
    pub(super) planned: Count,
}

impl Watch {
    /// The watch of trainings in one partition of an operator.
    pub(super) fn new(context: &TaskContext, metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        Self {
            threads: context.session_config().target_partitions().max(1),
            stopped: AtomicBool::new(false),
            pool: Arc::clone(context.memory_pool()),
            fitted: MetricBuilder::new(metrics).counter("fitted_functions", partition),
            planned: MetricBuilder::new(metrics).counter("planned_functions", partition),
        }
    }

    /// The watch of this thread. A session without the operator has none: then all processors are used, no limit is known
    /// and nothing ends the work.
    pub(super) fn current() -> Arc<Self> {
        let alone = || Self {
            threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            stopped: AtomicBool::new(false),
            pool: Arc::new(UnboundedMemoryPool::default()),
            fitted: Count::new(),
            planned: Count::new(),
        };
        CURRENT.with_borrow(Clone::clone).unwrap_or_else(|| Arc::new(alone()))
    }

    /// Does work on this thread under this watch.
    pub(super) fn over<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let _restored = Restored(CURRENT.replace(Some(Arc::clone(self))));
        work()
    }

    /// Reserves memory for a function's training.
    ///
    /// # Errors
    ///
    /// When the query's limit does not allow as much.
    pub(super) fn reserve(&self, function: &str, bytes: usize) -> Result<MemoryReservation> {
        let reservation = MemoryConsumer::new(format!("{function} training")).register(&self.pool);
        reservation.try_grow(bytes)?;
        Ok(reservation)
    }
}

/// Puts the watch from before back, whatever happened to the work.
struct Restored(Option<Arc<Watch>>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Ends trainings that nobody waits for any more: those of a query that was cancelled.
pub(super) struct StopWhenDropped(pub(super) Arc<Watch>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}
