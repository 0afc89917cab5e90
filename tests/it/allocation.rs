//! `allocate` and the engine: order, partitions, memory, plans and the ways to call it.

use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Float64Type;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

/// Pairs of `units` units and four actions, whose rows come in the order of a hash when `shuffle` is not 0.
fn pairs(units: usize, shuffle: u64) -> String {
    format!(
        "SELECT u AS user_id, 'a' || a AS action, 's' || (u % 3) AS segment, u % 5 AS period,
           ((u * 7919 + a * 104729) % 1000) / 100.0 - 1 AS value, ((u * 31 + a * 17) % 97) / 20.0 AS cost,
           u % 11 > 0 AS eligible, repeat('x', 60) AS note
         FROM generate_series(1, {units}) AS units(u) CROSS JOIN generate_series(1, 4) AS actions(a)
         ORDER BY CASE WHEN {shuffle} = 0 THEN u * 10 + a ELSE (u * 48271 + a * 16807 + {shuffle}) % 65537 END"
    )
}

const ARGUMENTS: &str = "eligible => eligible, budget => 700, max_treated => 900, explore => 0.1, seed => 3,
    guardrails => (SELECT * FROM (VALUES ('segment', 's1', 'cost', 50, 200), ('action', 'a2', 'count', 20, 250),
      ('period', '2', 'cumulative_cost', NULL, 300)) AS g(dimension, member, measure, minimum, maximum))";

async fn context(config: SessionConfig, units: usize, shuffle: u64) -> SessionContext {
    let partitions = config.target_partitions();
    let context = SessionContext::new_with_state(datafusion_causal::session::builder(config).build());
    let batches = context.sql(&pairs(units, shuffle)).await.unwrap().collect().await.unwrap();
    let size = batches.len().div_ceil(partitions).max(1);
    let mut parts: Vec<_> = batches.chunks(size).map(<[_]>::to_vec).collect();
    parts.resize(partitions, vec![]);
    let table = MemTable::try_new(batches[0].schema(), parts).unwrap();
    context.register_table("pairs", Arc::new(table)).unwrap();
    context
}

async fn shown(context: &SessionContext, sql: &str) -> String {
    let frame = context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    pretty_format_batches(&batches).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_batches_and_partitions_change_nothing() {
    let sql = format!(
        "SELECT user_id, action, value, cost, allocation_rank, marginal_value_per_cost, allocation_propensity
         FROM allocate(pairs, {ARGUMENTS}, include_no_offer => true) ORDER BY user_id"
    );
    let config =
        |partitions, batch| SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch);
    let reference = shown(&context(config(1, 8192), 1000, 0).await, &sql).await;
    assert_eq!(reference.lines().count(), 1000 + 4, "a row of each unit in a frame of four lines");
    for (partitions, batch, shuffle) in [(1, 7, 0), (3, 100, 0), (1, 8192, 1), (4, 33, 2)] {
        let other = shown(&context(config(partitions, batch), 1000, shuffle).await, &sql).await;
        assert!(reference == other, "{partitions} partitions, batches of {batch}, shuffle {shuffle}");
    }
}

fn spills(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0);
    own + plan.children().into_iter().map(spills).sum::<usize>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_spill_and_numbers_give_the_error_of_the_limit() {
    const UNITS: usize = 40_000;
    let sql = "SELECT count(*), sum(allocation_rank), sum(length(note)), round(sum(value), 6) FROM
        allocate((SELECT user_id, action, value, cost, note || user_id AS note FROM pairs), budget => 10000)";
    let free = shown(&context(SessionConfig::new().with_target_partitions(2), UNITS, 0).await, sql).await;
    for (limit, fits) in [(24 << 20, true), (2 << 20, false)] {
        let limited = context(SessionConfig::new().with_target_partitions(2), UNITS, 0).await;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(limit)))
            .build_arc()
            .unwrap();
        let state = datafusion_causal::session::builder(SessionConfig::new().with_target_partitions(2))
            .with_runtime_env(runtime)
            .build();
        let session = SessionContext::new_with_state(state);
        session.register_table("pairs", limited.table_provider("pairs").await.unwrap()).unwrap();
        let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let result = collect(Arc::clone(&plan), session.task_ctx()).await;
        match result {
            Ok(batches) => {
                assert!(fits, "{limit} bytes suffice");
                assert!(spills(&plan) > 0, "nothing was spilled");
                assert_eq!(pretty_format_batches(&batches).unwrap().to_string(), free);
            }
            Err(error) => {
                assert!(!fits, "{error}");
                assert!(error.to_string().contains("Resources exhausted"), "{error}");
                assert!(error.to_string().contains("for allocate "), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_without_the_planner_says_what_to_do() {
    let context = SessionContext::new();
    datafusion_causal::register(&context).unwrap();
    let sql =
        "SELECT * FROM allocate((SELECT 1 AS user_id, 'a' AS action, 1 AS value, 1 AS cost), budget => 1)";
    let error = context.sql(sql).await.unwrap_err().to_string();
    assert!(error.contains("allocate: this session cannot run operators of its own; make the session with datafusion_causal::session::builder"), "{error}");

    let state = datafusion_causal::session::builder(SessionConfig::new()).build();
    let context = SessionContext::new_with_state(state);
    datafusion_causal::register(&context).unwrap();
    assert_eq!(context.sql(sql).await.unwrap().count().await.unwrap(), 1);
}

#[tokio::test]
async fn columns_that_nobody_needs_are_not_read() {
    let context = context(SessionConfig::new().with_target_partitions(1), 10, 0).await;
    let plan = |sql: &str| format!("EXPLAIN FORMAT INDENT {sql}");
    let sql =
        plan("SELECT user_id FROM allocate(pairs, budget => 3, eligible => eligible) WHERE segment = 's1'");
    let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
    let logical = batches[0].column(1).as_string::<i32>().value(0);
    let said = [
        "Filter: pairs.segment = ",
        "Allocate: unit=pairs.user_id, action=pairs.action, value=pairs.value, cost=pairs.cost, eligible=pairs.eligible, \
         budget=Float64(3)\n",
        "projection=[user_id, action, segment, value, cost, eligible]",
    ];
    let mut rest = logical;
    for said in said {
        let at = rest.find(said).unwrap_or_else(|| panic!("{said} in {logical}"));
        rest = &rest[at..];
    }

    // Columns that guardrails may be on are read: those that the query names, else all.
    let columns = "dimension, member, measure, minimum, maximum";
    let named = format!(
        "(SELECT * FROM (VALUES ('segment', 's1', 'count', NULL, 5)) AS g({columns}) WHERE maximum > 1
          UNION ALL SELECT 'period', '2', 'cumulative_cost', NULL, 9)"
    );
    let unnamed = "(SELECT concat('seg', 'ment', value) AS dimension, '1' AS member, 'count' AS measure,
        1 AS minimum, 2 AS maximum FROM (VALUES ('x')) AS v(value))";
    for (guardrails, read) in [
        (named.as_str(), "projection=[user_id, action, segment, period, value, cost]"),
        (unnamed, "projection=[user_id, action, segment, period, value, cost, eligible, note]"),
    ] {
        let sql =
            plan(&format!("SELECT user_id FROM allocate(pairs, budget => 3, guardrails => {guardrails})"));
        let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
        let logical = batches[0].column(1).as_string::<i32>().value(0);
        assert!(logical.contains(read), "{read} in {logical}");
    }
}

/// Value and cost of the plan for a relation.
async fn value_of(context: &SessionContext, relation: &str, arguments: &str) -> (f64, f64) {
    let sql = format!(
        "SELECT coalesce(sum(value), 0), coalesce(sum(cost), 0) FROM allocate({relation}, {arguments})"
    );
    let frame = context.sql(&sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let number = |column: usize| batches[0].column(column).as_primitive::<Float64Type>().value(0);
    (number(0), number(1))
}

/// What must not change a plan's value, or changes it in a known way, whatever the plan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_follow_their_problems() {
    let context = context(SessionConfig::new().with_target_partitions(2), 150, 0).await;
    let capped = |count: u32| {
        format!(
            "guardrails => (SELECT 'action' AS dimension, 'a3' AS member, 'count' AS measure, {count} AS maximum)"
        )
    };
    for other in ["max_treated => 100".to_string(), capped(20)] {
        let call = |budget: f64| format!("eligible => eligible, budget => {budget:?}, {other}");
        let (value, cost) = value_of(&context, "pairs", &call(100.0)).await;
        assert!(value > 0.0 && cost > 90.0 && cost <= 100.0, "{value} for {cost}");
        let same = |what: &str, got: f64| {
            assert!((got - value).abs() <= 1e-4 * value, "{what}: {got} instead of {value} with {other}");
        };
        let scaled = "(SELECT * REPLACE (value * 1e6 AS value, cost * 1e-3 AS cost) FROM pairs)";
        same("scaled", value_of(&context, scaled, &call(0.1)).await.0 / 1e6);
        let useless = "(SELECT * FROM pairs UNION ALL
            SELECT user_id, 'bad', segment, period, 0.001, 4.0, eligible, note FROM pairs WHERE action = 'a1')";
        same("a useless action", value_of(&context, useless, &call(100.0)).await.0);
        let renamed = "(SELECT * REPLACE (md5(CAST(user_id AS VARCHAR)) AS user_id) FROM pairs)";
        same("other keys", value_of(&context, renamed, &call(100.0)).await.0);
        let mut least = 0.0;
        for budget in [0.0, 1.0, 10.0, 50.0, 100.0, 101.0, 200.0, 400.0] {
            let (value, cost) = value_of(&context, "pairs", &call(budget)).await;
            assert!(cost <= budget && value >= least * (1.0 - 1e-4), "{value} for {cost} at {budget}");
            least = value;
        }
    }
    let mut least = 0.0;
    for count in [0, 1, 5, 20, 100] {
        let arguments = format!("eligible => eligible, budget => 100, {}", capped(count));
        let (value, _) = value_of(&context, "pairs", &arguments).await;
        assert!(value >= least * (1.0 - 1e-4), "{value} with {count}, {least} with fewer");
        least = value;
    }
    let twice = "(SELECT * FROM pairs UNION ALL SELECT * REPLACE (user_id + 1000 AS user_id) FROM pairs)";
    let once = value_of(&context, "pairs", "budget => 100").await.0;
    let both = value_of(&context, twice, "budget => 200").await.0;
    assert!(both >= 2.0 * once * (1.0 - 1e-4) && both <= 2.0 * once * 1.01, "{both} for twice {once}");
}

/// A query that nobody waits for leaves no work behind.
#[test]
fn a_cancelled_query_ends() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sql = format!("SELECT count(*) FROM budget_frontier(pairs, {ARGUMENTS}, points => 10000)");
    runtime.block_on(async {
        let context = context(SessionConfig::new().with_target_partitions(2), 1000, 0).await;
        let frame = context.sql(&sql).await.unwrap();
        let limit = std::time::Duration::from_secs(2);
        assert!(
            tokio::time::timeout(limit, frame.collect()).await.is_err(),
            "ten thousand plans took no time"
        );
    });
    // Waits for work that is still being done.
    let start = std::time::Instant::now();
    drop(runtime);
    assert!(start.elapsed().as_secs() < 60, "the work went on for {:?}", start.elapsed());
}
