//! What is listed of a function, all of it from its definition.

use datafusion::logical_expr::Documentation;

use super::aggregate::Shape;
use super::definition::{Definition, Kind};
use super::documentation::{details, document, document_merge};

/// A SQL name with its documentation, as `causal_functions()` and the shell show it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// `aggregate`, `scalar` or `relation`.
    pub(crate) kind: &'static str,
    pub(crate) signature: String,
    pub(crate) summary: String,
    pub(crate) details: String,
    pub(crate) holds: String,
    /// One line for each argument.
    pub(crate) arguments: String,
    pub(crate) example: String,
    pub(crate) source: String,
}

/// The names that a definition makes.
pub(in crate::functions) fn entries(definition: &'static Definition) -> Vec<Entry> {
    let shaped = |shape: Shape| entry(definition, shape.name(definition), document(definition, shape));
    let merge = |ci: bool| {
        let name = format!("{}_merge{}", definition.name, if ci { "_ci" } else { "" });
        let documentation = document_merge(definition, &name, ci);
        entry(definition, name, documentation)
    };
    match definition.kind {
        Kind::Score { .. }
        | Kind::Row { .. }
        | Kind::Series { .. }
        | Kind::Measure { .. }
        | Kind::Training { .. }
        | Kind::Prediction { .. }
        | Kind::Features => {
            vec![shaped(Shape::Number)]
        }
        Kind::Estimator { number, .. } => {
            let mut names = vec![shaped(Shape::Ci), shaped(Shape::State), merge(false), merge(true)];
            if number {
                names.push(shaped(Shape::Number));
            }
            names
        }
    }
}

fn entry(definition: &Definition, name: String, documentation: Documentation) -> Entry {
    let arguments = documentation.arguments.unwrap_or_default();
    let arguments = arguments.iter().map(|(name, meaning)| format!("{name}: {meaning}"));
    Entry {
        name,
        kind: match definition.kind {
            Kind::Score { .. }
            | Kind::Row { .. }
            | Kind::Series { .. }
            | Kind::Prediction { .. }
            | Kind::Features => "scalar",
            Kind::Measure { .. } | Kind::Estimator { .. } | Kind::Training { .. } => "aggregate",
        },
        signature: documentation.syntax_example,
        summary: documentation.description,
        details: details(definition),
        holds: definition.holds.into(),
        arguments: arguments.collect::<Vec<_>>().join("\n"),
        example: definition.example.into(),
        source: definition.source.into(),
    }
}
