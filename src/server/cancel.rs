//! Joins that end with whoever waits for them. The engine asks whether to go on between batches; a join can work for minutes
//! on one.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};

/// Word that nobody waits for a query any more.
pub(super) type Stopped = Arc<AtomicBool>;

/// Lets the joins of a plan give way between batches, and end within one when they are stopped.
pub(super) fn cancellable(plan: Arc<dyn ExecutionPlan>, stopped: &Stopped) -> Result<Arc<dyn ExecutionPlan>> {
    let watched = |node: Arc<dyn ExecutionPlan>| -> Result<_> {
        if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let filter = join.filter().map(|filter| watched_filter(filter, stopped));
            let projection = join.projection().as_ref().map(|columns| columns.to_vec());
            let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
            let join = NestedLoopJoinExec::try_new(left, right, filter, join.join_type(), projection)?;
            return Ok(Transformed::yes(Arc::new(CooperativeExec::new(Arc::new(join))) as _));
        }
        if node.is::<CrossJoinExec>() || node.is::<HashJoinExec>() {
            return Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _));
        }
        Ok(Transformed::no(node))
    };
    plan.transform_up(watched).data()
}

fn watched_filter(filter: &JoinFilter, stopped: &Stopped) -> JoinFilter {
    let expr = Watched { expr: Arc::clone(filter.expression()), stopped: Arc::clone(stopped) };
    JoinFilter::new(Arc::new(expr), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

/// An expression that fails once the query is stopped.
#[derive(Debug)]
struct Watched {
    expr: Arc<dyn PhysicalExpr>,
    stopped: Stopped,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.expr.eq(&other.expr)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expr.hash(state);
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl PhysicalExpr for Watched {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.expr.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.expr.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.expr.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stopped.load(Ordering::Relaxed) {
            return exec_err!("the query was cancelled");
        }
        self.expr.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.expr]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match children.pop() {
            Some(expr) => Ok(Arc::new(Self { expr, stopped: Arc::clone(&self.stopped) })),
            None => internal_err!("an expression is missing"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt_sql(f)
    }
}
