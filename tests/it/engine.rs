//! The contract with the engine: partitions, batch sizes, spilling, skipped partial aggregation, states in files.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

/// One call per way a state travels: numbers with one and two arms, clusters, counts.
const CALLS: [&str; 8] = [
    "mean_ci(y)",
    "diff_in_means_ci(y, t)",
    "ipw_ate_ci(y, t, e)",
    "sndr_policy_value_ci(y, e, target, q, q2)",
    "dr_policy_lift_ci(y, e, target, q, q2)",
    "relative_lift_ci(y, t, e, household)",
    "ips_policy_value_ci(y, e, target, household, {'clip': 3})",
    "mean_ci(aipw_score(y, t, e, q, q2), household)",
];

fn log(rows: usize) -> String {
    format!(
        "SELECT i, i % 97 AS g, i / 3 AS household, (i * 7919) % 1000 / 100.0 + 5 AS y, i % 5 % 2 AS t,
                0.1 + (i * 31) % 80 / 100.0 AS e, (i * 17) % 100 / 100.0 AS target,
                (i * 13) % 700 / 100.0 AS q, (i * 11) % 900 / 100.0 AS q2
         FROM generate_series(1, {rows}) AS s(i)"
    )
}

fn config(partitions: usize, batch_size: usize) -> SessionConfig {
    SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_size)
}

/// A session with the log as a table of several partitions.
async fn context(config: SessionConfig, rows: usize) -> SessionContext {
    let partitions = config.target_partitions();
    let context = SessionContext::new_with_state(datafusion_causal::session::builder(config).build());
    let batches = context.sql(&log(rows)).await.unwrap().collect().await.unwrap();
    let whole = concat_batches(&batches[0].schema(), &batches).unwrap();
    let size = whole.num_rows().div_ceil(partitions);
    let parts = (0..partitions).map(|i| vec![whole.slice(i * size, size.min(whole.num_rows() - i * size))]);
    let table = MemTable::try_new(whole.schema(), parts.collect()).unwrap();
    context.register_table("log", Arc::new(table)).unwrap();
    context
}

async fn run(context: &SessionContext, sql: &str) -> RecordBatch {
    let frame = context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    concat_batches(&schema, &batches).unwrap()
}

/// The numbers of a result of groups and inferences, row by row.
fn numbers(batch: &RecordBatch) -> Vec<Option<f64>> {
    let mut out = vec![];
    for column in batch.columns() {
        if let Some(fields) = column.as_struct_opt() {
            for field in fields.columns() {
                match field.as_primitive_opt::<Float64Type>() {
                    Some(numbers) => out.extend(numbers.iter()),
                    None => out.extend(field.as_primitive::<Int64Type>().iter().map(|n| n.map(|n| n as f64))),
                }
            }
        } else if let Some(groups) = column.as_primitive_opt::<Int64Type>() {
            out.extend(groups.iter().map(|g| g.map(|g| g as f64)));
        }
    }
    out
}

fn assert_same(what: &str, a: &RecordBatch, b: &RecordBatch) {
    let (a, b) = (numbers(a), numbers(b));
    assert!(!a.is_empty() && a.len() == b.len(), "{what}: {} and {} numbers", a.len(), b.len());
    assert!(a.iter().any(Option::is_some), "{what}: all NULL");
    for (x, y) in a.into_iter().zip(b) {
        let same = match (x, y) {
            (Some(x), Some(y)) => x == y || (x - y).abs() <= 1e-9 * x.abs().max(1e-3),
            (x, y) => x == y,
        };
        assert!(same, "{what}: {x:?} and {y:?}");
    }
}

fn grouped(call: &str, group: &str) -> String {
    format!("SELECT {group}, {call} AS r FROM log GROUP BY {group} ORDER BY {group}")
}

#[tokio::test]
async fn batch_sizes_and_partitions_change_nothing() {
    const ROWS: usize = 1000;
    let reference = context(config(1, 8192), ROWS).await;
    for (partitions, batch_size) in [(1, 1), (1, 7), (4, 2), (4, 8192)] {
        let other = context(config(partitions, batch_size), ROWS).await;
        for call in CALLS {
            for sql in [format!("SELECT {call} AS r FROM log"), grouped(call, "g")] {
                let what = format!("{sql} with {partitions} partitions, batches of {batch_size}");
                assert_same(&what, &run(&reference, &sql).await, &run(&other, &sql).await);
            }
        }
    }
}

#[tokio::test]
async fn rows_converted_to_states_are_rows_aggregated() {
    const ROWS: usize = 3000;
    let convert = config(4, 100)
        .set_usize("datafusion.execution.skip_partial_aggregation_probe_rows_threshold", 1)
        .set("datafusion.execution.skip_partial_aggregation_probe_ratio_threshold", &0.0_f64.into());
    let (reference, convert) = (context(config(1, 8192), ROWS).await, context(convert, ROWS).await);
    for call in CALLS {
        let sql = grouped(call, "household");
        assert_same(&sql, &run(&reference, &sql).await, &run(&convert, &sql).await);
        let filtered =
            format!("SELECT g, {call} FILTER (WHERE i % 3 > 0) AS r FROM log GROUP BY g ORDER BY g");
        assert_same(&filtered, &run(&reference, &filtered).await, &run(&convert, &filtered).await);
    }
}

fn spills(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0);
    own + plan.children().into_iter().map(spills).sum::<usize>()
}

#[tokio::test]
async fn grouped_runs_spill_under_a_memory_limit() {
    const ROWS: usize = 300_000;
    let free = context(config(2, 8192), ROWS).await;
    for (call, limit) in [("dr_policy_value_ci(y, e, target, q, q2)", 24), ("mean_ci(y, household)", 60)] {
        let sql = format!("SELECT i AS g, {call} AS r FROM log GROUP BY i");
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(limit << 20)));
        let state = datafusion_causal::session::builder(config(2, 8192))
            .with_runtime_env(runtime.build_arc().unwrap())
            .build();
        let limited = SessionContext::new_with_state(state);
        limited.register_table("log", free.table_provider("log").await.unwrap()).unwrap();

        let plan = limited.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
        let batches = collect(Arc::clone(&plan), limited.task_ctx()).await.unwrap();
        assert!(spills(&plan) > 0, "{call} did not spill");
        let spilled = MemTable::try_new(plan.schema(), vec![batches]).unwrap();
        free.register_table("spilled", Arc::new(spilled)).unwrap();
        let expected = run(&free, &format!("{sql} ORDER BY i")).await;
        assert_same(call, &expected, &run(&free, "SELECT * FROM spilled ORDER BY g").await);
        free.deregister_table("spilled").unwrap();
    }
}

#[tokio::test]
async fn states_in_a_file_merge_to_one_pass() {
    const ROWS: usize = 1000;
    let context = context(config(4, 100), ROWS).await.enable_url_table();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("states.parquet");
    let file = file.display();
    for call in CALLS {
        let (name, arguments) = call.split_once("_ci(").unwrap();
        let copy = format!(
            "COPY (SELECT g, {name}_state({arguments} AS s FROM log GROUP BY g) TO '{file}' STORED AS PARQUET"
        );
        run(&context, &copy).await;
        let one_pass = run(&context, &format!("SELECT {call} AS r FROM log")).await;
        let merged = run(&context, &format!("SELECT {name}_merge_ci(s) AS r FROM '{file}'")).await;
        assert_same(call, &one_pass, &merged);
        let halves =
            format!("SELECT g % 2 AS g, {name}_merge_ci(s) AS r FROM '{file}' GROUP BY 1 ORDER BY 1");
        let split = format!("SELECT g % 2 AS g, {call} AS r FROM log GROUP BY 1 ORDER BY 1");
        assert_same(call, &run(&context, &split).await, &run(&context, &halves).await);
    }
}

#[tokio::test]
async fn damaged_states_are_errors() {
    let context = context(config(1, 8192), 50).await;
    let state = run(&context, "SELECT ipw_ate_state(y, t, e, household, {'estimand': 'att'}) FROM log").await;
    let bytes = state.column(0).as_binary::<i32>().value(0).to_vec();
    let merge = async |bytes: &[u8]| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let sql = format!("SELECT ipw_ate_merge_ci(s) FROM (VALUES (x'{hex}')) AS t(s)");
        context.sql(&sql).await.unwrap().collect().await
    };
    assert!(merge(&bytes).await.is_ok());
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x10;
        let error = merge(&damaged).await.expect_err("a flipped bit is an error").to_string();
        assert!(error.contains("ipw_ate_merge_ci: state"), "{error}");
    }
    for length in 0..bytes.len() {
        let error = merge(&bytes[..length]).await.expect_err("a cut state is an error").to_string();
        assert!(error.contains("ipw_ate_merge_ci: state"), "{error}");
    }
}
