//! Problems shown at their place in the SQL text, with a caret under it.

use std::fmt::Write;

use datafusion::{
    common::{Location, Span},
    error::DataFusionError,
};
use unicode_width::UnicodeWidthStr;

use super::{
    errors::{CliError, Hint, Problem, problems},
    scripts::{Script, contains},
};

/// Turns an error of the engine into a message about `script`; `statement` is the part of it that was running.
pub(super) fn locate(
    error: &DataFusionError,
    script: &Script,
    statement: Option<Span>,
) -> CliError {
    let messages: Vec<_> = problems(error)
        .iter()
        .map(|problem| render(problem, script, statement))
        .collect();
    CliError::Failed(messages.join("\nerror: "))
}

fn render(problem: &Problem, script: &Script, statement: Option<Span>) -> String {
    // Text from elsewhere, such as the body of a view, has spans that say nothing about this script.
    let is_ours = |span: &Span| statement.is_none_or(|statement| contains(statement, *span));
    let span = problem.span.filter(is_ours);

    let mut text = problem.message.clone();
    let place = span.or(statement).map(|span| span.start);
    match (place, span) {
        (Some(place), Some(span)) => {
            _ = write!(text, "\n{}", snippet(script, place, span));
        }
        (Some(place), None) => _ = write!(text, "\n  --> {}:{}", script.origin, place.line),
        (None, _) => _ = write!(text, "\n  --> {}", script.origin),
    }
    for Hint {
        label,
        text: hint,
        span,
    } in &problem.hints
    {
        let subject = span
            .filter(is_ours)
            .and_then(|span| excerpt(&script.text, span))
            .map_or_else(String::new, |code| format!("`{code}` "));
        _ = write!(text, "\n  = {label}: {subject}{hint}");
    }
    text
}

fn snippet(script: &Script, place: Location, span: Span) -> String {
    let Location { line, column } = place;
    let code = nth_line(&script.text, line);
    let before: String = code.chars().take(to_index(column)).collect();
    let marked: String = code
        .chars()
        .skip(to_index(column))
        .take(marked_length(code, span))
        .collect();
    // A tab stays a tab, so that the caret is below its character whatever the width of tabs.
    let indent: String = before
        .chars()
        .flat_map(|c| {
            let (blank, width) = if c == '\t' {
                ('\t', 1)
            } else {
                (' ', c.to_string().width())
            };
            std::iter::repeat_n(blank, width)
        })
        .collect();
    let carets = "^".repeat(marked.width().max(1));
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    format!(
        "{gutter} --> {}:{line}:{column}\n{gutter} |\n{number} | {code}\n{gutter} | {indent}{carets}",
        script.origin,
    )
}

/// The number of characters to mark: the span on its first line, or the word there when the span is a point.
fn marked_length(code: &str, Span { start, end }: Span) -> usize {
    if start.line != end.line {
        return code.chars().count().saturating_sub(to_index(start.column));
    }
    if start.column < end.column {
        return to_index(end.column) - to_index(start.column);
    }
    let word = code.chars().skip(to_index(start.column));
    word.take_while(|c| c.is_alphanumeric() || *c == '_')
        .count()
}

/// The text of a span that does not leave its line.
fn excerpt(text: &str, Span { start, end }: Span) -> Option<String> {
    (start.line == end.line && start.column < end.column).then(|| {
        nth_line(text, start.line)
            .chars()
            .skip(to_index(start.column))
            .take(to_index(end.column) - to_index(start.column))
            .collect()
    })
}

fn nth_line(text: &str, line: u64) -> &str {
    text.lines().nth(to_index(line)).unwrap_or_default()
}

/// Lines and columns count from one.
fn to_index(place: u64) -> usize {
    usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX)
}
