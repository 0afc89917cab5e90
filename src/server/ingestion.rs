//! Rows that a client sends for a table of its session.

use std::sync::Arc;

use arrow_flight::sql::{CommandStatementIngest, TableExistsOption, TableNotExistOption};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::catalog::{MemTable, SchemaProvider};
use datafusion::common::{Constraints, Result, ScalarValue, TableReference, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{
    Cast, CreateMemoryTable, DdlStatement, Expr, LogicalPlan, LogicalPlanBuilder, TableSource, ident, lit,
};

use super::catalog::{CATALOG, SCHEMA};
use super::running::nullable;
use super::sessions::Session;

/// Plans what makes a table of rows, or adds them to one.
///
/// # Errors
///
/// When the table is there and should not be, is not and should be, or has other columns.
pub(super) async fn plan(
    session: &Session,
    command: &CommandStatementIngest,
    columns: SchemaRef,
    rows: Vec<RecordBatch>,
) -> Result<LogicalPlan> {
    let name = &command.table;
    for (what, given, ours) in [("catalog", &command.catalog, CATALOG), ("schema", &command.schema, SCHEMA)] {
        if let Some(given) = given
            && !given.is_empty()
            && given != ours
        {
            return plan_err!("{what} of table '{name}' must be {ours}, got {given}");
        }
    }
    if command.transaction_id.as_ref().is_some_and(|id| !id.is_empty()) {
        return plan_err!("rows for table '{name}' cannot be sent in a transaction; there are none");
    }
    let options = command.table_definition_options.unwrap_or_default();
    let columns = nullable(&columns);
    let rows =
        rows.into_iter().map(|batch| RecordBatch::try_new(Arc::clone(&columns), batch.columns().to_vec()));
    let rows = rows.collect::<std::result::Result<_, _>>()?;
    let rows = provider_as_source(Arc::new(MemTable::try_new(columns, vec![rows])?));
    let rows = LogicalPlanBuilder::scan("sent", rows, None)?;
    let create = |or_replace: bool, input: LogicalPlan| {
        LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(CreateMemoryTable {
            name: TableReference::bare(name.as_str()),
            constraints: Constraints::default(),
            input: Arc::new(input),
            if_not_exists: false,
            or_replace,
            column_defaults: vec![],
            temporary: false,
        }))
    };
    let Some(table) = session.schema.table(name).await? else {
        return match options.if_not_exist() {
            TableNotExistOption::Fail => plan_err!("table '{name}' not found"),
            TableNotExistOption::Create | TableNotExistOption::Unspecified => {
                Ok(create(false, rows.build()?))
            }
        };
    };
    match options.if_exists() {
        TableExistsOption::Replace => Ok(create(true, rows.build()?)),
        TableExistsOption::Append => {
            let target = provider_as_source(table);
            let rows = rows.build()?;
            let fitted = fitted(name, &rows, target.as_ref())?;
            let rows = LogicalPlanBuilder::from(rows).project(fitted)?.build()?;
            LogicalPlanBuilder::insert_into(
                rows,
                TableReference::bare(name.as_str()),
                target,
                InsertOp::Append,
            )?
            .build()
        }
        TableExistsOption::Fail | TableExistsOption::Unspecified => {
            plan_err!("table '{name}' is there already; append to it, replace it or send another name")
        }
    }
}

/// The columns of a table out of rows that have columns of these names.
fn fitted(name: &str, rows: &LogicalPlan, target: &dyn TableSource) -> Result<Vec<Expr>> {
    let (sent, target) = (rows.schema(), target.schema());
    if let Some(unknown) = sent.fields().iter().find(|field| target.field_with_name(field.name()).is_err()) {
        return plan_err!("table '{name}' has no column {}, which rows for it have", unknown.name());
    }
    let column = |field: &Arc<Field>| {
        let value = match sent.has_column_with_unqualified_name(field.name()) {
            true => ident(field.name()),
            false => lit(ScalarValue::Null),
        };
        Expr::Cast(Cast::new(Box::new(value), field.data_type().clone())).alias(field.name())
    };
    Ok(target.fields().iter().map(column).collect())
}
