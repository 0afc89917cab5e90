//! Sessions: what a client has made and may go on with.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use tonic::Status;

use super::auth::{Identity, Role};
use super::catalog::SessionSchema;
use super::statements::Planned;
use crate::stores::Stores;

/// How sessions are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// By a token that the server gave out.
    Token(String),
    /// By who the client is and the connection that it comes by.
    Client(Identity, String),
}

/// What belongs to a client.
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) context: SessionContext,
    pub(super) stores: Arc<Stores>,
    pub(super) schema: Arc<SessionSchema>,
    statements: Mutex<Handles>,
}

/// A prepared statement, or a query whose result waits to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) planned: Planned,
    /// Rows of values for the parameters.
    pub(super) bound: Vec<RecordBatch>,
    /// How many rows a statement that returns none has written, once it ran.
    pub(super) count: Option<i64>,
}

impl Held {
    pub(super) fn new(planned: Planned) -> Self {
        Self { planned, bound: vec![], count: None }
    }
}

/// Statements by handle, the oldest first.
#[derive(Default)]
struct Handles {
    held: HashMap<Bytes, Held>,
    order: VecDeque<Bytes>,
}

impl Session {
    pub(super) fn new(
        identity: Identity,
        context: SessionContext,
        stores: Arc<Stores>,
        schema: Arc<SessionSchema>,
    ) -> Self {
        Self { identity, context, stores, schema, statements: Mutex::new(Handles::default()) }
    }

    pub(super) fn role(&self) -> Role {
        self.identity.role
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        // The map is whole whatever its holder was doing.
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a statement and returns its handle; beyond `most` the oldest one goes.
    pub(super) fn hold(&self, held: Held, most: usize) -> Result<Bytes, Status> {
        let handle = Bytes::from(random_token()?.into_bytes());
        let mut handles = self.handles();
        while handles.order.len() >= most.max(1) {
            let Some(oldest) = handles.order.pop_front() else { break };
            handles.held.remove(&oldest);
        }
        handles.held.insert(handle.clone(), held);
        handles.order.push_back(handle.clone());
        Ok(handle)
    }

    /// # Errors
    ///
    /// When the session has no such statement: it was closed, is another's or is from another server.
    pub(super) fn held(&self, handle: &[u8]) -> Result<Held, Status> {
        self.handles().held.get(handle).cloned().ok_or_else(no_such)
    }

    /// Changes a held statement.
    ///
    /// # Errors
    ///
    /// As [`Self::held`].
    pub(super) fn change(&self, handle: &[u8], change: impl FnOnce(&mut Held)) -> Result<(), Status> {
        match self.handles().held.get_mut(handle) {
            Some(held) => {
                change(held);
                Ok(())
            }
            None => Err(no_such()),
        }
    }

    pub(super) fn close(&self, handle: &[u8]) {
        let mut handles = self.handles();
        handles.held.remove(handle);
        handles.order.retain(|known| known != handle);
    }
}

fn no_such() -> Status {
    Status::not_found("this session has no such statement; it was closed, or belongs to another session")
}

/// All sessions, each until it has done nothing for a while.
pub(super) struct Sessions {
    sessions: Mutex<HashMap<Key, (Arc<Session>, Instant)>>,
    most: usize,
    idle: Duration,
}

impl Sessions {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self { sessions: Mutex::new(HashMap::new()), most, idle }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Arc<Session>, Instant)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a key, which lives on.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<Session>> {
        let mut sessions = self.lock();
        let (session, used) = sessions.get_mut(key)?;
        if used.elapsed() > self.idle {
            sessions.remove(key);
            return None;
        }
        *used = Instant::now();
        Some(Arc::clone(session))
    }

    /// Adds a session, or finds the one that another call has added meanwhile.
    ///
    /// # Errors
    ///
    /// When there are as many as the limit allows.
    pub(super) fn add(&self, key: Key, session: Session) -> Result<Arc<Session>, Status> {
        if let Some(session) = self.find(&key) {
            return Ok(session);
        }
        let mut sessions = self.lock();
        if sessions.len() >= self.most {
            let idle = self.idle;
            sessions.retain(|_, (_, used)| used.elapsed() <= idle);
        }
        if sessions.len() >= self.most {
            return Err(Status::resource_exhausted(format!(
                "there are {} sessions, which limit sessions allows; close some, or try later",
                self.most
            )));
        }
        let session = Arc::new(session);
        sessions.insert(key, (Arc::clone(&session), Instant::now()));
        Ok(session)
    }

    /// Ends sessions that have done nothing for a while; returns how many are left.
    pub(super) fn sweep(&self) -> usize {
        let mut sessions = self.lock();
        sessions.retain(|_, (_, used)| used.elapsed() <= self.idle);
        sessions.len()
    }
}

/// A name that nobody guesses.
///
/// # Errors
///
/// When the system has no randomness.
pub(super) fn random_token() -> Result<String, Status> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| Status::internal(format!("no randomness: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
