//! The functions that queries may call, and what is written about them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::common::Result;
use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;

use crate::cli::output::wrapped;

/// The columns of `causal_functions()`, in the order of the fields below.
const COLUMNS: &str = "name, kind, signature, summary, details, holds, arguments, example, source";
/// Aggregates over parts of the data, which are left out of overviews.
const PARTS: [&str; 3] = ["_state", "_merge", "_merge_ci"];

/// A function and its documentation; texts that nobody wrote are empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Function {
    pub(super) name: String,
    kind: String,
    signature: String,
    summary: String,
    details: String,
    holds: String,
    /// `name: description`.
    arguments: Vec<String>,
    example: String,
    source: String,
    /// Whether it belongs to this crate rather than to the engine.
    is_ours: bool,
}

/// Returns all functions by name.
pub(super) async fn functions(context: &SessionContext) -> Result<Vec<Function>> {
    let mut functions = ours(context).await?;
    let mut theirs = theirs(context);
    theirs.retain(|function| !functions.iter().any(|known| known.name == function.name));
    functions.extend(theirs);
    functions.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(functions)
}

async fn ours(context: &SessionContext) -> Result<Vec<Function>> {
    let listed = context.sql(&format!("SELECT {COLUMNS} FROM causal_functions()")).await?.collect().await?;
    let rows = listed.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    Ok(rows.map(|(batch, row)| Function::of_row(batch, row)).collect())
}

fn theirs(context: &SessionContext) -> Vec<Function> {
    let state = context.state();
    let scalars =
        state.scalar_functions().iter().map(|(name, f)| Function::of(name, "scalar", f.documentation()));
    let aggregates = state
        .aggregate_functions()
        .iter()
        .map(|(name, f)| Function::of(name, "aggregate", f.documentation()));
    let windows =
        state.window_functions().iter().map(|(name, f)| Function::of(name, "window", f.documentation()));
    let tables = state.table_functions().keys().map(|name| Function::of(name, "table", None));
    // Names in capitals or with underscores in front are for the engine's own use.
    let is_public = |function: &Function| !function.name.starts_with('_');
    scalars.chain(aggregates).chain(windows).chain(tables).filter(is_public).collect()
}

impl Function {
    fn of_row(batch: &RecordBatch, row: usize) -> Self {
        let text = |column: usize| {
            let texts = batch.column(column).as_string::<i32>();
            if texts.is_valid(row) { texts.value(row).to_string() } else { String::new() }
        };
        Self {
            name: text(0),
            kind: text(1),
            signature: text(2),
            summary: text(3),
            details: text(4),
            holds: text(5),
            arguments: text(6).lines().map(String::from).collect(),
            example: text(7),
            source: text(8),
            is_ours: true,
        }
    }

    fn of(name: &str, kind: &str, documentation: Option<&Documentation>) -> Self {
        let (name, kind) = (name.to_string(), kind.to_string());
        let Some(documentation) = documentation else {
            return Self { signature: format!("{name}(…)"), name, kind, ..Self::default() };
        };
        let (summary, details) = match documentation.description.trim().split_once("\n\n") {
            Some((summary, details)) => (summary, details),
            None => (documentation.description.trim(), ""),
        };
        let arguments = documentation.arguments.iter().flatten();
        Self {
            name,
            kind,
            signature: documentation.syntax_example.clone(),
            summary: summary.to_string(),
            details: details.to_string(),
            arguments: arguments.map(|(name, text)| format!("{name}: {text}")).collect(),
            example: documentation.sql_example.clone().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The names of its named arguments, when it takes any.
    pub(super) fn options(&self) -> impl Iterator<Item = &str> {
        let is_relation = self.kind == "relation";
        let names = self.arguments.iter().filter_map(|argument| argument.split_once(": "));
        names.map(|(name, _)| name).filter(move |_| is_relation)
    }

    /// Whether it makes a table for FROM.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.kind.as_str(), "relation" | "table")
    }

    /// Everything that is written about it, in lines of at most `width` columns unless it is SQL.
    pub(super) fn page(&self, width: usize) -> String {
        let indented = |text: &str| text.trim().lines().map(|line| format!("  {line}\n")).collect::<String>();
        let text = |text: &str| indented(&wrapped(text.trim(), width.saturating_sub(2)));
        let mut page = format!("{}\n{}", self.signature, text(&self.summary));
        // The engine's examples are Markdown.
        let example = self.example.lines().filter(|line| !line.trim_start().starts_with("```"));
        let parts = [
            ("", text(&self.details)),
            ("Must hold:\n", text(&self.holds)),
            ("Arguments:\n", text(&self.arguments.join("\n"))),
            ("Example:\n", indented(&example.collect::<Vec<_>>().join("\n"))),
            ("Source:\n", text(&self.source)),
        ];
        for (title, text) in parts.iter().filter(|(_, text)| !text.is_empty()) {
            page += &format!("\n{title}{text}");
        }
        page
    }
}

/// The functions to list: those of this crate, or all whose names have the pattern or a part like it.
pub(super) fn listed<'a>(functions: &'a [Function], pattern: Option<&str>) -> Vec<&'a Function> {
    let Some(pattern) = pattern else {
        let is_part = |function: &Function| PARTS.iter().any(|part| function.name.ends_with(part));
        return functions.iter().filter(|function| function.is_ours && !is_part(function)).collect();
    };
    let pattern = pattern.to_lowercase();
    let glob = glob::Pattern::new(&pattern).ok().filter(|_| pattern.contains(['*', '?', '[']));
    let is_asked =
        |name: &str| glob.as_ref().map_or_else(|| name.contains(&pattern), |glob| glob.matches(name));
    functions.iter().filter(|function| is_asked(&function.name)).collect()
}

/// A table of functions.
pub(super) fn table(functions: &[&Function]) -> Result<RecordBatch> {
    let column = |text: fn(&Function) -> &str| -> ArrayRef {
        // What it returns is on its own page.
        let first_line = |text: &str| {
            let line = text.trim().lines().next().unwrap_or_default();
            line.split_once(" Returns ").map_or(line, |(summary, _)| summary).to_string()
        };
        let texts = functions.iter().map(|function| first_line(text(function)));
        Arc::new(StringArray::from_iter_values(texts))
    };
    let columns = [
        ("name", column(|function| &function.name)),
        ("kind", column(|function| &function.kind)),
        ("summary", column(|function| &function.summary)),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Function {
        pub(in crate::cli::shell) fn example(name: &str, kind: &str, arguments: &[&str]) -> Self {
            let arguments = arguments.iter().map(ToString::to_string).collect();
            Self { name: name.into(), kind: kind.into(), arguments, is_ours: true, ..Self::default() }
        }
    }

    #[test]
    fn patterns_choose_functions() {
        let functions =
            ["dr_score", "dr_score_state", "ess"].map(|name| Function::example(name, "aggregate", &[]));
        let names = |pattern| {
            listed(&functions, pattern).iter().map(|function| function.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(None), ["dr_score", "ess"]);
        assert_eq!(names(Some("DR_*")), ["dr_score", "dr_score_state"]);
        assert_eq!(names(Some("score")), ["dr_score", "dr_score_state"]);
        assert_eq!(names(Some("es?")), ["ess"]);
        assert_eq!(names(Some("[")), [""; 0]);
    }
}
