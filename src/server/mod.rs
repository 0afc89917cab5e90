//! `causal serve`: every function and relation for BI tools and notebooks, over Arrow Flight SQL.
//!
//! `service` is what clients call. A call finds its session (`sessions`, by the credentials that `auth` reads), whose
//! statements are read, allowed and planned (`statements`, `parameters`) and run on the engine's own threads within limits
//! (`execution`, `memory`). What leaves goes through `edge`, so that what is announced is what is sent.

mod arguments;
mod auth;
mod cancel;
mod catalog;
mod config;
mod edge;
mod execution;
mod memory;
mod metadata;
mod parameters;
mod service;
mod sessions;
mod sql_info;
mod statements;
mod status;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

use arrow_flight::flight_service_server::FlightServiceServer;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, UrlTableFactory,
};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::DFParserBuilder;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tonic::Status;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity as TlsIdentity, ServerTlsConfig};

use crate::diagnostics::problems;
use crate::files::FileTables;
use crate::session;
use crate::stores::{StoreSettings, Stores, redact};
use auth::{Authenticator, Identity};
use catalog::{CATALOG, SCHEMA, SessionSchema};
use config::{Config, Tls};
use execution::Execution;
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
    runtime: Arc<RuntimeEnv>,
    /// The session that the server's tables were made in.
    host: Host,
    threads: usize,
}

/// The tables of the server.
struct Host {
    /// Tables of files read with it.
    _context: SessionContext,
    tables: Arc<dyn SchemaProvider>,
}

/// Serves until it is told to end.
///
/// # Errors
///
/// When the arguments, the configuration or a table in it are wrong, or the address cannot be listened on.
pub(crate) fn run(arguments: ServeArguments) -> Result<(), ServeError> {
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
    if insecure || address.ip().is_loopback() || (config.tls.is_some() && !config.users.is_empty()) {
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
        let host = engine.spawn(host(Arc::clone(&config), Arc::clone(&runtime), threads));
        let host =
            host.await.map_err(|error| ServeError::Failed(format!("tables cannot be made: {error}")))??;
        let sessions = Arc::new(Sessions::new(limits.sessions, limits.idle()));
        let execution = Execution::new(engine.handle().clone(), limits.clone());
        let users = Authenticator::new(config.users.clone())?;
        Ok(Self { config, users, sessions, execution, runtime, host, threads })
    }

    /// A session that sees the server's tables and has its own above them.
    fn new_session(&self, identity: Identity) -> Result<Session, Status> {
        let stores = Arc::new(Stores::new(store_settings()));
        let runtime = Arc::new(RuntimeEnv {
            object_store_registry: Arc::clone(&stores) as _,
            ..self.runtime.as_ref().clone()
        });
        let schema =
            Arc::new(SessionSchema::new(Arc::clone(&self.host.tables), Arc::clone(&runtime.memory_pool)));
        let catalog = SessionSchema::catalog(&schema);
        let builder = self.builder().map_err(|error| Status::internal(error.to_string()))?;
        let context = SessionContext::new_with_state(builder.with_runtime_env(runtime).build());
        context.register_catalog(CATALOG, catalog.map_err(|error| status::status(&error, ""))?);
        Ok(Session::new(identity, context, stores, schema))
    }

    fn builder(&self) -> datafusion::common::Result<datafusion::execution::SessionStateBuilder> {
        builder(&self.config, self.threads)
    }

    async fn listen(self, address: SocketAddr) -> Result<(), ServeError> {
        let cannot =
            |error: std::io::Error| ServeError::Failed(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<FlightServiceServer<Self>>().await;
        let mut builder = tonic::transport::Server::builder();
        if let Some(tls) = &self.config.tls {
            builder = builder
                .tls_config(tls_config(tls)?)
                .map_err(|error| ServeError::Usage(format!("tls cannot be used: {error}")))?;
        }
        let sessions = Arc::clone(&self.sessions);
        let sweep = tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_secs(10));
            loop {
                clock.tick().await;
                sessions.sweep();
            }
        });
        tell(&format!("listening on {bound}"));
        let service = FlightServiceServer::new(self).max_decoding_message_size(64 << 20);
        let served = builder
            .add_service(health_service)
            .add_service(service)
            .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), told_to_end())
            .await;
        sweep.abort();
        served.map_err(|error| ServeError::Failed(format!("the server ended: {error}")))
    }
}

fn builder(
    config: &Config,
    threads: usize,
) -> datafusion::common::Result<datafusion::execution::SessionStateBuilder> {
    let mut session = SessionConfig::new()
        .with_target_partitions(threads)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false);
    session.options_mut().sql_parser.collect_spans = true;
    match &config.macros {
        Some(directory) => session::builder_with_macros(session, directory),
        None => Ok(session::builder(session)),
    }
}

fn store_settings() -> StoreSettings {
    StoreSettings { timeout: Duration::from_secs(60), retries: 10 }
}

/// Makes the tables and views of the configuration.
async fn host(config: Arc<Config>, runtime: Arc<RuntimeEnv>, threads: usize) -> Result<Host, ServeError> {
    let stores: Arc<Stores> = Arc::new(Stores::new(store_settings()));
    let runtime = Arc::new(RuntimeEnv { object_store_registry: stores, ..runtime.as_ref().clone() });
    let context =
        SessionContext::new_with_state(builder(&config, threads)?.with_runtime_env(runtime).build());
    let tables: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::clone(&tables))?;
    context.register_catalog(CATALOG, Arc::new(catalog));
    let files = FileTables::default();
    files.serve(&context);
    for (name, path) in &config.tables {
        let table = files.try_new(path).await?.ok_or_else(|| {
            ServeError::Usage(format!("table {name} must be a path, pattern or URL of files, got {path}"))
        })?;
        tables.register_table(name.clone(), table)?;
    }
    if let Some(init) = &config.init {
        // The parser does not go from thread to thread.
        let statements = { DFParserBuilder::new(init.as_str()).build()?.parse_statements()? };
        for statement in statements {
            let plan = context.state().statement_to_plan(statement).await?;
            context.execute_logical_plan(plan).await?.collect().await?;
        }
    }
    for (name, query) in &config.views {
        let name = name.replace('"', "\"\"");
        context.sql(&format!("CREATE VIEW \"{name}\" AS {query}")).await?.collect().await?;
    }
    Ok(Host { _context: context, tables })
}

fn tls_config(tls: &Tls) -> Result<ServerTlsConfig, ServeError> {
    let read = |path: &std::path::Path| {
        fs::read(path).map_err(|error| ServeError::Usage(format!("cannot read {}: {error}", path.display())))
    };
    let identity = TlsIdentity::from_pem(read(&tls.certificate)?, read(&tls.key)?);
    let config = ServerTlsConfig::new().identity(identity);
    Ok(match &tls.client_ca {
        Some(path) => config.client_ca_root(Certificate::from_pem(read(path)?)),
        None => config,
    })
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        // Without the signal only Ctrl-C ends the server.
        Err(_) => return tokio::signal::ctrl_c().await.unwrap_or(()),
    };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = tokio::signal::ctrl_c() => (),
    }
    tell("ending; queries that run are finished");
}

/// Tells a person how it goes. Without stderr there is nobody to tell.
fn tell(progress: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{progress}");
}
