//! The operator: collects the relation, solves off the async threads, and gives the chosen rows or what is said of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, internal_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput, SpillMetrics,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, Partitioning, PlanProperties,
    SpillManager,
};
use futures::{StreamExt, TryStreamExt};

use super::chosen::{Chosen, Rows};
use super::columns::Columns;
use super::guardrails::Guardrails;
use super::pairs::{Gathered, Ordered, Reader};
use super::relation::Purpose;
use super::settings::Settings;
use super::solving::{Prepared, infeasible, prepare, solve_prepared};
use super::store::Store;
use super::{audit, frontier, summary};
use crate::allocation::{Effort, size_of_sums};

/// The metric that counts the passes of the solver while it works.
const PASSES: &str = "passes";

/// `allocate` or one of its siblings, ready to run.
#[derive(Clone, Debug)]
pub(super) struct AllocateExec {
    purpose: Purpose,
    input: Arc<dyn ExecutionPlan>,
    guardrails: Option<Arc<dyn ExecutionPlan>>,
    columns: Columns<Arc<dyn PhysicalExpr>>,
    constants: Vec<(&'static str, Arc<dyn PhysicalExpr>)>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl AllocateExec {
    pub(super) fn new(
        purpose: Purpose,
        input: Arc<dyn ExecutionPlan>,
        guardrails: Option<Arc<dyn ExecutionPlan>>,
        columns: Columns<Arc<dyn PhysicalExpr>>,
        constants: Vec<(&'static str, Arc<dyn PhysicalExpr>)>,
        schema: SchemaRef,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            purpose,
            input,
            guardrails,
            columns,
            constants,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for AllocateExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let constants = self.constants.iter().map(|(name, expr)| (*name, expr));
        let mut options = self.columns.named().chain(constants);
        if matches!(format, DisplayFormatType::TreeRender) {
            return options.try_for_each(|(name, expr)| writeln!(f, "{name}={expr}"));
        }
        write!(f, "{}Exec: ", self.purpose.operator())?;
        for (i, (name, expr)) in options.enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={expr}")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for AllocateExec {
    fn name(&self) -> &str {
        match self.purpose {
            Purpose::Allocate => "AllocateExec",
            Purpose::Summary => "AllocationSummaryExec",
            Purpose::Frontier => "BudgetFrontierExec",
            Purpose::Audit => "AllocationAuditExec",
        }
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        [&self.input].into_iter().chain(&self.guardrails).collect()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition; self.children().len()])
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let constants = self.constants.iter().map(|(_, expr)| expr);
        for expr in self.columns.named().map(|(_, expr)| expr).chain(constants) {
            if f(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut children = children.into_iter();
        let Some(input) = children.next() else {
            return internal_err!("{}: the relation is missing", self.purpose);
        };
        Ok(Arc::new(Self { input, guardrails: children.next(), ..self.as_ref().clone() }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("{} has one partition, not {partition}", self.name());
        }
        let input = self.input.execute(0, Arc::clone(&context))?;
        let guardrails = self.guardrails.as_ref().map(|plan| plan.execute(0, Arc::clone(&context)));
        let run = Run { exec: self.clone(), input, guardrails: guardrails.transpose()?, context };
        let stream = futures::stream::once(run.run()).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }
}

/// One run of the operator.
struct Run {
    exec: AllocateExec,
    input: SendableRecordBatchStream,
    guardrails: Option<SendableRecordBatchStream>,
    context: Arc<TaskContext>,
}

impl Run {
    async fn run(self) -> Result<SendableRecordBatchStream> {
        let Self { exec, input, guardrails, context } = self;
        let purpose = exec.purpose;
        let settings = Arc::new(Settings::evaluate(purpose, &exec.constants)?);
        let rows: Vec<RecordBatch> = match guardrails {
            Some(stream) => stream.try_collect().await?,
            None => vec![],
        };
        let input_schema = exec.input.schema();
        let guardrails = Arc::new(Guardrails::new(purpose, &settings, &rows, &input_schema)?);
        guardrails.check_size(purpose)?;
        let most_counting = guardrails.most_counting();

        let reader = Reader {
            purpose,
            settings: Arc::clone(&settings),
            guardrails: Arc::clone(&guardrails),
            columns: exec.columns.clone(),
        };
        let threads = context.session_config().target_partitions().max(1);
        let pool = context.memory_pool();
        let consumer = |what: &str| MemoryConsumer::new(format!("{purpose} {what}"));
        let numbers = consumer("numbers").register(pool);
        let rows = consumer("rows").with_can_spill(true).register(pool);
        let disk = SpillManager::new(
            context.runtime_env(),
            SpillMetrics::new(&exec.metrics, 0),
            Arc::clone(&input_schema),
        );
        let mut store = Store::new(rows, disk);
        let mut gathered = Gathered::default();
        let reserve = |store: &mut Store, bytes: usize| match numbers.try_resize(bytes) {
            Ok(()) => Ok(()),
            Err(error) => match store.spill()? {
                true => numbers.try_resize(bytes),
                false => Err(error),
            },
        };
        let output = BaselineMetrics::new(&exec.metrics, 0);
        let elapsed = output.elapsed_compute().clone();
        let mut blocks = input
            .map(|batch| {
                let (reader, elapsed) = (reader.clone(), elapsed.clone());
                async move {
                    let batch = batch?;
                    let read = move || {
                        let _timer = elapsed.timer();
                        reader.read(&batch).map(|block| (batch, block))
                    };
                    joined(SpawnedTask::spawn_blocking(read)).await?
                }
            })
            .buffered(threads);
        while let Some((batch, block)) = blocks.try_next().await? {
            gathered.add(purpose, block)?;
            reserve(&mut store, gathered.size(most_counting))?;
            store.push(batch)?;
        }
        drop(blocks);
        let schema = exec.schema();
        if purpose == Purpose::Audit {
            return Ok(once(audit::rows(&settings, &guardrails, gathered, schema)?, &output));
        }
        // A minimum and a maximum are two limits.
        let sums = size_of_sums(2 * guardrails.named.len());
        reserve(&mut store, gathered.size(most_counting) + gathered.size_of_order() + sums)?;
        let stop = StopWhenDropped::default();
        let passes = MetricBuilder::new(&exec.metrics).global_counter(PASSES);
        let effort = Effort {
            threads,
            is_quick: purpose == Purpose::Frontier,
            closest: settings.least_violation,
            stopped: Arc::clone(&stop.0),
            on_pass: Arc::new(move || passes.add(1)),
        };
        let job = Job { purpose, settings, guardrails, effort };
        let done = SpawnedTask::spawn_blocking({
            let schema = Arc::clone(&schema);
            move || {
                let _timer = elapsed.timer();
                job.run(gathered, schema)
            }
        });
        match joined(done).await?? {
            Done::Table(batch) => Ok(once(batch, &output)),
            Done::Duplicate(row) => Err(duplicate(&reader, &store, row).await?),
            Done::Chosen(chosen) => {
                // Of the numbers only a few a chosen row are left.
                numbers.resize(chosen.size());
                let rows = Rows::new(
                    (chosen, numbers),
                    store.into_stream(),
                    &exec.columns,
                    &input_schema,
                    Arc::clone(&schema),
                )?;
                let next = move |mut rows: Rows| {
                    let output = output.clone();
                    async move {
                        let batch = rows.next().await?;
                        Ok(batch.map(|batch| (batch.record_output(&output), rows)))
                    }
                };
                let stream = futures::stream::try_unfold(rows, next);
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
            }
        }
    }
}

/// Ends the work of a solution nobody waits for any more: a query that was cancelled.
#[derive(Default)]
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is done off the async threads.
struct Job {
    purpose: Purpose,
    settings: Arc<Settings>,
    guardrails: Arc<Guardrails>,
    effort: Effort,
}

/// What comes of it.
enum Done {
    Chosen(Chosen),
    Table(RecordBatch),
    /// A row whose unit and action another row has too.
    Duplicate(u32),
}

impl Job {
    fn run(self, gathered: Gathered, schema: SchemaRef) -> Result<Done> {
        let Self { purpose, settings, guardrails, effort } = self;
        let ordered: Ordered = match gathered.order(&settings, effort.threads) {
            Ok(ordered) => ordered,
            Err(duplicate) => return Ok(Done::Duplicate(duplicate.row)),
        };
        let about = summary::About::of(&ordered);
        let prepared: Prepared = prepare(purpose, &settings, &guardrails, ordered)?;
        if purpose == Purpose::Frontier {
            let rows = frontier::rows(&settings, &guardrails, prepared, &effort, schema)?;
            return Ok(Done::Table(rows));
        }
        let solved = solve_prepared(purpose, &settings, &guardrails, prepared, &effort)?;
        match (solved, purpose) {
            (Ok(solved), Purpose::Allocate) => Ok(Done::Chosen(Chosen::new(&settings, &solved))),
            (Err((_, why)), Purpose::Allocate) => Err(infeasible(purpose, &guardrails, &why)),
            (solved, _) => Ok(Done::Table(summary::rows(&settings, &guardrails, &about, solved, schema)?)),
        }
    }
}

async fn joined<T: Send + 'static>(task: SpawnedTask<T>) -> Result<T> {
    task.join_unwind().await.map_err(|error| exec_datafusion_err!("the allocation was cancelled: {error}"))
}

fn once(batch: RecordBatch, output: &BaselineMetrics) -> SendableRecordBatchStream {
    let (schema, batch) = (batch.schema(), batch.record_output(output));
    Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(batch)])))
}

/// The error that names a key which stands twice.
async fn duplicate(reader: &Reader, store: &Store, row: u32) -> Result<DataFusionError> {
    let (batch, at) = store.find(row).await?;
    let evaluated = reader.evaluate(&batch)?;
    let unit = array_value_to_string(&evaluated.unit, at)?;
    let action = array_value_to_string(&evaluated.action, at)?;
    let name = |expr: &Arc<dyn PhysicalExpr>, option: &str| {
        expr.downcast_ref::<Column>().map_or(option.to_string(), |column| column.name().to_string())
    };
    let (unit_name, action_name) =
        (name(&reader.columns.unit, "unit"), name(&reader.columns.action, "action"));
    Ok(exec_datafusion_err!(
        "{}: {unit_name} {unit} has {action_name} '{action}' twice; keep one row of each {unit_name} and {action_name}",
        reader.purpose
    ))
}
