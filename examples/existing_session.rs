//! Functions registered into a session that already exists.
//!
//! `cargo run --example existing_session`

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

const LOG: &str = "
    CREATE VIEW log AS SELECT * FROM (VALUES
        (1.0, 0.5, 0.9), (0.0, 0.5, 0.1), (1.0, 0.2, 0.6), (0.0, 0.8, 0.4), (1.0, 0.5, 0.9)
    ) AS t(reward, propensity, target_prob)";

const VALUE: &str = "
    SELECT v['estimate'] AS value, v['ci_low'] AS low, v['ci_high'] AS high, v['ess'] AS ess
    FROM (SELECT snips_policy_value_ci(reward, propensity, target_prob) AS v FROM log)";

#[tokio::main]
async fn main() -> Result<()> {
    let context = SessionContext::new();
    datafusion_causal::register(&context)?;

    context.sql(LOG).await?.collect().await?;
    context.sql(VALUE).await?.show().await
}
