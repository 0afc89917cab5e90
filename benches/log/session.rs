//! A session over the log, as the `causal` program would make it.

use datafusion::error::Result;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use datafusion_causal::session;
use tokio::runtime::{Builder, Runtime};

/// Threads of the engine and partitions of a query.
pub(crate) fn threads() -> usize {
    let asked = std::env::var("CAUSAL_BENCH_THREADS").ok();
    asked.map_or(2, |threads| threads.parse().expect("CAUSAL_BENCH_THREADS must be a number of threads"))
}

/// Returns the threads that queries run on.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(threads())
        .enable_all()
        .build()
        .expect("threads can be started")
}

/// Returns a session in which the log of `rows` rows is the table `log`.
pub(crate) async fn context(rows: usize) -> Result<SessionContext> {
    let state = session::builder(SessionConfig::new().with_target_partitions(threads())).build();
    let context = SessionContext::new_with_state(state);
    let path = super::file(rows)?;
    context.register_parquet("log", path.to_string_lossy(), ParquetReadOptions::default()).await?;
    Ok(context)
}
