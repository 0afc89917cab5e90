//! The relation that a relation function is about: a query, a table, a CTE or a name in quotes.

use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{
    Result, ScalarValue, TableReference, internal_datafusion_err, internal_err, plan_err,
};
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr as LogicalExpr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Spanned, TableAlias,
    TableFactor, TableFunctionArgs as FactorArgs,
};
use futures::FutureExt;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use super::problem::problem_at;

/// What a named input is called in the query that a macro makes: `causal_input("schema"."table")`.
pub(super) const NAMED_INPUT: &str = "causal_input";

/// The table function behind named inputs.
pub(crate) const TABLE_LOOKUP: &str = "causal_table";

/// A relation as the caller wrote it.
pub(super) enum Input {
    Query(Box<Query>),
    Name(ObjectName),
}

impl Input {
    /// Reads the first argument of a relation function.
    pub(super) fn read(function: &str, expr: Expr) -> Result<Self> {
        Self::read_as(function, "the first argument", expr)
    }

    /// Reads an argument that is a relation, which errors call `what`.
    pub(super) fn read_as(function: &str, what: &str, expr: Expr) -> Result<Self> {
        let at = expr.span();
        match expr {
            Expr::Subquery(query) => Ok(Self::Query(query)),
            Expr::Nested(inner) => Self::read_as(function, what, *inner),
            Expr::Identifier(name) => Ok(Self::Name(vec![name].into())),
            Expr::CompoundIdentifier(names) => Ok(Self::Name(names.into())),
            Expr::Value(value) if value.value.clone().into_string().is_some() => {
                let name = value.value.into_string().expect("the guard says that it is text");
                Ok(Self::Name(vec![Ident::with_quote('"', name)].into()))
            }
            other => match table_argument(&other) {
                Some(inner) => Self::read_as(function, what, inner),
                None => Err(problem_at(
                    at,
                    format!("{function}: {what} must be a relation, got {other}"),
                    Some("write a query in parentheses, or the name of a table".into()),
                )),
            },
        }
    }

    /// Plans the relation.
    pub(super) fn plan(self, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        context.plan(self.into_factor())
    }

    /// The relation as it can stand in FROM.
    pub(super) fn into_factor(self) -> TableFactor {
        match self {
            Self::Query(subquery) => {
                TableFactor::Derived { lateral: false, subquery, alias: None, sample: None }
            }
            Self::Name(name) => {
                let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                let alias = parts.last().map(|last| TableAlias {
                    explicit: true,
                    name: last.clone(),
                    columns: vec![],
                    at: None,
                });
                let argument = FunctionArgExpr::Expr(Expr::CompoundIdentifier(parts));
                let args = FactorArgs { args: vec![FunctionArg::Unnamed(argument)], settings: None };
                table(vec![Ident::new(NAMED_INPUT)].into(), Some(args), alias)
            }
        }
    }

    /// The relation as text that can stand in FROM.
    pub(super) fn sql(&self) -> String {
        match self {
            Self::Query(query) => format!("({query})"),
            // The engine reads 'name' and "name" alike in FROM; a path is written with single quotes.
            Self::Name(name) => match name.0.as_slice() {
                [part] if part.as_ident().is_some_and(|part| part.quote_style.is_some()) => {
                    let text =
                        part.as_ident().map_or_else(String::new, |part| part.value.replace('\'', "''"));
                    format!("'{text}'")
                }
                _ => name.to_string(),
            },
        }
    }
}

/// `scored` of `TABLE(scored)`.
fn table_argument(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))]
            if function.name.to_string().eq_ignore_ascii_case("table") =>
        {
            Some(inner.clone())
        }
        _ => None,
    }
}

fn table(name: ObjectName, args: Option<FactorArgs>, alias: Option<TableAlias>) -> TableFactor {
    TableFactor::Table {
        name,
        alias,
        args,
        with_hints: vec![],
        version: None,
        with_ordinality: false,
        partitions: vec![],
        json_path: None,
        sample: None,
        index_hints: vec![],
    }
}

/// Plans `causal_input(name)`: a CTE or a table.
///
/// The engine looks tables up before it plans, and only those whose names stand in FROM; a name that is an argument is
/// looked up here.
pub(super) fn plan_named(
    arguments: &[FunctionArg],
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(parts)))] = arguments else {
        return plan_err!("{NAMED_INPUT} is for the queries that relation functions make");
    };
    let name = ObjectName::from(parts.clone());
    let not_found = match context.plan(table(name.clone(), None, None)) {
        Ok(plan) => return Ok(plan),
        Err(error) => error,
    };
    let mut candidates = vec![context.object_name_to_table_reference(name)?];
    if let [part] = parts.as_slice()
        && part.quote_style.is_some()
        && part.value.contains('.')
    {
        candidates.push(TableReference::parse_str(&part.value));
    }
    for reference in candidates {
        let names = reference.to_vec().into_iter().map(lit).collect();
        match context.context_provider().get_table_function_source(TABLE_LOOKUP, names) {
            Ok(source) => return LogicalPlanBuilder::scan(reference, source, None)?.build(),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(not_found)
}

/// Text of the error that [`TableLookup`] gives for a table that is not there.
const MISSING: &str = "causal_table: there is no such table";

fn is_missing(error: &datafusion::common::DataFusionError) -> bool {
    error.find_root().message().contains(MISSING)
}

/// A table function that finds a table by its name in the catalogs of the session.
#[derive(Debug)]
pub(crate) struct TableLookup;

impl TableFunctionImpl for TableLookup {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let mut names = args.exprs().iter().map(|expr| match expr {
            LogicalExpr::Literal(ScalarValue::Utf8(Some(name)), _) => Ok(name.as_str()),
            other => plan_err!("{TABLE_LOOKUP}: names must be text, got {other}"),
        });
        let names = names.by_ref().collect::<Result<Vec<_>>>()?;
        let reference = match names.as_slice() {
            [table] => TableReference::bare(*table),
            [schema, table] => TableReference::partial(*schema, *table),
            [catalog, schema, table] => TableReference::full(*catalog, *schema, *table),
            _ => return internal_err!("{TABLE_LOOKUP}: one to three names, got {}", names.len()),
        };
        let Some(state) = args.session().as_any().downcast_ref::<SessionState>() else {
            return internal_err!("{TABLE_LOOKUP}: the session has no catalogs");
        };
        let table = reference.table().to_string();
        let Ok(schema) = state.schema_for_ref(reference) else {
            return plan_err!("{MISSING}");
        };
        match wait(schema.table(&table))?? {
            Some(provider) => Ok(provider),
            None => plan_err!("{MISSING}"),
        }
    }
}

/// Waits for a catalog. Planning is synchronous, catalogs may not be.
fn wait<T>(future: impl Future<Output = T>) -> Result<T> {
    let mut future = Box::pin(future);
    if let Some(ready) = future.as_mut().now_or_never() {
        return Ok(ready);
    }
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            Ok(block_in_place(|| handle.block_on(future)))
        }
        Ok(_) => plan_err!(
            "a table of this catalog cannot be looked up by name on a single thread; write (SELECT * FROM …)"
        ),
        Err(_) => Err(internal_datafusion_err!("planning needs a runtime to look tables up")),
    }
}
