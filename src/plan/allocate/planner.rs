//! Makes operators of nodes.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::common::{Result, internal_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::exec::AllocateExec;
use super::node::AllocateNode;

/// DataFusion's query planner with the nodes of this crate.
#[derive(Debug)]
pub(crate) struct CausalQueryPlanner;

#[async_trait]
impl QueryPlanner for CausalQueryPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(AllocatePlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}

struct AllocatePlanner;

#[async_trait]
impl ExtensionPlanner for AllocatePlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<AllocateNode>() else { return Ok(None) };
        let ([input, ..], [logical, ..]) = (physical_inputs, logical_inputs) else {
            return internal_err!("{}: the relation is missing", node.purpose);
        };
        let physical =
            |expr: &Expr, schema: &DFSchema| planner.create_physical_expr(expr, schema, session, context);
        let columns = node.columns.try_map(|expr| physical(expr, logical.schema()))?;
        let nothing = DFSchema::empty();
        let constants = node.constants.iter().map(|(name, expr)| Ok((*name, physical(expr, &nothing)?)));
        Ok(Some(Arc::new(AllocateExec::new(
            node.purpose,
            Arc::clone(input),
            physical_inputs.get(1).cloned(),
            columns,
            constants.collect::<Result<_>>()?,
            Arc::clone(node.schema_ref()),
        ))))
    }
}
