//! What the program says when something went wrong, and its exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use datafusion::common::Span;
use datafusion::error::DataFusionError;

use super::scripts::Script;
use crate::diagnostics::{locate, problems};
use crate::stores::redact;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum CliError {
    /// The arguments were wrong.
    Usage(String),
    /// The work failed.
    Failed(String),
    /// Ctrl-C ended the work.
    Interrupted,
    /// The reader of standard output went away, as `head` does. Not a failure.
    ClosedPipe,
}

impl CliError {
    /// Returns an error of the engine as a message about `script`; `statement` is the part of it that was running.
    pub(super) fn in_script(error: &DataFusionError, script: &Script, statement: Option<Span>) -> Self {
        Self::Failed(locate(error, &script.source(), statement))
    }

    /// Writes the message without the secrets in it, if there is anything to say.
    pub(crate) fn report(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Usage(message) | Self::Failed(message) => {
                writeln!(out, "error: {}", redact(message.trim_end()))
            }
            Self::Interrupted => writeln!(out, "interrupted"),
            Self::ClosedPipe => Ok(()),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::ClosedPipe => ExitCode::SUCCESS,
            Self::Failed(_) => ExitCode::FAILURE,
            Self::Usage(_) => ExitCode::from(2),
            Self::Interrupted => ExitCode::from(130),
        }
    }
}

impl From<DataFusionError> for CliError {
    fn from(error: DataFusionError) -> Self {
        let messages: Vec<_> = problems(&error).iter().map(ToString::to_string).collect();
        Self::Failed(messages.join("\nerror: "))
    }
}
