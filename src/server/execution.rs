//! Statements at work: on threads of their own, in turn, within limits, ended with whoever waits for them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::catalog::MemTable;
use datafusion::common::DataFusionError;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{DdlStatement, LogicalPlan, LogicalPlanBuilder, WriteOp};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::DataFrame;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Sleep;
use tonic::Status;

use super::cancel::{Stopped, cancellable};
use super::config::Limits;
use super::edge::{batch_at_edge, schema_at_edge};
use super::memory::QueryPool;
use super::sessions::Session;
use super::statements::{Planned, Refused, Returns};
use super::status::status;

/// Batches that may wait for a client.
const WAITING: usize = 2;

/// Runs statements.
pub(super) struct Execution {
    engine: Handle,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    limits: Limits,
}

/// What is to run for a client.
pub(super) struct Work {
    pub(super) session: Arc<Session>,
    pub(super) sql: String,
    pub(super) returns: Returns,
    /// One after the other; their results are one.
    pub(super) plans: Vec<LogicalPlan>,
    /// How long the client waits.
    pub(super) patience: Option<Duration>,
}

impl Work {
    /// A statement with rows of values for its parameters.
    ///
    /// # Errors
    ///
    /// When the values are none for it.
    pub(super) fn new(
        session: Arc<Session>,
        planned: &Planned,
        rows: &[RecordBatch],
        patience: Option<Duration>,
    ) -> Result<Self, Status> {
        let plans = planned.bound(rows).map_err(|error| status(&error, &planned.sql))?;
        Ok(Self { session, sql: planned.sql.clone(), returns: planned.returns(), plans, patience })
    }

    /// The schema of the result, as clients see it.
    pub(super) fn schema(&self) -> SchemaRef {
        result_schema(self.returns, self.plans.first())
    }
}

/// The schema of a result as clients see it. What returns no rows has a column all the same: clients take results without
/// columns for broken ones.
pub(super) fn result_schema(returns: Returns, plan: Option<&LogicalPlan>) -> SchemaRef {
    match (returns, plan) {
        (Returns::Rows, Some(plan)) => schema_at_edge(plan.schema().as_arrow()),
        _ => Arc::new(Schema::new(vec![Field::new("count", DataType::Int64, true)])),
    }
}

impl Execution {
    pub(super) fn new(engine: Handle, limits: Limits) -> Self {
        let turns = Arc::new(Semaphore::new(limits.queries.max(1)));
        Self { engine, turns, waiting: AtomicUsize::new(0), limits }
    }

    /// Plans a statement on the engine's threads.
    ///
    /// # Errors
    ///
    /// What is wrong with the statement, and [`Status::permission_denied`] when the session's role may not do it.
    pub(super) async fn plan(&self, session: &Arc<Session>, sql: String) -> Result<Planned, Status> {
        let session = Arc::clone(session);
        let planned = self.engine.spawn(async move {
            let planned = Planned::new(&session, session.role(), &sql).await;
            planned.map_err(|error| match error {
                Refused::Role(what) => Status::permission_denied(what),
                Refused::Engine(error) => status(&error, &sql),
            })
        });
        planned.await.map_err(|error| Status::internal(format!("planning failed: {error}")))?
    }

    /// Runs a statement; its batches come as they are made.
    ///
    /// # Errors
    ///
    /// When too many statements wait already, or this one has waited too long.
    pub(super) async fn stream(&self, work: Work) -> Result<Batches, Status> {
        let turn = self.turn().await?;
        let schema = work.schema();
        let (sender, receiver) = channel(WAITING);
        let limits = self.limits.clone();
        let time = work.patience.map_or(limits.time(), |patience| patience.min(limits.time()));
        let stopped = Stopped::default();
        let task = self.engine.spawn({
            let (schema, stopped) = (Arc::clone(&schema), Arc::clone(&stopped));
            async move {
                // Until the work is over, whoever waits for it.
                let _turn = turn;
                let sql = work.sql.clone();
                let run = Run { work, schema, sender: &sender, limits: &limits, stopped, rows: 0, bytes: 0 };
                let outcome = match run.run().await {
                    Ok(()) | Err(Ended::Gone) => return,
                    Err(Ended::Failed(error)) => status(&error, &sql),
                    Err(Ended::Limit(text)) => Status::resource_exhausted(text),
                };
                let _ = sender.send(Err(outcome)).await;
            }
        });
        let deadline = Some(Box::pin(tokio::time::sleep(time)));
        Ok(Batches { schema, receiver, task, stopped, time, deadline })
    }

    /// Runs a statement and says how many rows it wrote.
    ///
    /// # Errors
    ///
    /// As the statement's.
    pub(super) async fn count(&self, work: Work) -> Result<i64, Status> {
        let returns = work.returns;
        let mut batches = self.stream(work).await?;
        let mut count = 0;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            count += match returns {
                Returns::Count => written(&batch),
                Returns::Rows => batch.num_rows() as i64,
                Returns::Nothing => 0,
            };
        }
        Ok(count)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Status> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.limits.queue {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Status::resource_exhausted(format!(
                "{} queries run and {} wait, which limits queries and queue allow; try again later",
                self.limits.queries, self.limits.queue
            )));
        }
        let turn = tokio::time::timeout(self.limits.time(), Arc::clone(&self.turns).acquire_owned()).await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match turn {
            Ok(Ok(turn)) => Ok(turn),
            _ => {
                Err(Status::resource_exhausted("the query has waited for its turn for as long as it may run"))
            }
        }
    }
}

fn written(batch: &RecordBatch) -> i64 {
    let counts = batch.columns().first().and_then(|column| cast(column, &DataType::UInt64).ok());
    counts.map_or(0, |counts| counts.as_primitive::<UInt64Type>().iter().flatten().sum::<u64>() as i64)
}

/// Why a statement ends early.
enum Ended {
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

struct Run<'a> {
    work: Work,
    schema: SchemaRef,
    sender: &'a Sender<Result<RecordBatch, Status>>,
    limits: &'a Limits,
    stopped: Stopped,
    rows: u64,
    bytes: u64,
}

impl Run<'_> {
    async fn run(mut self) -> Result<(), Ended> {
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
        let schema = Arc::new(input.schema().as_arrow().clone());
        let shared = Arc::clone(&context.runtime_env().memory_pool);
        let pool: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(shared, self.limits.query_memory));
        let held = MemoryConsumer::new("rows of a table").register(&pool);
        let mut batches = self.started(DataFrame::new(context.state(), input.as_ref().clone())).await?;
        let mut rows = vec![];
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            held.try_grow(batch.get_array_memory_size())?;
            rows.push(batch);
        }
        let table = provider_as_source(Arc::new(MemTable::try_new(schema, vec![rows])?));
        *input = Arc::new(LogicalPlanBuilder::scan("gathered", table, None)?.build()?);
        Ok(held)
    }
}

/// The query whose rows a table of the session is to hold.
fn kept_input(plan: &mut LogicalPlan, is_own: bool) -> Option<&mut Arc<LogicalPlan>> {
    match plan {
        LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) => Some(&mut create.input),
        LogicalPlan::Dml(dml) if is_own && matches!(dml.op, WriteOp::Insert(_)) => Some(&mut dml.input),
        _ => None,
    }
}

/// The batches of a result, until its time is over. Dropping them ends the statement.
pub(super) struct Batches {
    pub(super) schema: SchemaRef,
    receiver: Receiver<Result<RecordBatch, Status>>,
    task: JoinHandle<()>,
    stopped: Stopped,
    time: Duration,
    /// `None` once it is over.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Batches {
    fn end(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.task.abort();
        self.receiver.close();
    }
}

impl Stream for Batches {
    type Item = Result<RecordBatch, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(deadline) = &mut self.deadline else { return Poll::Ready(None) };
        if deadline.as_mut().poll(context).is_ready() {
            self.deadline = None;
            self.end();
            let time = self.time.as_secs_f64();
            return Poll::Ready(Some(Err(Status::deadline_exceeded(format!(
                "the query took longer than {time} s"
            )))));
        }
        match ready!(self.receiver.poll_recv(context)) {
            Some(batch) => Poll::Ready(Some(batch)),
            // Without a word from it the work is done, unless it broke off.
            None => {
                let ended = ready!(Pin::new(&mut self.task).poll(context));
                self.deadline = None;
                let broke = ended.err().map(|_| Err(Status::internal("the query broke off; this is a bug")));
                Poll::Ready(broke)
            }
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.end();
    }
}
