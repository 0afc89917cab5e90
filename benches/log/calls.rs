//! Calls of aggregates as the engine makes them, without the engine.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::collect;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_causal::session;

/// An aggregate, and the values that the engine would hand over to it, batch by batch.
pub(crate) type Call = (Arc<AggregateFunctionExpr>, Vec<Vec<ArrayRef>>);

/// Plans a call over the log.
pub(crate) async fn planned(call: &str, batches: &[RecordBatch]) -> Result<Call> {
    let context = context(batches)?;
    let mut plan = context.sql(&format!("SELECT {call} FROM log")).await?.create_physical_plan().await?;
    while !plan.is::<AggregateExec>() {
        plan = Arc::clone(plan.children()[0]);
    }
    let node = plan.downcast_ref::<AggregateExec>().expect("the loop ended there");
    let aggregate = Arc::clone(&node.aggr_expr()[0]);
    let input = collect(Arc::clone(node.input()), context.task_ctx()).await?;
    let values = |batch: &RecordBatch| {
        let expressions = aggregate.expressions();
        expressions.iter().map(|e| e.evaluate(batch)?.into_array(batch.num_rows())).collect()
    };
    let arguments = input.iter().map(values).collect::<Result<_>>()?;
    Ok((aggregate, arguments))
}

/// A session of one thread in which rows of the log are the table `log`.
pub(crate) fn context(batches: &[RecordBatch]) -> Result<SessionContext> {
    let state = session::builder(SessionConfig::new().with_target_partitions(1)).build();
    let context = SessionContext::new_with_state(state);
    let table = MemTable::try_new(super::schema(), vec![batches.to_vec()])?;
    context.register_table("log", Arc::new(table))?;
    Ok(context)
}
