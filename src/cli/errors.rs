//! What the program says when something went wrong, and its exit code.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use datafusion::{
    common::{Diagnostic, Location, Span},
    error::DataFusionError,
    sql::sqlparser::parser::ParserError,
};

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
    /// Writes the message, if there is anything to say.
    pub(super) fn report(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Usage(message) | Self::Failed(message) => {
                writeln!(out, "error: {}", message.trim_end())
            }
            Self::Interrupted => writeln!(out, "interrupted"),
            Self::ClosedPipe => Ok(()),
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
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

/// One thing that is wrong, in words for the person who wrote the query.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) span: Option<Span>,
    pub(super) hints: Vec<Hint>,
}

/// A note or an advice below a problem, perhaps about a place of its own.
#[derive(Debug, PartialEq)]
pub(super) struct Hint {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) span: Option<Span>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for Hint { label, text, .. } in &self.hints {
            write!(f, "\n  = {label}: {text}")?;
        }
        Ok(())
    }
}

/// Returns what is wrong according to the engine: one problem, or several when it found several at once.
pub(super) fn problems(error: &DataFusionError) -> Vec<Problem> {
    error.iter().map(problem).collect()
}

fn problem(error: &DataFusionError) -> Problem {
    match (error.find_root(), error.diagnostic()) {
        (DataFusionError::SQL(error, _), _) => syntax_error(error),
        (_, Some(diagnostic)) => diagnosed(diagnostic),
        (root, None) => Problem {
            message: message(root),
            span: None,
            hints: advice(root),
        },
    }
}

fn diagnosed(diagnostic: &Diagnostic) -> Problem {
    let notes = diagnostic
        .notes
        .iter()
        .map(|note| ("note", &note.message, note.span));
    let helps = diagnostic
        .helps
        .iter()
        .map(|help| ("help", &help.message, help.span));
    Problem {
        message: without_default_schema(&diagnostic.message),
        span: diagnostic.span,
        hints: notes
            .chain(helps)
            .map(|(label, text, span)| Hint {
                label,
                text: text.clone(),
                span,
            })
            .collect(),
    }
}

/// The parser names the place only at the end of its text: "…, found: FROM at Line: 1, Column: 8".
fn syntax_error(error: &ParserError) -> Problem {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".into(),
    };
    let place = text.rfind(" at Line: ").and_then(|at| {
        let (line, column) = text[at..]
            .strip_prefix(" at Line: ")?
            .split_once(", Column: ")?;
        let (line, column) = (line.parse().ok()?, column.parse().ok()?);
        Some((at, Location { line, column }))
    });
    let (text, span) = match place {
        Some((at, location)) => (text[..at].to_string(), Some(Span::new(location, location))),
        None => (text, None),
    };
    Problem {
        message: format!("syntax error: {}", lower_first(&text)),
        span,
        hints: Vec::new(),
    }
}

fn message(root: &DataFusionError) -> String {
    match root {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text) => without_prefixes(text).to_string(),
        DataFusionError::NotImplemented(text) => format!("not supported: {text}"),
        DataFusionError::ResourcesExhausted(text) => format!("out of resources: {text}"),
        DataFusionError::Internal(text) => {
            format!(
                "internal error: {text}\n  = note: this is a bug; please report it with the query"
            )
        }
        other => without_prefixes(&other.message()).to_string(),
    }
}

fn advice(root: &DataFusionError) -> Vec<Hint> {
    let help = match root {
        DataFusionError::ResourcesExhausted(text) if text.contains("disk") => {
            "free space in the folder of --spill-dir, or raise --memory-limit so that less is spilled"
        }
        DataFusionError::ResourcesExhausted(_) => {
            "raise --memory-limit, or lower --threads, which share it"
        }
        _ => return Vec::new(),
    };
    vec![Hint {
        label: "help",
        text: help.into(),
        span: None,
    }]
}

/// The engine repeats the kind of an error each time it is wrapped.
fn without_prefixes(text: &str) -> &str {
    const PREFIXES: [&str; 6] = [
        "Error during planning: ",
        "Execution error: ",
        "External error: ",
        "Arrow error: ",
        "Parquet error: ",
        "DataFusion error: ",
    ];
    let mut rest = text;
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    rest
}

/// Nobody typed `datafusion.public.` in front of the name of a table.
fn without_default_schema(text: &str) -> String {
    text.replace("'datafusion.public.", "'")
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}
