//! DISTINCT is refused: rows are units or decisions, and equal ones count as often as they are there.

use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::function::AggregateFunctionSimplification;

/// Refuses `function(DISTINCT …)` when it is about to run.
pub(in crate::functions) fn refuse_distinct(function: &str, distinct: bool) -> Result<()> {
    if distinct {
        return plan_err!("{function}: DISTINCT is not supported; remove duplicates in a subquery");
    }
    Ok(())
}

/// Refuses it in the plan, where the engine would turn a call with one argument into one over grouped rows.
pub(in crate::functions) fn refuse_distinct_in_plan(
    function: &str,
) -> Option<AggregateFunctionSimplification> {
    let function = function.to_owned();
    Some(Box::new(move |call, _| {
        refuse_distinct(&function, call.params.distinct)?;
        Ok(Expr::AggregateFunction(call))
    }))
}
