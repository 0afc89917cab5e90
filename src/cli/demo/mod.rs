//! `causal demo`.

use std::path::Path;

use super::engine::{Engine, EngineOptions};
use super::errors::CliError;
use super::sql::print_box;

/// Shows what the demo was asked for; the demo itself is not there yet.
pub(super) fn run(directory: &Path, users: usize, seed: u64) -> Result<(), CliError> {
    let directory = directory.display().to_string().replace('\'', "''");
    let sql = format!("SELECT '{directory}' AS directory, {users} AS users, {seed} AS seed");
    Engine::start(&EngineOptions::default())?.run(|context| async move {
        print_box(&context, &sql).await?;
        Err(CliError::Failed("the demo is not there yet".into()))
    })
}
