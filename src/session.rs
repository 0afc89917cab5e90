//! Puts functions into a DataFusion session.

use datafusion::common::Result;
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::functions::{aggregates, scalars};

/// Registers every function of this crate into a session that exists.
///
/// # Errors
///
/// Never at present; kept for registrations that can fail.
pub fn register(context: &SessionContext) -> Result<()> {
    for function in aggregates() {
        context.register_udaf(function.as_ref().clone());
    }
    for function in scalars() {
        context.register_udf(function.as_ref().clone());
    }
    Ok(())
}

/// Registers every function of this crate by name, as workers need.
///
/// # Errors
///
/// When the registry takes no functions.
pub fn register_functions(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in aggregates() {
        registry.register_udaf(function)?;
    }
    for function in scalars() {
        registry.register_udf(function)?;
    }
    Ok(())
}

/// Returns a session builder with DataFusion's defaults, `information_schema` and everything of this crate.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> datafusion::error::Result<()> {
/// use datafusion::prelude::{SessionConfig, SessionContext};
///
/// let state = datafusion_causal::session::builder(SessionConfig::new()).build();
/// let context = SessionContext::new_with_state(state).enable_url_table();
/// context.sql("SELECT mean_ci(x)['n'] FROM (VALUES (1), (2)) AS t(x)").await?.show().await?;
/// # Ok(())
/// # }
/// ```
pub fn builder(config: SessionConfig) -> SessionStateBuilder {
    let mut builder =
        SessionStateBuilder::new().with_config(config.with_information_schema(true)).with_default_features();
    builder.aggregate_functions().get_or_insert_default().extend(aggregates());
    builder.scalar_functions().get_or_insert_default().extend(scalars());
    builder
}
