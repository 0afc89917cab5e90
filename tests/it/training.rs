//! Trainings within a query: its memory, its threads, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

fn context(pool: Option<Arc<dyn MemoryPool>>) -> SessionContext {
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(pool) = pool {
        runtime = runtime.with_memory_pool(pool);
    }
    let config = SessionConfig::new().with_target_partitions(2);
    let state = datafusion_causal::session::builder(config).with_runtime_env(runtime.build_arc().unwrap());
    SessionContext::new_with_state(state.build())
}

/// Models of units in two groups.
fn training(units: usize, options: &str) -> String {
    format!(
        "SELECT half, cate_xlearner(sin(u) + treated * x, treated, 0.5, features(x, z), u, {{{options}}}) AS model
         FROM (SELECT u, u % 2 AS half, u / 2 % 2 AS treated, u * 7919 % 101 / 100.0 AS x, u * 104729 % 97 AS z
               FROM generate_series(1, {units}) AS units(u))
         GROUP BY half"
    )
}

async fn trained(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    context.sql(sql).await?.collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_a_training_is_the_querys() {
    let limited = |bytes| context(Some(Arc::new(FairSpillPool::new(bytes))));
    let sql = training(4000, "'trees': 2, 'folds': 1");
    let error = trained(&limited(1_000_000), &sql).await.unwrap_err().strip_backtrace();
    assert!(error.contains("for cate_xlearner training"), "{error}");
    let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(100_000_000));
    let models = trained(&context(Some(Arc::clone(&pool))), &sql).await.unwrap();
    assert_eq!(models.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(pool.reserved(), 0, "what was reserved is given back");
}

/// Linear functions come from sums: what rows would take is many times what the query may have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linear_training_holds_no_rows() {
    let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(2_000_000));
    let context = context(Some(Arc::clone(&pool)));
    let held = trained(&context, &training(200_000, "'trees': 2")).await.unwrap_err().strip_backtrace();
    assert!(held.contains("Resources exhausted"), "{held}");
    let models = trained(&context, &training(200_000, "'learner': 'linear'")).await.unwrap();
    assert_eq!(models.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(pool.reserved(), 0);
}

/// The sum of a metric over a plan.
fn metric(plan: &dyn ExecutionPlan, name: &str) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |sum| sum.as_usize());
    own + plan.children().into_iter().map(|child| metric(child.as_ref(), name)).sum::<usize>()
}

/// Each head of an X-learner has two nuisances for each pair of folds and two effects for each fold, in each bag; the logged
/// propensity takes one function.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_training_says_how_far_it_is() {
    let context = context(None);
    let sql = training(2000, "'trees': 2, 'folds': 4, 'bags': 3");
    let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
    assert_eq!(metric(plan.as_ref(), "planned_functions"), 0);
    collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    let functions = 2 * (1 + 3 * (2 * 6 + 2 * 4));
    for name in ["planned_functions", "fitted_functions"] {
        assert_eq!(metric(plan.as_ref(), name), functions, "{name}");
    }
}

/// A training that would take minutes leaves no work behind, whatever it learns with.
#[test]
fn a_cancelled_training_ends() {
    for options in ["'trees': 10000, 'folds': 1, 'leaves': 1000", "'learner': 'linear', 'bags': 1000"] {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let (context, sql) = (context(None), training(100_000, options));
            let wait = tokio::time::timeout(Duration::from_secs(4), trained(&context, &sql));
            assert!(wait.await.is_err(), "{options}: it took no time");
        });
        // Waits for work that is still being done.
        let start = Instant::now();
        drop(runtime);
        assert!(start.elapsed().as_secs() < 20, "{options}: the work went on for {:?}", start.elapsed());
    }
}

/// What a join gives comes in batches of a few rows: rows of groups are slices of batches of all. Neither may cost more than
/// the rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_batches_and_many_groups_are_held_as_rows() {
    let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(60_000_000));
    let context = context(Some(pool));
    let options = "{'learner': 'linear', 'folds': 1, 'min_rows': 2}";
    let trees = "{'trees': 1, 'folds': 1}";
    let joined = format!(
        "SELECT outcome_model(x + r, features(x, name), {trees}) IS NOT NULL FROM (
           SELECT u % 11 AS x, r, 'a name of more than twelve bytes ' || (u % 3) AS name
           FROM generate_series(1, 20000) AS units(u) CROSS JOIN (VALUES (1), (2), (3)) AS rs(r))"
    );
    let start = Instant::now();
    // Linear functions of rows that are added up; as many as here would not fit.
    let summed = joined
        .replace(trees, options)
        .replace("(1), (2), (3)", "(1), (2), (3), (4), (5), (6), (7), (8), (9), (10)");
    let little: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(3_000_000));
    trained(&self::context(Some(little)), &summed).await.unwrap();
    trained(&context, &joined).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    let grouped = format!(
        "SELECT u % 500, outcome_model(u % 7, {{'x': u % 11}}, {options}) FROM generate_series(1, 50000) AS t(u)
         GROUP BY u % 500"
    );
    let models = trained(&context, &grouped).await.unwrap();
    assert_eq!(models.iter().map(RecordBatch::num_rows).sum::<usize>(), 500);
}
