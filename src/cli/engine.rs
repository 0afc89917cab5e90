//! The engine of a command: threads, memory, spilling, and a session on them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, panic, thread};

use clap::{Args, value_parser};
use datafusion::catalog::{DynamicFileCatalog, MemoryCatalogProviderList};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal;

use super::errors::CliError;
use crate::files::FileTables;
use crate::session;
use crate::stores::{StoreSettings, Stores, configured};

/// Name of the threads that run queries.
const THREAD: &str = "causal-engine";
/// Planning recurses; the standard 2 MiB are little for deep queries.
const STACK_BYTES: usize = 16 << 20;
/// How long stopped work may take to notice.
const GRACE: Duration = Duration::from_secs(2);
/// Consumers of memory to name when it runs out.
const CONSUMERS_TO_NAME: NonZeroUsize = NonZeroUsize::new(5).expect("five is not zero");

/// The machine that queries may use.
#[derive(Args, Debug)]
pub(crate) struct EngineOptions {
    /// Threads that run queries [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Memory that queries may use before they spill to disk or fail, such as 512MB or 2GiB [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory_limit: Option<usize>,

    /// Folder for what does not fit in memory, made when missing [default: the system's]
    #[arg(long, value_name = "DIR")]
    spill_dir: Option<PathBuf>,

    /// Folder of relation functions written in SQL, NAME.sql, added to those of causal
    #[arg(long, value_name = "DIR")]
    macros: Option<PathBuf>,

    /// Seconds that a request to an object store may take before it is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=3600))]
    store_timeout: u64,

    /// How often a request to an object store is tried again
    #[arg(long, value_name = "N", default_value_t = 10)]
    store_retries: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            threads: None,
            memory_limit: None,
            spill_dir: None,
            macros: None,
            store_timeout: 60,
            store_retries: 10,
        }
    }
}

/// A session and the threads that it runs on.
pub(crate) struct Engine {
    /// There until the engine is dropped.
    runtime: Option<Runtime>,
    threads: usize,
    session: Session,
}

/// A session that reads files and stores, and everything that belongs to it.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    pub(crate) stores: Arc<Stores>,
}

impl Engine {
    /// Starts threads and a session that has every function of this crate and reads files named in FROM.
    pub(crate) fn start(options: &EngineOptions) -> Result<Self, CliError> {
        let threads = match options.threads {
            Some(threads) => usize::from(threads),
            None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        silence_panics();
        let runtime = start_threads(threads)?;
        let session = {
            // Some of the engine starts tasks while it is set up.
            let _guard = runtime.enter();
            Session::new(threads, options)?
        };
        Ok(Self { runtime: Some(runtime), threads, session })
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The threads of the engine, until a query is interrupted.
    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("the engine is not dropped").handle()
    }

    /// Runs `work` with the session until it ends or Ctrl-C stops it.
    pub(crate) fn run<T, F>(&mut self, work: impl FnOnce(Session) -> F) -> Result<T, CliError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, CliError>> + Send + 'static,
    {
        // Signals are awaited on a runtime of their own: the engine's threads may all be deep in a query.
        let front = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
        let task = self.handle().spawn(work(self.session.clone()));
        let joined = front.block_on(async {
            tokio::select! {
                joined = task => Some(joined),
                Ok(()) = signal::ctrl_c() => None,
            }
        });
        match joined {
            Some(joined) => joined.unwrap_or_else(|error| Err(panicked(error))),
            None => {
                self.change_threads()?;
                Err(CliError::Interrupted)
            }
        }
    }

    /// Leaves all work and its threads behind. What does not notice, as long loops do not, would slow the next query.
    fn change_threads(&mut self) -> Result<(), CliError> {
        let threads = start_threads(self.threads)?;
        if let Some(left) = self.runtime.replace(threads) {
            left.shutdown_timeout(GRACE);
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(GRACE);
        }
    }
}

fn start_threads(threads: usize) -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(THREAD)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("cannot start {threads} threads: {error}")))
}

impl EngineOptions {
    /// How object stores are asked.
    pub(crate) fn store_settings(&self) -> StoreSettings {
        StoreSettings { timeout: Duration::from_secs(self.store_timeout), retries: self.store_retries }
    }

    fn runtime_env(&self, stores: Arc<Stores>) -> Result<Arc<RuntimeEnv>, CliError> {
        // Listings are not kept: a statement sees the files as they are when it is planned.
        let mut builder =
            RuntimeEnvBuilder::new().with_object_store_registry(stores).with_object_list_cache_limit(0);
        if let Some(bytes) = self.memory_limit {
            let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), CONSUMERS_TO_NAME);
            builder = builder.with_memory_pool(Arc::new(pool));
        }
        if let Some(directory) = &self.spill_dir {
            fs::create_dir_all(directory)
                .map_err(|error| CliError::Usage(format!("--spill-dir {}: {error}", directory.display())))?;
            let mode = DiskManagerMode::Directories(vec![directory.clone()]);
            builder = builder.with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode));
        }
        Ok(builder.build_arc()?)
    }
}

impl Session {
    fn new(threads: usize, options: &EngineOptions) -> Result<Self, CliError> {
        let mut config = SessionConfig::new().with_target_partitions(threads);
        config.options_mut().sql_parser.collect_spans = true;

        let stores = Arc::new(Stores::new(options.store_settings()));
        let runtime = options.runtime_env(stores.clone())?;
        let files = Arc::new(FileTables::default());
        let catalogs = DynamicFileCatalog::new(Arc::new(MemoryCatalogProviderList::new()), files.clone());
        let builder = match &options.macros {
            Some(directory) => session::builder_with_macros(config, directory)?,
            None => session::builder(config),
        };
        let state = builder.with_runtime_env(runtime).with_catalog_list(Arc::new(catalogs)).build();
        let context = SessionContext::new_with_state(state);
        files.serve(&context);
        Ok(Self { context, stores })
    }

    /// Plans a statement, which sees files as they are now.
    pub(crate) async fn plan(&self, statement: Statement) -> datafusion::common::Result<LogicalPlan> {
        self.stores.begin_statement();
        let plan = self.context.state().statement_to_plan(statement).await?;
        configured(plan, &self.stores)
    }
}

/// Keeps a panic of the engine, which becomes an error, from printing a trace as well.
fn silence_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() != Some(THREAD) {
            hook(info);
        }
    }));
}

fn panicked(error: tokio::task::JoinError) -> CliError {
    let reason = match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_else(|| "no reason given".into()),
        Err(error) => error.to_string(),
    };
    CliError::Failed(format!(
        "the engine panicked: {reason}\n  = note: this is a bug; RUST_BACKTRACE=1 shows where it happened"
    ))
}

/// Reads `512MB` (powers of 1000), `2GiB` or `2G` (powers of 1024) and plain bytes.
fn parse_bytes(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..digits], text[digits..].trim());
    let factor: f64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1024.0 * 1024.0,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => {
            return Err(format!("unknown unit '{unit}'; write 512MB, 2GiB or a number of bytes"));
        }
    };
    let bytes = number.parse::<f64>().map_err(|_| "write 512MB, 2GiB or a number of bytes")? * factor;
    // A float above the largest usize saturates, which is a limit that is never met.
    match bytes as usize {
        0 => Err("must be at least one byte".into()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_systems_of_units() {
        assert_eq!(parse_bytes("1024"), Ok(1024));
        assert_eq!(parse_bytes("512MB"), Ok(512_000_000));
        assert_eq!(parse_bytes("2GiB"), Ok(2 << 30));
        assert_eq!(parse_bytes("1.5 k"), Ok(1536));
        for wrong in ["", "0", "GiB", "2 parsecs", "-1", "1.2.3"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_panic_is_an_error() {
        let mut engine = Engine::start(&EngineOptions::default()).unwrap();
        let outcome: Result<(), _> = engine.run(|_| async { panic!("lost the plot") });
        match outcome {
            Err(CliError::Failed(text)) => {
                assert!(text.contains("panicked: lost the plot"), "{text}")
            }
            other => panic!("{other:?}"),
        }
    }
}
