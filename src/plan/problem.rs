//! Errors in a call, at their place in the text of the query.

use datafusion::common::{DataFusionError, Diagnostic, Span, plan_datafusion_err};
use datafusion::sql::sqlparser::tokenizer;

/// An error about the query at `span`, with an advice when there is one.
pub(super) fn problem_at(span: tokenizer::Span, message: String, help: Option<String>) -> DataFusionError {
    let mut diagnostic = Diagnostic::new_error(&message, Span::try_from_sqlparser_span(span));
    let text = match help {
        Some(help) => {
            diagnostic.add_help(&help, None);
            format!("{message}; {help}")
        }
        None => message,
    };
    plan_datafusion_err!("{text}").with_diagnostic(diagnostic)
}

/// The name among `known` that was probably meant by `given`.
pub(super) fn likely<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| datafusion::common::utils::datafusion_strsim::levenshtein(given, name);
    let close = |&(name, distance): &(&str, usize)| {
        distance <= 2.max(name.len() / 3) || name.starts_with(given) || given.starts_with(name)
    };
    known
        .map(|name| (name, distance(name)))
        .filter(close)
        .min_by_key(|&(_, distance)| distance)
        .map(|(name, _)| name)
}
