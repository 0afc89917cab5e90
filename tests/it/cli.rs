//! The `causal` program, run as its users run it.

mod errors;
mod files;
mod formats;
mod limits;
mod scripts;
mod shell;
pub(crate) mod stores;

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_causal");

/// What a run printed, and its exit code.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Returns standard output of a run that must have succeeded.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Returns standard error of a run that must have ended with `code`.
    #[track_caller]
    fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.stderr
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn program(directory: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(directory).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command
}

/// Runs `causal sql` with these arguments in a folder.
fn sql_in(directory: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    program(directory).arg("sql").args(arguments).output().unwrap().into()
}

/// Runs `causal sql` with these arguments.
fn sql(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    let directory = tempfile::tempdir().unwrap();
    sql_in(directory.path(), arguments)
}

/// Runs one SQL text, printed in a format.
fn query(format: &str, text: &str) -> Run {
    sql(["--format", format, "-c", text])
}

/// Runs `causal sql` on SQL from standard input.
fn piped(text: &str, arguments: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let mut child = program(directory.path())
        .arg("sql")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}
