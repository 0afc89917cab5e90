//! A session with everything, over Parquet files named in FROM.
//!
//! `cargo run --example parquet_session`

use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};

#[tokio::main]
async fn main() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("causal-example-{}", std::process::id()));
    let file = directory.join("experiment.parquet");
    let file = file.display();

    let state = datafusion_causal::session::builder(SessionConfig::new()).build();
    let context = SessionContext::new_with_state(state).enable_url_table();

    // An experiment of 10,000 units: every second one is treated, which adds 1 to its outcome.
    let experiment = format!(
        "COPY (SELECT i AS unit, i % 2 AS treated, (i * 7919) % 1000 / 100.0 + i % 2 AS outcome
               FROM generate_series(1, 10000) AS t(i)) TO '{file}' STORED AS PARQUET"
    );
    context.sql(&experiment).await?.collect().await?;

    let effect = format!(
        "SELECT e['estimate'] AS effect, e['std_error'] AS std_error, e['p_value'] AS p_value
         FROM (SELECT diff_in_means_ci(outcome, treated) AS e FROM '{file}')"
    );
    context.sql(&effect).await?.show().await?;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
