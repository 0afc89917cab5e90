//! The reference of relation functions in Markdown.

use super::documentation::{Documentation, OptionSpec};

const HEAD: &str = "
# Relation functions

They stand in FROM and take a relation: a query in parentheses, the name of a table or CTE, or a name or path in
quotes. What follows is given by name. An argument that is an expression is over the columns of the relation.
`SELECT * FROM causal_functions()` lists all functions with what is said here.
";

/// The reference of relation functions in Markdown.
pub(crate) fn reference<'a>(documentations: impl Iterator<Item = &'a Documentation>) -> String {
    let entries: Vec<_> = documentations.map(entry).collect();
    format!("{HEAD}{}", entries.concat())
}

fn entry(function: &Documentation) -> String {
    let mut entry = format!("\n## {}\n\n{} {}\n", function.name, function.summary, function.details);
    if !function.holds.is_empty() {
        entry += &format!("\nHolds when {}\n", function.holds);
    }
    entry += &format!("\n```text\n{}\n```\n", function.call_form());
    if !function.options.is_empty() {
        entry += "\n| option | takes | meaning |\n|---|---|---|\n";
        entry.extend(function.options.iter().map(row));
    }
    entry += &format!("\n```sql\n{}\n```\n", function.example);
    if !function.source.is_empty() {
        entry += &format!("\nSource: {}\n", function.source);
    }
    entry
}

fn row(option: &OptionSpec) -> String {
    let optional = if option.is_required() { "" } else { "; optional" };
    format!("| `{}` | {} | {}{optional} |\n", option.name, option.takes(), option.description)
}
