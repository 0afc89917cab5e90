//! Queries over a log in Parquet, of `CAUSAL_BENCH_ROWS` rows (a million when not told).

#[allow(dead_code, reason = "every benchmark uses a part of the log")]
mod log;

use std::time::Duration;

use criterion::{Criterion, Throughput};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DR: &str = "dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target)";

fn main() {
    let rows = log::rows(1_000_000);
    let runtime = log::session::runtime();
    let context = runtime.block_on(log::session::context(rows)).expect("the log can be read");
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group(format!("sql/{rows}_rows"));
    group.throughput(Throughput::Elements(rows as u64));
    for (name, sql) in queries() {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (context, sql) = (context.clone(), sql.clone());
                let query = async move { context.sql(&sql).await?.collect().await };
                runtime.block_on(runtime.spawn(query)).expect("no panic").expect("the query runs")
            });
        });
    }
    group.finish();
    criterion.final_summary();
}

fn queries() -> [(&'static str, String); 6] {
    let averages =
        ["reward", "propensity", "target_prob", "q_logged", "q_target"].map(|x| format!("avg({x})"));
    [
        ("five_averages", format!("SELECT {} FROM log", averages.join(", "))),
        ("dr_policy_value_ci", format!("SELECT {DR} FROM log")),
        (
            "ips_snips_dr_policy_value_ci",
            format!(
                "SELECT ips_policy_value_ci(reward, propensity, target_prob),
                        snips_policy_value_ci(reward, propensity, target_prob), {DR} FROM log"
            ),
        ),
        ("dr_policy_value_ci/40_groups", format!("SELECT segment, {DR} FROM log GROUP BY segment")),
        ("dr_policy_value_ci/100000_groups", format!("SELECT cell, {DR} FROM log GROUP BY cell")),
        (
            "dr_policy_value_ci/households",
            format!("SELECT {} FROM log", DR.replace("q_target)", "q_target, household_id)")),
        ),
    ]
}
