//! `causal_functions()`: every function of this crate, with its documentation, as a table.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, plan_err};

use crate::functions::{Entry, entries};
use crate::plan::{Documentation, Relations};

/// The name in SQL.
pub(super) const LISTING: &str = "causal_functions";

/// A table with one row per SQL name.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Vec<Entry>,
}

impl Listing {
    pub(super) fn new(relations: &Relations) -> Self {
        let mut listed = entries();
        listed.extend(relations.documentations().map(relation_entry));
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Self { entries: listed }
    }
}

fn relation_entry(relation: &Documentation) -> Entry {
    let options = relation.options.iter();
    let arguments =
        options.map(|option| format!("{}: {} ({})", option.name, option.description, option.takes()));
    Entry {
        name: relation.name.clone(),
        kind: "relation",
        signature: relation.call_form(),
        summary: relation.summary.clone(),
        details: relation.details.clone(),
        holds: relation.holds.clone(),
        arguments: arguments.collect::<Vec<_>>().join("\n"),
        example: relation.example.clone(),
        source: relation.source.clone(),
    }
}

impl TableFunctionImpl for Listing {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        if !args.exprs().is_empty() {
            return plan_err!("{LISTING}: expected no arguments, got {}", args.exprs().len());
        }
        let column = |value: fn(&Entry) -> &str| -> ArrayRef {
            let texts = self.entries.iter().map(value);
            Arc::new(StringArray::from_iter(texts.map(|text| (!text.is_empty()).then_some(text))))
        };
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("name", column(|entry| &entry.name), false),
            ("kind", column(|entry| entry.kind), false),
            ("signature", column(|entry| &entry.signature), false),
            ("summary", column(|entry| &entry.summary), false),
            ("details", column(|entry| &entry.details), true),
            ("holds", column(|entry| &entry.holds), true),
            ("arguments", column(|entry| &entry.arguments), true),
            ("example", column(|entry| &entry.example), false),
            ("source", column(|entry| &entry.source), true),
        ])?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}
