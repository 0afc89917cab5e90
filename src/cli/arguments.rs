//! What can be typed after the commands of the terminal.

use std::path::PathBuf;

use clap::Args;

use super::demo::{SEED, USERS};
use super::engine::EngineOptions;
use super::output::Format;
use super::scripts::Scripts;

#[derive(Debug, Args)]
pub(crate) struct ShellArguments {
    /// Do not run ~/.config/causal/init.sql first
    #[arg(long)]
    pub(super) no_init: bool,

    #[command(flatten)]
    pub(super) engine: EngineOptions,
}

/// Run SQL and print its results.
///
/// Statements come from -c and -f in the order given, else from standard input, and are separated by semicolons.
/// All of them are parsed before the first one runs; the first error ends the run, and what was printed before it
/// stays. Files are tables: `FROM 'logs/*.parquet'`, also folders with `name=value` partitions, csv, json, ndjson and
/// arrow.
///
/// Results are the only thing on standard output. CREATE, SET and the like print nothing; COPY and INSERT print their
/// count as a box and nothing in other formats.
///
/// Exit codes: 0 ok, 1 a query failed, 2 wrong usage, 130 interrupted.
#[derive(Debug, Args)]
pub(crate) struct SqlArguments {
    #[command(flatten)]
    pub(super) scripts: Scripts,

    /// How results are printed [default: the extension of --output, else box]
    ///
    /// Several results on standard output follow each other, each with its own header (csv) or array (json).
    /// `arrow` is the Arrow IPC file format.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    /// Write results to FILE, which appears when all went well and not before
    ///
    /// csv, json, parquet and arrow files hold one result: a second one is an error. The extension names the format
    /// when --format does not: .csv .json .ndjson .jsonl .md .parquet .arrow
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    #[command(flatten)]
    pub(super) engine: EngineOptions,
}

/// Say how an object store is reached, and what fails.
///
/// Shows where credentials come from, region and endpoint; lists the first objects and reads a Parquet footer. The first
/// call that fails is named with what to do. Exit code 1 when something fails.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Folder or file in a store, such as s3://bucket/folder/
    #[arg(value_name = "URL")]
    pub(super) url: String,

    #[command(flatten)]
    pub(super) engine: EngineOptions,
}

/// Write a made-up campaign whose true effects are known, and walk through it.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Folder to write
    #[arg(value_name = "DIR", default_value = "causal-demo")]
    pub(super) directory: PathBuf,

    /// Number of users
    #[arg(long, value_name = "N", default_value_t = USERS)]
    pub(super) users: usize,

    /// Seed of the random draws
    #[arg(long, value_name = "S", default_value_t = SEED)]
    pub(super) seed: u64,
}
