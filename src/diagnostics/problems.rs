//! The engine's errors in words for the person who wrote the query.

use std::{env, fmt};

use datafusion::common::{Column, Diagnostic, Location, SchemaError, Span};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use crate::files::is_path;
use crate::stores::Failure;

/// Columns to list when one is not found.
const COLUMNS_TO_LIST: usize = 20;

/// One thing that is wrong.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) place: Place,
    pub(crate) hints: Vec<Hint>,
}

/// Where in the SQL text a problem is.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    At(Span),
    /// Where this text stands.
    Text(String),
    End,
    Unknown,
}

/// A note or an advice below a problem, perhaps about a place of its own.
#[derive(Debug, PartialEq)]
pub(crate) struct Hint {
    pub(crate) label: &'static str,
    pub(crate) text: String,
    pub(crate) span: Option<Span>,
    /// Whether it speaks of the machine and the arguments of the program.
    is_local: bool,
}

impl Hint {
    fn note(text: impl Into<String>) -> Self {
        Self { label: "note", text: text.into(), span: None, is_local: false }
    }

    fn help(text: impl Into<String>) -> Self {
        Self { label: "help", text: text.into(), span: None, is_local: false }
    }

    fn local(self) -> Self {
        Self { is_local: true, ..self }
    }
}

impl Problem {
    /// Takes away what is of use to who runs the program alone.
    pub(super) fn forget_machine(&mut self) {
        self.hints.retain(|hint| !hint.is_local);
    }
}

impl From<Option<Span>> for Place {
    fn from(span: Option<Span>) -> Self {
        span.map_or(Self::Unknown, Self::At)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hints.iter().try_for_each(|Hint { label, text, .. }| write!(f, "\n  = {label}: {text}"))
    }
}

/// Returns what is wrong according to the engine: one problem, or several when it found several at once.
pub(crate) fn problems(error: &DataFusionError) -> Vec<Problem> {
    error.iter().map(problem).collect()
}

fn problem(error: &DataFusionError) -> Problem {
    if let Some(failure) = Failure::behind(error) {
        return store_failure(failure);
    }
    match (error.find_root(), error.diagnostic()) {
        (DataFusionError::SQL(error, _), _) => syntax_error(error),
        (DataFusionError::SchemaError(error, _), Some(diagnostic)) => match error.as_ref() {
            SchemaError::FieldNotFound { valid_fields, .. } => missing_column(diagnostic, valid_fields),
            _ => diagnosed(diagnostic, None),
        },
        // It adds a place to an error and nothing else.
        (root, Some(diagnostic)) if diagnostic.message == root.message() => {
            Problem { place: diagnostic.span.into(), ..plain(root) }
        }
        (root, Some(diagnostic)) => diagnosed(diagnostic, Some(root)),
        (root, None) => plain(root),
    }
}

/// The parser names the place only at the end of its text: "…, found: FROM at Line: 1, Column: 8".
fn syntax_error(error: &ParserError) -> Problem {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply",
    };
    let located = text.rfind(" at Line: ").and_then(|at| {
        let (line, column) = text[at..].strip_prefix(" at Line: ")?.split_once(", Column: ")?;
        let (line, column) = (line.parse().ok()?, column.parse().ok()?);
        Some((&text[..at], Location { line, column }))
    });
    let (text, place) = match located {
        Some((text, location)) => (text, Place::At(Span::new(location, location))),
        None if text.ends_with("found: EOF") => (text, Place::End),
        None => (text, Place::Unknown),
    };
    Problem { message: format!("syntax error: {}", lower_first(text)), place, hints: Vec::new() }
}

fn missing_column(diagnostic: &Diagnostic, columns: &[Column]) -> Problem {
    let likely: Vec<_> =
        diagnostic.notes.iter().filter_map(|note| note.message.strip_prefix("possible column ")).collect();
    let mut hints = Vec::new();
    if !likely.is_empty() {
        hints.push(Hint::help(format!("did you mean {}?", likely.join(" or "))));
    } else if !columns.is_empty() {
        let mut names: Vec<_> = columns.iter().take(COLUMNS_TO_LIST).map(Column::quoted_flat_name).collect();
        if columns.len() > COLUMNS_TO_LIST {
            names.push("…".into());
        }
        hints.push(Hint::note(format!("the columns here are {}", names.join(", "))));
    }
    Problem { message: diagnostic.message.clone(), place: diagnostic.span.into(), hints }
}

fn diagnosed(diagnostic: &Diagnostic, root: Option<&DataFusionError>) -> Problem {
    if let Some(name) = missing_table(&diagnostic.message) {
        return missing_table_problem(name, diagnostic.span);
    }
    let notes = diagnostic.notes.iter().map(|note| match note.message.strip_prefix("Possible function ") {
        Some(name) => Hint::help(format!("did you mean {name}?")),
        None => Hint { span: note.span, ..Hint::note(&note.message) },
    });
    let helps = diagnostic
        .helps
        .iter()
        .map(|help| Hint { span: help.span, ..Hint::help(lower_first(&help.message)) });
    let mut hints: Vec<_> = notes.chain(helps).collect();
    let message = match root {
        // Only the error below says which operation, and which types.
        Some(root) if diagnostic.message == "expressions have incompatible types" => {
            hints.retain(|hint| hint.span.is_some());
            message(root)
        }
        _ => lower_first(&diagnostic.message),
    };
    Problem { message, place: diagnostic.span.into(), hints }
}

fn missing_table(message: &str) -> Option<&str> {
    let name = message.strip_prefix("table '")?.strip_suffix("' not found")?;
    Some(name.strip_prefix("datafusion.public.").unwrap_or(name))
}

fn missing_table_problem(name: &str, span: Option<Span>) -> Problem {
    let mut hints = Vec::new();
    if is_path(name)
        && let Ok(directory) = env::current_dir()
    {
        let directory = directory.display();
        hints
            .push(Hint::help(format!("there is no such file or folder; paths start in {directory}")).local());
    }
    Problem {
        message: format!("table '{name}' not found"),
        place: span.map_or_else(|| Place::Text(format!("'{name}'")), Place::At),
        hints,
    }
}

fn store_failure(Failure { message, help }: Failure) -> Problem {
    let mut hints: Vec<_> = help.map(Hint::help).into_iter().collect();
    if !hints.is_empty() {
        let doctor = "`causal doctor URL` shows which credentials, region and endpoint are used";
        hints.push(Hint::note(doctor).local());
    }
    Problem { message, place: Place::Unknown, hints }
}

fn plain(root: &DataFusionError) -> Problem {
    let text = message(root);
    if let Some(name) = missing_table(&text) {
        return missing_table_problem(name, None);
    }
    if let Some(mismatch) = signature_mismatch(&text) {
        return mismatch;
    }
    let hints = match root {
        DataFusionError::ResourcesExhausted(text) if text.contains("disk") => vec![
            Hint::help(
                "free space in the folder of --spill-dir, or raise --memory-limit so that less is spilled",
            )
            .local(),
        ],
        DataFusionError::ResourcesExhausted(_) => {
            vec![Hint::help("raise --memory-limit, or lower --threads, which share it").local()]
        }
        DataFusionError::Internal(_) => {
            vec![Hint::note("this is a bug; please report it with the query")]
        }
        _ => Vec::new(),
    };
    Problem { message: text, place: Place::Unknown, hints }
}

fn message(root: &DataFusionError) -> String {
    match root {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text) => without_prefixes(text).into(),
        DataFusionError::NotImplemented(text) => format!("not supported: {text}"),
        DataFusionError::ResourcesExhausted(text) => format!("out of resources: {text}"),
        DataFusionError::Internal(text) => format!("internal error: {text}"),
        other => without_prefixes(&other.message()).into(),
    }
}

/// The engine's text is "REASON. No function matches … 'CALL'. … Candidate functions:" and a list. The reason is
/// worth reading when the function gave it, not when it lists how each candidate failed.
fn signature_mismatch(text: &str) -> Option<Problem> {
    let (reason, rest) = text.split_once(" No function matches the given name and argument types '")?;
    let (call, rest) = rest.split_once("'. ")?;
    let (_, candidates) = rest.split_once("Candidate functions:")?;
    let reason = reason.trim_end_matches('.');
    let reason = match reason.split_once("user-defined coercion failed with: ") {
        Some((_, reason)) => without_prefixes(reason),
        None => reason,
    };
    let message = if reason.contains("failed to match any signature") {
        format!("no function matches {call}")
    } else {
        lower_first(reason)
    };
    let candidates: Vec<_> = candidates.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let hints = match candidates.as_slice() {
        [] => Vec::new(),
        known if known.iter().any(|candidate| candidate.contains("UserDefined")) => Vec::new(),
        known => vec![Hint::help(format!("there is {}", known.join(", ")))],
    };
    Some(Problem { message, place: Place::Unknown, hints })
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

/// Lowers the first letter unless the word is in capitals, as keywords are.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::{exec_datafusion_err, plan_datafusion_err};

    use super::*;

    #[test]
    fn what_a_function_says_about_its_arguments_stands_alone() {
        let error = plan_datafusion_err!(
            "Execution error: Function 'ips_policy_value' user-defined coercion failed with: Error during planning: \
             ips_policy_value: reward must be a number, got Utf8. No function matches the given name and argument \
             types 'ips_policy_value(Utf8)'. You might need to add explicit type casts.\n\tCandidate functions:\n\t\
             ips_policy_value(UserDefined)"
        );
        let expected = Problem {
            message: "ips_policy_value: reward must be a number, got Utf8".into(),
            place: Place::Unknown,
            hints: Vec::new(),
        };
        assert_eq!(problems(&error), [expected]);
    }

    #[test]
    fn wrapping_leaves_no_trace() {
        let inner = exec_datafusion_err!("Error during planning: propensity must be in (0, 1], got 0");
        let error = inner.context("type_coercion").context("analyzer");
        assert_eq!(problems(&error)[0].to_string(), "propensity must be in (0, 1], got 0");
    }
}
