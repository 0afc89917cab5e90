//! The batches of a result on their way to a client, until its time is over.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use futures::Stream;
use tokio::sync::mpsc::Receiver;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Sleep;
use tonic::{Code, Status};

use super::cancel::Stopped;
use super::journal::Entry;

/// Ends a statement where it runs.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    stopped: Stopped,
    task: AbortHandle,
}

impl Stop {
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.task.abort();
    }
}

/// How long a statement may take, and who says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) time: Duration,
    pub(super) whose: &'static str,
}

/// The batches of a result. Dropping them ends the statement.
pub(super) struct Batches {
    pub(super) schema: SchemaRef,
    receiver: Receiver<Result<RecordBatch, Status>>,
    task: JoinHandle<()>,
    stop: Stop,
    patience: Patience,
    /// `None` once it is over.
    deadline: Option<Pin<Box<Sleep>>>,
    entry: Entry,
}

impl Batches {
    pub(super) fn new(
        schema: SchemaRef,
        receiver: Receiver<Result<RecordBatch, Status>>,
        task: JoinHandle<()>,
        stopped: Stopped,
        patience: Patience,
        entry: Entry,
    ) -> Self {
        let stop = Stop { stopped, task: task.abort_handle() };
        let deadline = Some(Box::pin(tokio::time::sleep(patience.time)));
        Self { schema, receiver, task, stop, patience, deadline, entry }
    }

    /// What ends them from elsewhere.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The word that the work did not send: that it is done, was stopped or broke off.
    fn last_word(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch, Status>>> {
        let ended = ready!(Pin::new(&mut self.task).poll(context));
        self.deadline = None;
        Poll::Ready(match ended {
            Ok(()) => {
                self.entry.code = Code::Ok;
                None
            }
            Err(_) if self.stop.stopped.load(Ordering::Relaxed) => {
                Some(Err(Status::cancelled("the query was cancelled")))
            }
            Err(_) => {
                self.entry.code = Code::Internal;
                Some(Err(Status::internal("the query broke off; this is a bug")))
            }
        })
    }
}

impl Stream for Batches {
    type Item = Result<RecordBatch, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(deadline) = &mut self.deadline else { return Poll::Ready(None) };
        if deadline.as_mut().poll(context).is_ready() {
            self.deadline = None;
            self.stop.stop();
            self.entry.code = Code::DeadlineExceeded;
            let Patience { time, whose } = self.patience;
            return Poll::Ready(Some(Err(Status::deadline_exceeded(format!(
                "the query took longer than {} s, {whose}",
                time.as_secs_f64()
            )))));
        }
        match ready!(self.receiver.poll_recv(context)) {
            Some(Ok(batch)) => {
                self.entry.rows += batch.num_rows() as u64;
                self.entry.bytes += batch.get_array_memory_size() as u64;
                Poll::Ready(Some(Ok(batch)))
            }
            Some(Err(status)) => {
                self.deadline = None;
                self.entry.code = status.code();
                Poll::Ready(Some(Err(status)))
            }
            None => self.last_word(context),
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
