//! The `causal` program: its arguments, its commands and its exit codes.

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

use std::io;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Subcommand};

/// Runs the program with the arguments of this process.
///
/// The exit code is 0 when all went well, 1 when a query failed, 2 when the arguments were wrong and 130 when
/// Ctrl-C ended it.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Subcommand::Sql(arguments)) => sql::run(arguments),
        Some(Subcommand::Demo(arguments)) => demo::run(&arguments.directory, arguments.users, arguments.seed),
        Some(Subcommand::Doctor(arguments)) => doctor::run(&arguments.url, &arguments.engine),
        None => shell::run(arguments.shell),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When stderr is gone as well, the exit code is all that is left to say.
            let _ = error.report(&mut io::stderr().lock());
            error.exit_code()
        }
    }
}
