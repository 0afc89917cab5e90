//! The tables of a session: its own above those of the server, which it only reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemTable, MemoryCatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::TableType;

/// The catalog that clients see.
pub(super) const CATALOG: &str = "causal";
/// The schema in it that statements mean.
pub(super) const SCHEMA: &str = "public";

/// A table of a session, with the memory it holds.
#[derive(Debug)]
struct Own {
    table: Arc<dyn TableProvider>,
    held: MemoryReservation,
}

/// A session's tables above those of the server.
#[derive(Debug)]
pub(super) struct SessionSchema {
    shared: Arc<dyn SchemaProvider>,
    own: Mutex<HashMap<String, Own>>,
    pool: Arc<dyn MemoryPool>,
}

impl SessionSchema {
    pub(super) fn new(shared: Arc<dyn SchemaProvider>, pool: Arc<dyn MemoryPool>) -> Self {
        Self { shared, own: Mutex::new(HashMap::new()), pool }
    }

    /// A catalog that has this schema alone.
    pub(super) fn catalog(schema: &Arc<Self>) -> Result<Arc<dyn CatalogProvider>> {
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::clone(schema) as _)?;
        Ok(Arc::new(catalog))
    }

    /// Whether a table is the session's own.
    pub(super) fn owns(&self, name: &str) -> bool {
        self.own().contains_key(name)
    }

    /// Counts the rows of a table of the session again, after some were added.
    pub(super) fn count(&self, name: &str) {
        if let Some(Own { table, held }) = self.own().get(name) {
            held.resize(table.downcast_ref::<MemTable>().map_or(0, bytes_of));
        }
    }

    fn own(&self) -> MutexGuard<'_, HashMap<String, Own>> {
        // The map is whole whatever its holder was doing.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SchemaProvider for SessionSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.shared.table_names();
        names.extend(self.own().keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let own = self.own().get(name).map(|own| Arc::clone(&own.table));
        match own {
            Some(table) => Ok(Some(table)),
            None => self.shared.table(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        let own = self.own().get(name).map(|own| own.table.table_type());
        match own {
            Some(TableType::Base) => Ok(Some(TableType::Temporary)),
            Some(kind) => Ok(Some(kind)),
            None => self.shared.table_type(name).await,
        }
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        let held = MemoryConsumer::new(format!("table {name}")).register(&self.pool);
        held.try_grow(table.downcast_ref::<MemTable>().map_or(0, bytes_of))?;
        Ok(self.own().insert(name, Own { table, held }).map(|own| own.table))
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.own().remove(name) {
            Some(Own { table, held }) => {
                held.free();
                Ok(Some(table))
            }
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.owns(name) || self.shared.table_exist(name)
    }
}

/// What the rows of a table take.
fn bytes_of(table: &MemTable) -> usize {
    let partitions = table.batches.iter().filter_map(|partition| partition.try_read().ok());
    let bytes =
        partitions.map(|batches| batches.iter().map(|batch| batch.get_array_memory_size()).sum::<usize>());
    bytes.sum()
}
