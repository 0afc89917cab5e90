//! Puts functions and relations into a DataFusion session.

mod listing;

use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::{TableFunction, TableFunctionImpl};
use datafusion::common::Result;
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::functions::{self, WatchTraining, aggregates, scalars};
use crate::plan::{self, CausalQueryPlanner, Relations, TABLE_LOOKUP, TableLookup, raise_error};
use listing::{LISTING, Listing};

/// Registers everything of this crate that a session which exists can take: functions and relation functions.
///
/// `allocate` and its siblings need a session made by [`builder`], and say so in another; trainings in another session go by no
/// memory limit and are not ended with their query.
///
/// # Errors
///
/// When the session takes no relation functions.
pub fn register(context: &SessionContext) -> Result<()> {
    for function in aggregates() {
        context.register_udaf(function.as_ref().clone());
    }
    for function in scalars() {
        context.register_udf(function.as_ref().clone());
    }
    context.register_udf(raise_error());
    // Only a builder can install a query planner; a session of this crate says that it has it.
    let relations = Relations::built_in(context.state().config().get_extension::<HasPlanner>().is_some());
    for (name, function) in table_functions(&relations) {
        context.register_udtf(name, function);
    }
    context.register_relation_planner(Arc::new(relations))
}

/// Registers every function of this crate by name, as workers need.
///
/// # Errors
///
/// When the registry takes no functions.
pub fn register_functions(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in aggregates() {
        registry.register_udaf(function)?;
    }
    for function in scalars() {
        registry.register_udf(function)?;
    }
    registry.register_udf(Arc::new(raise_error()))?;
    Ok(())
}

/// Returns a session builder with DataFusion's defaults, `information_schema` and everything of this crate.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> datafusion::error::Result<()> {
/// use datafusion::prelude::{SessionConfig, SessionContext};
///
/// let state = datafusion_causal::session::builder(SessionConfig::new()).build();
/// let context = SessionContext::new_with_state(state).enable_url_table();
/// context.sql("SELECT mean_ci(x)['n'] FROM (VALUES (1), (2)) AS t(x)").await?.show().await?;
/// # Ok(())
/// # }
/// ```
pub fn builder(config: SessionConfig) -> SessionStateBuilder {
    with_relations(config, Relations::built_in(true))
}

/// Returns [`builder`] with the macros in the `.sql` files of a directory added, which replace relation functions of the
/// same name.
///
/// # Errors
///
/// When a file cannot be read or is not a macro, and when macros call each other in a circle.
pub fn builder_with_macros(config: SessionConfig, directory: &Path) -> Result<SessionStateBuilder> {
    Ok(with_relations(config, Relations::built_in(true).with_macros(directory)?))
}

/// Returns the reference of all functions in Markdown.
pub fn reference() -> String {
    functions::reference() + &plan::reference(Relations::built_in(true).documentations())
}

/// Marks sessions whose query planner knows the operators of this crate.
struct HasPlanner;

fn with_relations(config: SessionConfig, relations: Relations) -> SessionStateBuilder {
    let config = config.with_information_schema(true).with_extension(Arc::new(HasPlanner));
    let mut builder = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_query_planner(Arc::new(CausalQueryPlanner))
        .with_physical_optimizer_rule(Arc::new(WatchTraining));
    builder.aggregate_functions().get_or_insert_default().extend(aggregates());
    builder.scalar_functions().get_or_insert_default().extend(scalars());
    builder.scalar_functions().get_or_insert_default().push(Arc::new(raise_error()));
    let tables = table_functions(&relations)
        .into_iter()
        .map(|(name, function)| (name.to_string(), Arc::new(TableFunction::new(name.to_string(), function))));
    builder.table_functions().get_or_insert_default().extend(tables);
    builder.with_relation_planners(vec![Arc::new(relations)])
}

fn table_functions(relations: &Relations) -> [(&'static str, Arc<dyn TableFunctionImpl>); 2] {
    [(TABLE_LOOKUP, Arc::new(TableLookup)), (LISTING, Arc::new(Listing::new(relations)))]
}
