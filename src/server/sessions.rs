//! Sessions: what a client has made and may go on with.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::prelude::SessionContext;
use tonic::Status;

use super::auth::{Digest, Identity, Role};
use super::batches::Stop;
use super::catalog::SessionSchema;
use super::connections::ConnectionId;
use super::statements::Planned;
use crate::stores::Stores;

/// How sessions are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// By a token that the server gave out.
    Token(String),
    /// By the connection that a client comes by and what it shows of itself.
    Connection(ConnectionId, Digest),
}

/// What belongs to a client.
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) context: SessionContext,
    pub(super) stores: Arc<Stores>,
    pub(super) schema: Arc<SessionSchema>,
    is_changed: AtomicBool,
    statements: Mutex<Handles>,
}

/// Rows of values for the parameters of a statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    pub(super) rows: Vec<RecordBatch>,
    /// The memory that they take.
    pub(super) _held: Option<Arc<MemoryReservation>>,
}

/// A prepared statement, or a query whose result waits to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) planned: Planned,
    pub(super) bound: Bound,
    /// How many rows a statement that returns none has written, once it ran.
    pub(super) count: Option<i64>,
    /// Ends the statement where it runs.
    pub(super) running: Option<Stop>,
}

impl Held {
    pub(super) fn new(planned: Planned) -> Self {
        Self { planned, bound: Bound::default(), count: None, running: None }
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
        let (is_changed, statements) = (AtomicBool::new(false), Mutex::new(Handles::default()));
        Self { identity, context, stores, schema, is_changed, statements }
    }

    pub(super) fn role(&self) -> Role {
        self.identity.role
    }

    /// Remembers that a client has set or made something that it would miss.
    pub(super) fn change_lasts(&self) {
        self.is_changed.store(true, Ordering::Relaxed);
    }

    fn is_changed(&self) -> bool {
        self.is_changed.load(Ordering::Relaxed)
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
        self.handles().held.get_mut(handle).map(change).ok_or_else(no_such)
    }

    /// Forgets a statement and returns it.
    pub(super) fn close(&self, handle: &[u8]) -> Option<Held> {
        let mut handles = self.handles();
        handles.order.retain(|known| known != handle);
        handles.held.remove(handle)
    }
}

fn no_such() -> Status {
    Status::not_found(
        "this session has no such statement; it was fetched or closed, or belongs to another session",
    )
}

/// A client that has said who it is, and what it has made since.
struct Entry {
    identity: Identity,
    used: Instant,
    /// Made when it is needed: many clients come, ask nothing and go.
    session: Option<Arc<Session>>,
}

impl Entry {
    fn is_over(&self, idle: Duration) -> bool {
        self.used.elapsed() > idle || self.identity.has_expired()
    }

    /// Whether its client would miss something, or waits for it now.
    fn is_missed(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_changed() || Arc::strong_count(session) > 1)
    }
}

/// All sessions, each until it has done nothing for a while.
pub(super) struct Sessions {
    entries: Mutex<HashMap<Key, Entry>>,
    most: usize,
    idle: Duration,
}

impl Sessions {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self { entries: Mutex::new(HashMap::new()), most, idle }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a client in under a key. When there are as many as there may be, the one that was used least of late and would
    /// miss nothing goes.
    ///
    /// # Errors
    ///
    /// When all of them would miss something.
    pub(super) fn admit(&self, key: Key, identity: Identity) -> Result<(), Status> {
        let gone;
        {
            let mut entries = self.lock();
            if entries.len() < self.most || entries.contains_key(&key) {
                gone = None;
            } else {
                let spare =
                    entries.iter().filter(|(_, entry)| entry.is_over(self.idle) || !entry.is_missed());
                let spare = spare.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
                let spare = spare.ok_or_else(|| {
                    Status::resource_exhausted(format!(
                        "there are {} sessions, which limit sessions allows; close some, or try later",
                        self.most
                    ))
                })?;
                gone = entries.remove(&spare);
            }
            let entry = Entry { identity, used: Instant::now(), session: None };
            entries.entry(key).or_insert(entry);
        }
        // Its tables are let go of while nobody waits for the map.
        drop(gone);
        Ok(())
    }

    /// Whether somebody was let in under a key.
    pub(super) fn is_in(&self, key: &Key) -> bool {
        self.lock().get(key).is_some_and(|entry| !entry.is_over(self.idle))
    }

    /// The session of a key, which lives on; `make` makes it where there is none yet. `None` when nobody was let in under it.
    ///
    /// # Errors
    ///
    /// Those of `make`.
    pub(super) fn find(
        &self,
        key: &Key,
        make: impl FnOnce(Identity) -> Result<Session, Status>,
    ) -> Result<Option<Arc<Session>>, Status> {
        let identity = {
            let mut entries = self.lock();
            let Some(entry) = entries.get_mut(key) else { return Ok(None) };
            if entry.is_over(self.idle) {
                let gone = entries.remove(key);
                drop(entries);
                drop(gone);
                return Ok(None);
            }
            entry.used = Instant::now();
            if let Some(session) = &entry.session {
                return Ok(Some(Arc::clone(session)));
            }
            entry.identity.clone()
        };
        let made = Arc::new(make(identity)?);
        let mut entries = self.lock();
        // Another call may have made it meanwhile.
        Ok(entries.get_mut(key).map(|entry| Arc::clone(entry.session.get_or_insert(made))))
    }

    /// Ends a session; says whether there was one.
    pub(super) fn end(&self, key: &Key) -> bool {
        let gone = self.lock().remove(key);
        gone.is_some()
    }

    /// Ends what only a closed connection could come back to.
    pub(super) fn leave(&self, connection: ConnectionId) {
        self.end_all(|key, _| matches!(key, Key::Connection(id, _) if *id == connection));
    }

    /// Ends sessions that have done nothing for a while.
    pub(super) fn sweep(&self) {
        self.end_all(|_, entry| entry.is_over(self.idle));
    }

    fn end_all(&self, ends: impl Fn(&Key, &Entry) -> bool) {
        let gone: Vec<_> = self.lock().extract_if(|key, entry| ends(key, entry)).collect();
        drop(gone);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(sessions: &Sessions, token: &str) -> Result<(), Status> {
        sessions.admit(Key::Token(token.into()), Identity::new("ana", Role::Reader))
    }

    #[test]
    fn who_made_nothing_gives_way_to_newcomers() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        admit(&sessions, "a").unwrap();
        admit(&sessions, "b").unwrap();
        let keys = |sessions: &Sessions| {
            let mut keys: Vec<_> = sessions.lock().keys().map(|key| format!("{key:?}")).collect();
            keys.sort();
            keys.join(" ")
        };
        admit(&sessions, "c").unwrap();
        assert_eq!(keys(&sessions), r#"Token("b") Token("c")"#);
        assert!(sessions.end(&Key::Token("b".into())) && !sessions.end(&Key::Token("b".into())));
        assert_eq!(sessions.len(), 1);
    }

    #[test]
    fn a_closed_connection_takes_its_sessions_along() {
        let sessions = Sessions::new(9, Duration::from_secs(60));
        let (one, other) = (ConnectionId::next(), ConnectionId::next());
        for id in [one, other] {
            sessions
                .admit(Key::Connection(id, Digest::default()), Identity::new("ana", Role::Reader))
                .unwrap();
        }
        sessions.leave(one);
        assert_eq!(sessions.len(), 1);
        assert!(sessions.end(&Key::Connection(other, Digest::default())));
    }

    #[test]
    fn idle_sessions_end() {
        let sessions = Sessions::new(9, Duration::ZERO);
        admit(&sessions, "a").unwrap();
        std::thread::sleep(Duration::from_millis(2));
        sessions.sweep();
        assert_eq!(sessions.len(), 0);
    }
}
