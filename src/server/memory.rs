//! The memory of one query, which is part of that of all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{Result, resources_datafusion_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A share of a pool: what is taken of it counts in both.
#[derive(Debug)]
pub(super) struct QueryPool {
    all: Arc<dyn MemoryPool>,
    limit: usize,
    used: AtomicUsize,
}

impl QueryPool {
    pub(super) fn new(all: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { all, limit, used: AtomicUsize::new(0) }
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query({} of {} bytes)", self.used.load(Ordering::Relaxed), self.limit)
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.all.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.all.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let within = |used: usize| used.checked_add(additional).filter(|used| *used <= self.limit);
        if let Err(used) = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
            return Err(resources_datafusion_err!(
                "{} needs {additional} bytes more, and the query has {used} of the {} that limit query_memory allows",
                reservation.consumer().name(),
                self.limit
            ));
        }
        self.all.try_grow(reservation, additional).inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;

    #[test]
    fn a_query_is_held_to_its_share_and_all_to_theirs() {
        let all: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(150));
        let query = |limit| -> Arc<dyn MemoryPool> { Arc::new(QueryPool::new(Arc::clone(&all), limit)) };
        let (one, other) = (query(100), query(100));
        let first = MemoryConsumer::new("sort").register(&one);
        first.try_grow(90).unwrap();
        let error = first.try_grow(20).unwrap_err().to_string();
        assert!(error.contains("limit query_memory"), "{error}");
        let second = MemoryConsumer::new("join").register(&other);
        assert!(second.try_grow(80).is_err(), "all together have 150");
        assert_eq!((one.reserved(), other.reserved(), all.reserved()), (90, 0, 90));
        drop(first);
        second.try_grow(80).unwrap();
        assert_eq!((one.reserved(), all.reserved()), (0, 80));
    }
}
