//! The `causal` program: its commands and its exit codes.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::{self, CliError};
#[cfg(feature = "server")]
use crate::server::{self, ServeError};

/// Causal decisions as SQL.
///
/// Without a command, an interactive shell; SQL from standard input when that is no terminal.
#[derive(Debug, Parser)]
#[command(name = "causal", version, disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    shell: cli::ShellArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sql(cli::SqlArguments),
    Demo(cli::DemoArguments),
    #[cfg(feature = "server")]
    Serve(server::ServeArguments),
    Doctor(cli::DoctorArguments),
}

/// Runs the program with the arguments of this process.
///
/// The exit code is 0 when all went well, 1 when a query failed, 2 when the arguments were wrong and 130 when
/// Ctrl-C ended it.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Sql(arguments)) => cli::sql(arguments),
        Some(Command::Demo(arguments)) => cli::demo(&arguments),
        Some(Command::Doctor(arguments)) => cli::doctor(&arguments),
        #[cfg(feature = "server")]
        Some(Command::Serve(arguments)) => serve(arguments),
        None => cli::shell(arguments.shell),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When stderr is gone as well, the exit code is all that is left to say.
            let mut stderr = io::stderr().lock();
            let _ = error.report(&mut stderr).and_then(|()| stderr.flush());
            error.exit_code()
        }
    }
}

#[cfg(feature = "server")]
fn serve(arguments: server::ServeArguments) -> Result<(), CliError> {
    if let Some(directory) = arguments.demo() {
        cli::demo_data(directory)?;
    }
    server::run(arguments).map_err(|error| match error {
        ServeError::Usage(text) => CliError::Usage(text),
        ServeError::Failed(text) => CliError::Failed(text),
    })
}
