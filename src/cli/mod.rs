//! The commands of the terminal: the shell, batches of SQL, the demo, the doctor.

mod arguments;
mod demo;
mod doctor;
mod engine;
mod errors;
mod output;
mod progress;
mod scripts;
mod shell;
mod sql;

use std::path::Path;

pub(crate) use arguments::{DemoArguments, DoctorArguments, ShellArguments, SqlArguments};
pub(crate) use errors::CliError;

/// The interactive shell, or SQL from standard input when that is no terminal.
pub(crate) fn shell(arguments: ShellArguments) -> Result<(), CliError> {
    shell::run(arguments)
}

/// `causal sql`.
pub(crate) fn sql(arguments: SqlArguments) -> Result<(), CliError> {
    sql::run(arguments)
}

/// `causal demo`.
pub(crate) fn demo(arguments: &DemoArguments) -> Result<(), CliError> {
    demo::run(&arguments.directory, arguments.users, arguments.seed)
}

/// Writes the data of `causal demo` to a folder unless it is there.
pub(crate) fn demo_data(directory: &Path) -> Result<(), CliError> {
    demo::write_once(directory)
}

/// `causal doctor`.
pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<(), CliError> {
    doctor::run(&arguments.url, &arguments.engine)
}
