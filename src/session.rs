//! Puts functions into a DataFusion session.

use datafusion::{
    common::Result,
    execution::{SessionStateBuilder, context::SessionContext},
    prelude::SessionConfig,
};

/// Registers every function of this crate into an existing session.
pub fn register(_context: &SessionContext) -> Result<()> {
    Ok(())
}

/// Returns a session builder with DataFusion's defaults and everything of this crate.
pub fn builder(config: SessionConfig) -> SessionStateBuilder {
    SessionStateBuilder::new()
        .with_config(config.with_information_schema(true))
        .with_default_features()
}
