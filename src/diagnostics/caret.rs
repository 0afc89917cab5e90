//! Problems shown at their place in the SQL text, with a caret under it.

use std::fmt::{Display, Write};

use datafusion::common::{Location, Span};
use datafusion::error::DataFusionError;
use unicode_width::UnicodeWidthStr;

use super::problems::{Hint, Place, Problem, problems};

/// The SQL text that an error is about.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    /// Where the text came from, as shown before a line number.
    pub(crate) origin: &'a dyn Display,
    /// Whether the reader sees the text anyway.
    pub(crate) is_in_sight: bool,
    /// Whether the reader runs the program: knows its folder, and gave it its arguments.
    pub(crate) is_local: bool,
}

/// Turns an error of the engine into a message about `source`; `statement` is the part of it that was running.
pub(crate) fn locate(error: &DataFusionError, source: &Source<'_>, statement: Option<Span>) -> String {
    let mut problems = problems(error);
    if !source.is_local {
        problems.iter_mut().for_each(Problem::forget_machine);
    }
    let messages: Vec<_> = problems.iter().map(|problem| render(problem, source, statement)).collect();
    messages.join("\nerror: ")
}

fn render(problem: &Problem, source: &Source<'_>, statement: Option<Span>) -> String {
    let Source { text, origin, is_in_sight, .. } = source;
    // Text from elsewhere, such as the body of a macro, has spans that say nothing about this script.
    let is_ours =
        |span: &Span| statement.is_none_or(|whole| whole.start <= span.start && span.end <= whole.end);
    let span = match &problem.place {
        Place::At(span) => Some(*span),
        Place::Text(code) => find(text, code, statement),
        Place::End => Some(end_of(text)),
        Place::Unknown => None,
    };
    let mut message = problem.message.clone();
    message += &match (span.filter(is_ours), statement) {
        (Some(span), _) => snippet(source, span),
        (None, _) if *is_in_sight && text.lines().count() <= 1 => String::new(),
        (None, Some(statement)) => format!("\n --> {origin}:{}", statement.start.line),
        (None, None) => format!("\n --> {origin}"),
    };
    for Hint { label, text: hint, span, .. } in &problem.hints {
        let code = span.filter(is_ours).and_then(|span| excerpt(text, span));
        let subject = code.map_or_else(String::new, |code| format!("`{code}` "));
        _ = write!(message, "\n  = {label}: {subject}{hint}");
    }
    message
}

fn snippet(Source { text, origin, .. }: &Source<'_>, span: Span) -> String {
    let Location { line, column } = span.start;
    let code = nth_line(text, line);
    let before = code.chars().take(to_index(column));
    let marked: String = code.chars().skip(to_index(column)).take(marked_length(code, span)).collect();
    // A tab stays a tab, so that the caret is below its character however wide tabs are.
    let indent: String =
        before.map(|c| if c == '\t' { "\t".into() } else { " ".repeat(c.to_string().width()) }).collect();
    let carets = "^".repeat(marked.width().max(1));
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    format!(
        "\n{gutter}--> {origin}:{line}:{column}\n{gutter} |\n{number} | {code}\n{gutter} | {indent}{carets}"
    )
}

/// The number of characters to mark: the span on its first line, or the word there when the span is a point.
fn marked_length(code: &str, Span { start, end }: Span) -> usize {
    let rest = code.chars().skip(to_index(start.column));
    if start.line != end.line {
        rest.count()
    } else if start.column < end.column {
        to_index(end.column) - to_index(start.column)
    } else {
        rest.take_while(|c| c.is_alphanumeric() || *c == '_').count()
    }
}

/// The text of a span that does not leave its line.
fn excerpt(text: &str, Span { start, end }: Span) -> Option<String> {
    let length = to_index(end.column).checked_sub(to_index(start.column))?;
    let code = nth_line(text, start.line).chars().skip(to_index(start.column)).take(length);
    (start.line == end.line).then(|| code.collect())
}

/// Returns a place of `code` from the statement's first line on.
fn find(text: &str, code: &str, statement: Option<Span>) -> Option<Span> {
    let first = statement.map_or(1, |statement| statement.start.line);
    let mut lines = text.lines().zip(1..).skip(to_index(first));
    lines.find_map(|(found, line)| {
        let before = &found[..found.find(code)?];
        let location = |column| Location { line, column };
        let start = 1 + length(before);
        Some(Span::new(location(start), location(start + length(code))))
    })
}

/// Returns the point after the last character that is not a space.
fn end_of(text: &str) -> Span {
    let text = text.trim_end();
    let line = text.lines().count().max(1) as u64;
    let end = Location { line, column: 1 + length(nth_line(text, line)) };
    Span::new(end, end)
}

fn length(code: &str) -> u64 {
    code.chars().count() as u64
}

fn nth_line(text: &str, line: u64) -> &str {
    text.lines().nth(to_index(line)).unwrap_or_default()
}

/// Lines and columns count from one.
fn to_index(place: u64) -> usize {
    usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX)
}
