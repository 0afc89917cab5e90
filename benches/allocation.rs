//! `allocate` over pairs in memory, of `CAUSAL_BENCH_USERS` users with five actions each (200,000 when not told).

#[allow(dead_code, reason = "every benchmark uses a part of the log")]
mod log;

use datafusion::prelude::{SessionConfig, SessionContext};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Users with five actions each, of log-normal cost and value, in ten segments.
const PAIRS: &str = "
    CREATE TABLE pairs AS
    SELECT user_id, 'a' || action AS action, 's' || ((user_id * 7919) % 10) AS segment, cost,
           2 * base * power(cost, 0.6) * exp(0.5 * noise) - 0.8 AS value
    FROM (SELECT user_id, action, (0.3 + 0.4 * action) * exp(0.2 * sin(user_id * 12.9898 + action * 78.233)) AS cost,
                 exp(0.5 * sin(user_id * 39.3468)) AS base, 2 * sin(user_id * 93.9737 + action * 11.135) AS noise
          FROM (SELECT value AS user_id, unnest([0, 1, 2, 3, 4]) AS action FROM generate_series(1, USERS)))";

fn main() {
    let users: u64 =
        std::env::var("CAUSAL_BENCH_USERS").ok().and_then(|users| users.parse().ok()).unwrap_or(200_000);
    let runtime = log::session::runtime();
    let config = SessionConfig::new().with_target_partitions(log::session::threads());
    let context = SessionContext::new_with_state(datafusion_causal::session::builder(config).build());
    let pairs = PAIRS.replace("USERS", &users.to_string());
    runtime.block_on(async { context.sql(&pairs).await?.collect().await }).expect("the pairs are made");
    let queries = cases(users)
        .map(|(name, options)| (name, format!("SELECT count(*) FROM allocate(pairs, {options})")));
    log::queries::measure(&runtime, &context, &format!("allocate/{users}_users"), 5 * users, queries);
}

/// A budget that does not bind, one that does, and one with caps on actions, budgets of segments and averages.
fn cases(users: u64) -> [(&'static str, String); 3] {
    let share = |share: f64| share * users as f64;
    let actions = [0.30, 0.12, 0.10, 0.08, 0.06].into_iter().enumerate();
    let actions = actions.map(|(k, most)| format!("('action', 'a{k}', 'count', NULL, {})", share(most)));
    let segment = |k: i32| 0.045 * (0.5 + 0.12 * f64::from(k));
    let segments = (0..10).map(|k| format!("('segment', 's{k}', 'cost', NULL, {})", share(segment(k))));
    let rows: Vec<String> = actions.chain(segments).collect();
    let budget = format!("budget => {}", share(0.45));
    let guardrails = format!(
        "{budget}, max_treated => {}, average_cost_per_value => 0.5, guardrails => (SELECT * FROM (VALUES {})
            AS g(dimension, member, measure, minimum, maximum))",
        share(0.5),
        rows.join(", ")
    );
    [("no_limit", format!("budget => {}", share(100.0))), ("budget", budget), ("18_guardrails", guardrails)]
}
