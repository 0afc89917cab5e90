//! Statements at work: on threads of their own, in turn, within limits, ended with whoever waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc::channel;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::batches::{Batches, Patience};
use super::cancel::Stopped;
use super::config::Limits;
use super::edge::schema_at_edge;
use super::journal::Journal;
use super::running::{Ended, Run};
use super::sessions::{Bound, Session};
use super::statements::{Planned, Returns};
use super::status::status;

/// Batches that may wait for a client.
const WAITING: usize = 2;

/// Runs statements.
pub(super) struct Execution {
    engine: Handle,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    limits: Limits,
    journal: Arc<Journal>,
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
        bound: &Bound,
        patience: Option<Duration>,
    ) -> Result<Self, Status> {
        let plans = planned.bound(&bound.rows).map_err(|error| status(&error, &planned.sql))?;
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
    pub(super) fn new(engine: Handle, limits: Limits, journal: Arc<Journal>) -> Self {
        let turns = Arc::new(Semaphore::new(limits.queries.max(1)));
        Self { engine, turns, waiting: AtomicUsize::new(0), limits, journal }
    }

    /// How many statements run, and how many wait for their turn.
    pub(super) fn load(&self) -> (usize, usize) {
        let running = self.limits.queries.max(1) - self.turns.available_permits();
        (running, self.waiting.load(Ordering::Relaxed))
    }

    /// Whether the engine's threads still do what they are told.
    pub(super) async fn is_alive(&self, within: Duration) -> bool {
        tokio::time::timeout(within, self.engine.spawn(async {})).await.is_ok_and(|done| done.is_ok())
    }

    /// Plans a statement on the engine's threads.
    ///
    /// # Errors
    ///
    /// What is wrong with the statement, and [`Status::permission_denied`] when the session's role may not do it.
    pub(super) async fn plan(&self, session: &Arc<Session>, sql: String) -> Result<Planned, Status> {
        let session = Arc::clone(session);
        let mut entry = self.journal.open(&session.identity.user, &sql);
        let planned = self.engine.spawn(async move {
            let planned = Planned::new(&session, &sql).await;
            planned.map_err(|refused| refused.status(&sql))
        });
        let planned = planned.await.map_err(|error| Status::internal(format!("planning failed: {error}")));
        match planned.flatten() {
            Ok(planned) => {
                entry.forget();
                Ok(planned)
            }
            Err(status) => {
                entry.code = status.code();
                Err(status)
            }
        }
    }

    /// Runs a statement; its batches come as they are made.
    ///
    /// # Errors
    ///
    /// When too many statements wait already, or this one has waited too long.
    pub(super) async fn stream(&self, work: Work) -> Result<Batches, Status> {
        let mut entry = self.journal.open(&work.session.identity.user, &work.sql);
        if work.returns != Returns::Rows {
            work.session.change_lasts();
        }
        let turn = self.turn().await.inspect_err(|status| entry.code = status.code())?;
        let schema = work.schema();
        let (sender, receiver) = channel(WAITING);
        let limits = self.limits.clone();
        let patience = match work.patience {
            Some(time) if time < limits.time() => Patience { time, whose: "as long as its client waits" },
            _ => Patience { time: limits.time(), whose: "which limit seconds allows" },
        };
        let stopped = Stopped::default();
        let task = self.engine.spawn({
            let (schema, stopped) = (Arc::clone(&schema), Arc::clone(&stopped));
            async move {
                // Until the work is over, whoever waits for it.
                let _turn = turn;
                let sql = work.sql.clone();
                let run = Run::new(work, schema, &sender, &limits, stopped);
                let outcome = match run.run().await {
                    Ok(()) | Err(Ended::Gone) => return,
                    Err(Ended::Failed(error)) => status(&error, &sql),
                    Err(Ended::Limit(text)) => Status::resource_exhausted(text),
                };
                let _ = sender.send(Err(outcome)).await;
            }
        });
        Ok(Batches::new(schema, receiver, task, stopped, patience, entry))
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
        let waits = Waits(&self.waiting);
        if waits.0.fetch_add(1, Ordering::Relaxed) >= self.limits.queue {
            return Err(Status::resource_exhausted(format!(
                "{} queries run and {} wait, which limits queries and queue allow; try again later",
                self.limits.queries, self.limits.queue
            )));
        }
        match tokio::time::timeout(self.limits.time(), Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => {
                let seconds = self.limits.seconds;
                Err(Status::resource_exhausted(format!(
                    "the query has waited for its turn for the {seconds} s that limit seconds allows; try again later"
                )))
            }
        }
    }
}

/// Counts a statement that waits, for as long as somebody waits for it.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn written(batch: &RecordBatch) -> i64 {
    let counts = batch.columns().first().and_then(|column| cast(column, &DataType::UInt64).ok());
    counts.map_or(0, |counts| counts.as_primitive::<UInt64Type>().iter().flatten().sum::<u64>() as i64)
}
