//! `expand`: a relation with its structs replaced by their fields.

use std::collections::HashSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::RelationFunction;
use super::call::RelationCall;
use super::documentation::Documentation;
use super::problem::problem_at;

/// The function.
#[derive(Debug)]
pub(super) struct Expand(Documentation);

impl Default for Expand {
    fn default() -> Self {
        Self(Documentation {
            name: "expand".into(),
            summary: "Replaces structs by their fields, for charts and BI tools.".into(),
            details: "Every other column stays. Fields keep their names when the relation has one struct; \
                with several they are `column_field`. Structs inside structs stay structs. Two columns of \
                one name are an error. Row order is that of an ORDER BY outside."
                .into(),
            example: "SELECT arm, round(estimate, 3) AS estimate, n\n\
                FROM expand((SELECT arm, mean_ci(outcome) AS mean\n  \
                FROM (VALUES ('a', 1), ('a', 3), ('b', 4), ('b', 8)) AS t(arm, outcome) GROUP BY arm))\n\
                ORDER BY arm;"
                .into(),
            ..Documentation::default()
        })
    }
}

impl RelationFunction for Expand {
    fn documentation(&self) -> &Documentation {
        &self.0
    }

    fn plan(&self, call: RelationCall, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        let span = call.span;
        let plan = call.input.plan(context)?;
        let columns = flat_columns(plan.schema());
        let mut names = HashSet::new();
        if let Some((twice, _)) = columns.iter().find(|(name, _)| !names.insert(name.as_str())) {
            let message = format!("expand: two columns would be named '{twice}'");
            return Err(problem_at(span, message, Some("rename one of them in the query".into())));
        }
        let columns = columns.into_iter().map(|(name, expr)| expr.alias(name));
        LogicalPlanBuilder::from(plan).project(columns)?.build()
    }
}

/// Name and expression of each column of the result.
fn flat_columns(schema: &DFSchema) -> Vec<(String, Expr)> {
    let is_struct = |data_type: &DataType| matches!(data_type, DataType::Struct(_));
    let single = schema.fields().iter().filter(|field| is_struct(field.data_type())).count() == 1;
    let mut columns = vec![];
    for (column, field) in schema.columns().into_iter().zip(schema.fields()) {
        let DataType::Struct(inner) = field.data_type() else {
            columns.push((field.name().clone(), Expr::Column(column)));
            continue;
        };
        for part in inner {
            let name = if single { part.name().clone() } else { format!("{}_{}", field.name(), part.name()) };
            columns.push((name, get_field(Expr::Column(column.clone()), part.name().as_str())));
        }
    }
    columns
}
