//! Parameters of statements: `?` and `$1`, their types as far as the statement says, and values for them.

use std::collections::HashMap;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan, TryCast};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::edge::schema_at_edge;

/// What a parameter is taken to be whose type the statement does not say.
const UNTYPED: DataType = DataType::Utf8;

/// Writes each `?` as `$1`, `$2` …, which the engine tells apart.
///
/// # Errors
///
/// When both forms stand in one statement.
pub(super) fn numbered(sql: &str) -> Result<String> {
    // What cannot be read here is an error of the parser, which says it better.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else {
        return Ok(sql.to_string());
    };
    let placeholders: Vec<(&str, Location)> = tokens
        .iter()
        .filter_map(|token| match &token.token {
            Token::Placeholder(name) => Some((name.as_str(), token.span.start)),
            _ => None,
        })
        .collect();
    let marks = placeholders.iter().filter(|(name, _)| *name == "?").count();
    if marks == 0 {
        return Ok(sql.to_string());
    }
    if marks < placeholders.len() {
        return plan_err!("parameters must be all ? or all numbered like $1, got both");
    }
    let (mut out, mut marks) =
        (String::with_capacity(sql.len() + marks), placeholders.iter().map(|(_, at)| *at));
    let (mut next, mut number) = (marks.next(), 0);
    let (mut line, mut column) = (1, 1);
    for c in sql.chars() {
        if next.is_some_and(|at| at.line == line && at.column == column) {
            number += 1;
            out.push_str(&format!("${number}"));
            next = marks.next();
        } else {
            out.push(c);
        }
        if c == '\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    Ok(out)
}

/// The parameters of a statement in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parameters {
    /// Types by number from 1; `None` where the statement does not say.
    types: Vec<Option<DataType>>,
}

impl Parameters {
    /// Finds the parameters of a plan.
    ///
    /// # Errors
    ///
    /// When a parameter is named rather than numbered.
    pub(super) fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut types = vec![];
        let mut known = plan.get_parameter_types()?;
        for (name, data_type) in said_types(plan)? {
            known.entry(name).or_default().get_or_insert(data_type);
        }
        for (name, data_type) in known {
            let Some(number) = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok()) else {
                return plan_err!("parameters must be ? or numbered like $1, got {name}");
            };
            if !(1..=10_000).contains(&number) {
                return plan_err!("parameters must be numbered from $1 to $10000, got {name}");
            }
            types.resize(types.len().max(number), None);
            types[number - 1] = data_type;
        }
        Ok(Self { types })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.types.len()
    }

    /// Values for a plan that nothing is known of but the types: NULL of each.
    pub(super) fn unknown(&self) -> ParamValues {
        let null = |data_type: &Option<DataType>| {
            ScalarValue::try_from(data_type.as_ref().unwrap_or(&UNTYPED)).unwrap_or(ScalarValue::Null).into()
        };
        ParamValues::List(self.types.iter().map(null).collect())
    }

    /// The parameters as a schema: what clients bind by position.
    pub(super) fn schema(&self) -> SchemaRef {
        let field = |(i, data_type): (usize, &Option<DataType>)| {
            let data_type = match data_type {
                // JDBC drivers send milliseconds whatever is announced.
                Some(DataType::Timestamp(_, zone)) => {
                    DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
                }
                Some(data_type) => data_type.clone(),
                None => UNTYPED,
            };
            Field::new(format!("${}", i + 1), data_type, true)
        };
        schema_at_edge(&Schema::new(self.types.iter().enumerate().map(field).collect::<Vec<_>>()))
    }

    /// The values of each row, in the types of the parameters.
    ///
    /// # Errors
    ///
    /// When there are not as many columns as parameters, or a value is none of its type.
    pub(super) fn values(&self, rows: &RecordBatch) -> Result<Vec<ParamValues>> {
        if rows.num_columns() != self.types.len() {
            return plan_err!("{} parameters must be bound, got {}", self.types.len(), rows.num_columns());
        }
        let row = |row: usize| {
            let value = |(column, data_type): (&ArrayRef, &Option<DataType>)| -> Result<ScalarAndMetadata> {
                let value = match ScalarValue::try_from_array(column, row)? {
                    // How some clients send values whose types they do not know.
                    ScalarValue::Union(Some((_, value)), ..) => *value,
                    value => value,
                };
                Ok(match data_type {
                    Some(data_type) => value.cast_to(data_type)?,
                    None => value,
                }
                .into())
            };
            let values = rows.columns().iter().zip(&self.types).map(value);
            Ok(ParamValues::List(values.collect::<Result<_>>()?))
        };
        (0..rows.num_rows()).map(row).collect()
    }
}

/// Types of parameters that the engine does not look for: those that a cast or a limit says.
fn said_types(plan: &LogicalPlan) -> Result<HashMap<String, DataType>> {
    let mut said = HashMap::new();
    let mut says = |expr: &Expr, data_type: &DataType| {
        if let Expr::Placeholder(Placeholder { id, field: None }) = expr {
            said.insert(id.clone(), data_type.clone());
        }
    };
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for rows in [&limit.skip, &limit.fetch].into_iter().flatten() {
                says(rows, &DataType::Int64);
            }
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                match expr {
                    Expr::Cast(Cast { expr, field }) => says(expr, field.data_type()),
                    Expr::TryCast(TryCast { expr, field }) => says(expr, field.data_type()),
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(said)
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    #[test]
    fn marks_are_numbered_but_not_in_texts_and_comments() {
        let sql = "SELECT ?, '?' -- ?\n, \"a?\" /* ? */, é, ? FROM t WHERE x = ?";
        let expected = "SELECT $1, '?' -- ?\n, \"a?\" /* ? */, é, $2 FROM t WHERE x = $3";
        assert_eq!(numbered(sql).unwrap(), expected);
        assert_eq!(numbered("SELECT $2, $1").unwrap(), "SELECT $2, $1");
        assert!(numbered("SELECT ?, $1").unwrap_err().to_string().contains("got both"));
        assert_eq!(numbered("SELECT 'open").unwrap(), "SELECT 'open");
    }

    #[tokio::test]
    async fn parameters_are_announced_in_the_types_that_the_statement_says() {
        let context = SessionContext::new();
        context.sql("CREATE TABLE t (name VARCHAR, at TIMESTAMP)").await.unwrap();
        let sql = "SELECT CAST($1 AS DOUBLE), $2 FROM t WHERE name = $3 AND at < $4 LIMIT $5 OFFSET $6";
        let plan = context.state().create_logical_plan(sql).await.unwrap();
        let schema = Parameters::of(&plan).unwrap().schema();
        let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        let milliseconds = DataType::Timestamp(TimeUnit::Millisecond, None);
        let (text, int) = (DataType::Utf8, DataType::Int64);
        assert_eq!(types, [DataType::Float64, text.clone(), text, milliseconds, int.clone(), int]);
    }
}
