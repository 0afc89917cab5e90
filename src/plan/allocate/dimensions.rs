//! Which columns of the input guardrails are on, where the query says it: other columns need not be read.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The texts in a column of a plan, when they stand in the query.
pub(super) fn literals(plan: &LogicalPlan, column: usize) -> Option<Vec<String>> {
    match plan {
        LogicalPlan::Projection(projection) => match bare(projection.expr.get(column)?) {
            Expr::Column(inner) => {
                literals(&projection.input, projection.input.schema().maybe_index_of_column(inner)?)
            }
            literal => Some(text(literal)?.into_iter().collect()),
        },
        LogicalPlan::Values(values) => {
            let texts = values.values.iter().map(|row| text(bare(row.get(column)?)));
            Some(texts.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        LogicalPlan::Union(union) => {
            let parts = union.inputs.iter().map(|input| literals(input, column));
            Some(parts.collect::<Option<Vec<_>>>()?.concat())
        }
        LogicalPlan::SubqueryAlias(alias) => literals(&alias.input, column),
        LogicalPlan::Filter(filter) => literals(&filter.input, column),
        LogicalPlan::Sort(sort) => literals(&sort.input, column),
        LogicalPlan::Limit(limit) => literals(&limit.input, column),
        _ => None,
    }
}

/// An expression without its names and casts.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        Expr::Cast(cast) => bare(&cast.expr),
        other => other,
    }
}

/// The text of a literal, `Some(None)` for NULL.
fn text(expr: &Expr) -> Option<Option<String>> {
    match expr {
        Expr::Literal(value, _) if value.is_null() => Some(None),
        Expr::Literal(
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text),
            _,
        ) => Some(text.clone()),
        _ => None,
    }
}
