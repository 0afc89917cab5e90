//! A statement at work, on the engine's threads, within its memory.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::DataFusionError;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{DdlStatement, LogicalPlan, LogicalPlanBuilder, WriteOp};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::DataFrame;
use futures::StreamExt;
use tokio::sync::mpsc::Sender;
use tonic::Status;

use super::cancel::{Stopped, cancellable};
use super::config::Limits;
use super::edge::batch_at_edge;
use super::execution::Work;
use super::memory::QueryPool;

/// Why a statement ends early.
pub(super) enum Ended {
    Failed(DataFusionError),
    Limit(String),
    /// Nobody waits any more.
    Gone,
}

impl From<DataFusionError> for Ended {
    fn from(error: DataFusionError) -> Self {
        Self::Failed(error)
    }
}

/// A statement and where its batches go.
pub(super) struct Run<'a> {
    work: Work,
    schema: SchemaRef,
    sender: &'a Sender<Result<RecordBatch, Status>>,
    limits: &'a Limits,
    stopped: Stopped,
    rows: u64,
    bytes: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        work: Work,
        schema: SchemaRef,
        sender: &'a Sender<Result<RecordBatch, Status>>,
        limits: &'a Limits,
        stopped: Stopped,
    ) -> Self {
        Self { work, schema, sender, limits, stopped, rows: 0, bytes: 0 }
    }

    /// # Errors
    ///
    /// Why the statement ends early.
    pub(super) async fn run(mut self) -> Result<(), Ended> {
        for plan in std::mem::take(&mut self.work.plans) {
            self.run_plan(plan).await?;
        }
        Ok(())
    }

    async fn run_plan(&mut self, mut plan: LogicalPlan) -> Result<(), Ended> {
        let session = Arc::clone(&self.work.session);
        let own = match &plan {
            LogicalPlan::Dml(dml) => Some(dml.table_name.table().to_string()),
            _ => None,
        };
        let own = own.filter(|name| session.schema.owns(name));
        // What the rows take until the table holds them; it counts them itself then.
        let gathered = match kept_input(&mut plan, own.is_some()) {
            Some(input) => Some(self.gather(input).await?),
            None => None,
        };
        let frame = session.context.execute_logical_plan(plan).await?;
        let mut batches = self.started(frame).await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            if batch.num_columns() != self.schema.fields().len() {
                // A statement that returns nothing has no columns.
                continue;
            }
            let batch = batch_at_edge(&batch, &self.schema)?;
            self.rows += batch.num_rows() as u64;
            self.bytes += batch.get_array_memory_size() as u64;
            if self.rows > self.limits.rows {
                return Err(Ended::Limit(format!(
                    "the result has more than the {} rows that limit rows allows; add LIMIT or aggregate",
                    self.limits.rows
                )));
            }
            if self.bytes > self.limits.bytes {
                return Err(Ended::Limit(format!(
                    "the result has more than the {} bytes that limit bytes allows; ask for less",
                    self.limits.bytes
                )));
            }
            if self.sender.send(Ok(batch)).await.is_err() {
                return Err(Ended::Gone);
            }
        }
        drop(gathered);
        own.iter().for_each(|name| session.schema.count(name));
        Ok(())
    }

    /// Starts a query within its memory, so that it ends when it is stopped.
    async fn started(&self, frame: DataFrame) -> Result<SendableRecordBatchStream, Ended> {
        let task = frame.task_ctx();
        let shared = task.runtime_env();
        let pool = QueryPool::new(Arc::clone(&shared.memory_pool), self.limits.query_memory);
        let runtime = RuntimeEnv { memory_pool: Arc::new(pool), ..shared.as_ref().clone() };
        let task = Arc::new(task.with_runtime(Arc::new(runtime)));
        let plan = cancellable(frame.create_physical_plan().await?, &self.stopped)?;
        Ok(execute_stream(plan, task)?)
    }

    /// Puts the rows of a query in its place. The engine would gather them for a table without counting them, and could not be
    /// stopped.
    async fn gather(&self, input: &mut Arc<LogicalPlan>) -> Result<MemoryReservation, Ended> {
        let context = &self.work.session.context;
        let shared = Arc::clone(&context.runtime_env().memory_pool);
        let pool: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(shared, self.limits.query_memory));
        let held = MemoryConsumer::new("rows of a table").register(&pool);
        let mut batches = self.started(DataFrame::new(context.state(), input.as_ref().clone())).await?;
        // Of the plan that runs: it may know types better than the one that was written.
        let schema = nullable(&batches.schema());
        let mut rows = vec![];
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            held.try_grow(batch.get_array_memory_size())?;
            let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec());
            rows.push(batch.map_err(DataFusionError::from)?);
        }
        let table = provider_as_source(Arc::new(MemTable::try_new(schema, vec![rows])?));
        *input = Arc::new(LogicalPlanBuilder::scan("gathered", table, None)?.build()?);
        Ok(held)
    }
}

/// A schema whose columns may all be NULL: rows that a table is made of may have values where later ones have none.
pub(super) fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The query whose rows a table of the session is to hold.
fn kept_input(plan: &mut LogicalPlan, is_own: bool) -> Option<&mut Arc<LogicalPlan>> {
    match plan {
        LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) => Some(&mut create.input),
        LogicalPlan::Dml(dml) if is_own && matches!(dml.op, WriteOp::Insert(_)) => Some(&mut dml.input),
        _ => None,
    }
}
