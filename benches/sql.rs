//! Queries over a log in Parquet, of `CAUSAL_BENCH_ROWS` rows (a million when not told).

#[allow(dead_code, reason = "every benchmark uses a part of the log")]
mod log;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DR: &str = "dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target)";

fn main() {
    let rows = log::rows(1_000_000);
    let runtime = log::session::runtime();
    let context = runtime.block_on(log::session::context(rows)).expect("the log can be read");
    log::queries::measure(&runtime, &context, &format!("sql/{rows}_rows"), rows as u64, queries());
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
