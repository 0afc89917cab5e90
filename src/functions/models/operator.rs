//! The operator above aggregates that train: it lets them work off the async threads, within the query's limits, and ends
//! them with the query. Aggregates of parts of the rows have it too: linear functions are mostly summed there.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use futures::executor::block_on;

use super::training::TrainingFunction;
use super::watch::{StopWhenDropped, Watch};

/// Batches that may wait to be taken.
const WAITING: usize = 2;

/// Puts a [`TrainingExec`] above each aggregate that trains.
#[derive(Debug)]
pub(crate) struct WatchTraining;

impl PhysicalOptimizerRule for WatchTraining {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let watched = |node: Arc<dyn ExecutionPlan>| {
            Ok(match node.downcast_ref::<AggregateExec>().is_some_and(trains) {
                true => Transformed::yes(Arc::new(TrainingExec::new(node)) as _),
                false => Transformed::no(node),
            })
        };
        plan.transform_up(watched).data()
    }

    fn name(&self) -> &str {
        "watch_training"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn trains(aggregate: &AggregateExec) -> bool {
    let is_training = |function: &Arc<AggregateFunctionExpr>| function.fun().inner().is::<TrainingFunction>();
    aggregate.aggr_expr().iter().any(is_training)
}

/// Runs the aggregate below it on a thread that may block.
#[derive(Clone, Debug)]
struct TrainingExec {
    input: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl TrainingExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for TrainingExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::TreeRender) {
            return Ok(());
        }
        write!(f, "TrainingExec")
    }
}

impl ExecutionPlan for TrainingExec {
    fn name(&self) -> &str {
        "TrainingExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, ..self.as_ref().clone() })),
            _ => internal_err!("TrainingExec has one input"),
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let watch = Arc::new(Watch::new(&context, &self.metrics, partition));
        let stop = StopWhenDropped(Arc::clone(&watch));
        let mut input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let mut channel = RecordBatchReceiverStream::builder(Arc::clone(&schema), WAITING);
        let sender = channel.tx();
        // A training would keep an async thread from all else, the word that it is to end among it.
        channel.spawn_blocking(move || {
            watch.over(|| {
                block_on(async {
                    while let Some(batch) = input.next().await {
                        if sender.send(batch).await.is_err() {
                            break;
                        }
                    }
                });
            });
            Ok(())
        });
        let watched = channel.build().map(move |batch| {
            let _ends_with_the_stream = &stop;
            batch
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, watched)))
    }
}
