//! `causal serve`: every function and relation for BI tools and notebooks, over Arrow Flight SQL.
//!
//! `service` is what clients call. A call finds its session (`entrance`, `sessions`, by the credentials that `auth` reads), whose
//! statements are read, allowed and planned (`statements`, `parameters`, `ingestion`) and run on the engine's own threads within
//! limits (`execution`, `running`, `memory`). What leaves goes through `edge`, so that what is announced is what is sent, and is
//! counted (`batches`, `journal`); `operations` shows the counts.

mod actions;
mod arguments;
mod auth;
mod batches;
mod cancel;
mod catalog;
mod config;
mod connections;
mod edge;
mod entrance;
mod execution;
mod host;
mod ingestion;
mod journal;
mod listening;
mod memory;
mod metadata;
mod operations;
mod options;
mod parameters;
mod reflection;
mod running;
mod service;
mod sessions;
mod sql_info;
mod statements;
mod status;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use tokio::runtime::{Builder, Runtime};
use tonic::Status;

use crate::diagnostics::problems;
use crate::stores::redact;
use auth::{Authenticator, Identity};
use config::Config;
use execution::Execution;
use host::Host;
use journal::{Journal, Levels};
use sessions::{Session, Sessions};

pub(crate) use arguments::ServeArguments;

/// Where a server listens unless told otherwise.
const ADDRESS: &str = "127.0.0.1:50051";
/// Threads that talk to clients; they never run queries.
const FRONT_THREADS: usize = 2;
/// Planning recurses; the standard 2 MiB are little for deep queries.
const STACK_BYTES: usize = 16 << 20;
/// How long the engine's work may take to notice that the server ends.
const GRACE: Duration = Duration::from_secs(5);
/// Consumers of memory to name when it runs out.
const CONSUMERS_TO_NAME: NonZeroUsize = NonZeroUsize::new(5).expect("five is not zero");

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The arguments or the file are wrong.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
}

impl From<datafusion::error::DataFusionError> for ServeError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        let texts: Vec<_> = problems(&error).iter().map(ToString::to_string).collect();
        Self::Failed(redact(&texts.join("\nerror: ")))
    }
}

/// What calls share.
struct Server {
    config: Arc<Config>,
    users: Authenticator,
    sessions: Arc<Sessions>,
    execution: Execution,
    journal: Arc<Journal>,
    runtime: Arc<RuntimeEnv>,
    host: Host,
    /// Set once it was told to end.
    is_ending: AtomicBool,
}

/// Serves until it is told to end.
///
/// # Errors
///
/// When the arguments, the configuration or a table in it are wrong, or the address cannot be listened on.
pub(crate) fn run(arguments: ServeArguments) -> Result<(), ServeError> {
    if arguments.hash_password {
        return hash_password();
    }
    let config = arguments.config()?;
    let address = config.listen.unwrap_or_else(|| ADDRESS.parse().expect("the address is one"));
    refuse_open_doors(&config, address, arguments.insecure)?;
    let threads = match arguments.threads {
        Some(threads) => usize::from(threads),
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let engine = runtime("causal-engine", threads)?;
    let front = runtime("causal-server", FRONT_THREADS)?;
    let outcome = front.block_on(async {
        let server = Server::start(config, &engine, threads).await?;
        server.listen(address).await
    });
    front.shutdown_timeout(GRACE);
    engine.shutdown_timeout(GRACE);
    outcome
}

fn runtime(name: &str, threads: usize) -> Result<Runtime, ServeError> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| ServeError::Failed(format!("cannot start {threads} threads: {error}")))
}

/// A server that others than this machine reach needs users and TLS.
fn refuse_open_doors(config: &Config, address: SocketAddr, insecure: bool) -> Result<(), ServeError> {
    if insecure || address.ip().is_loopback() || (config.tls.is_some() && config.has_users()) {
        return Ok(());
    }
    Err(ServeError::Usage(format!(
        "listen must be an address of this machine alone, such as {ADDRESS}, got {address}; configure users and tls, or give \
         --insecure"
    )))
}

impl Server {
    async fn start(config: Config, engine: &Runtime, threads: usize) -> Result<Self, ServeError> {
        let config = Arc::new(config);
        let limits = &config.limits;
        let pool = TrackConsumersPool::new(FairSpillPool::new(limits.memory), CONSUMERS_TO_NAME);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_max_temp_directory_size(limits.spill),
            )
            .with_object_list_cache_limit(0)
            .build_arc()?;
        let host = engine.spawn(Host::new(Arc::clone(&config), Arc::clone(&runtime), threads));
        let host =
            host.await.map_err(|error| ServeError::Failed(format!("tables cannot be made: {error}")))??;
        let sessions = Arc::new(Sessions::new(limits.sessions, limits.idle()));
        let journal = Arc::new(Journal::new(config.operations.query_log.as_deref())?);
        let execution = Execution::new(engine.handle().clone(), limits.clone(), Arc::clone(&journal));
        let users = Authenticator::new(config.users.clone(), config.jwt.clone())?;
        let is_ending = AtomicBool::new(false);
        Ok(Self { config, users, sessions, execution, journal, runtime, host, is_ending })
    }

    /// A session that sees the server's tables and has its own above them.
    fn new_session(&self, identity: Identity) -> Result<Session, Status> {
        self.host.session(identity, &self.runtime).map_err(|error| status::status(&error, ""))
    }

    /// How full everything is.
    fn levels(&self) -> Levels {
        let (running, waiting) = self.execution.load();
        let reserved = self.runtime.memory_pool.reserved();
        let numbers = [running, waiting, self.sessions.len(), reserved, self.config.limits.memory];
        let [running, waiting, sessions, reserved, limit] = numbers.map(|number| number as u64);
        [running, waiting, sessions, reserved, limit, self.runtime.disk_manager.used_disk_space()]
    }
}

/// Tells a person how it goes. Without stderr there is nobody to tell.
fn tell(progress: &str) {
    let _ = writeln!(io::stderr(), "{progress}");
}

/// Reads a password and prints its hash.
fn hash_password() -> Result<(), ServeError> {
    let mut password = String::new();
    let failed = |error: io::Error| ServeError::Failed(format!("the password cannot be read: {error}"));
    io::stdin().read_line(&mut password).map_err(failed)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(ServeError::Usage("a password must be on stdin, got nothing".into()));
    }
    let hash = auth::password_hash(password)?;
    writeln!(io::stdout(), "{hash}").map_err(|error| ServeError::Failed(format!("cannot print: {error}")))
}
