//! The aggregates alone: columns in memory into an accumulator, without the engine around it.

#[allow(dead_code, reason = "every benchmark uses a part of the log")]
mod log;

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 8192;
const BATCHES: usize = 16;
const ROWS: usize = BATCH * BATCHES;

/// One call of every kernel.
const CALLS: [&str; 46] = [
    "avg(reward)",
    "mean_ci(reward)",
    "mean_ci(reward, household_id)",
    "diff_in_means_ci(reward, treated)",
    "ipw_mean_ci(reward, propensity)",
    "ipw_ate_ci(reward, treated, propensity)",
    "aipw_ate_ci(reward, treated, propensity, q_logged, q_target)",
    "relative_lift_ci(reward, treated)",
    "relative_lift_ci(reward, treated, propensity)",
    "cuped_ate_ci(reward, treated, q_logged)",
    "ratio_diff_ci(reward, q_logged, treated)",
    "late_ci(reward, treated, treated)",
    "incremental_cost_per_value_ci(reward, q_logged, treated)",
    "incremental_cost_per_value_ci(reward, q_logged, treated, propensity)",
    "ips_policy_value_ci(reward, propensity, target_prob)",
    "snips_policy_value_ci(reward, propensity, target_prob)",
    "dm_policy_value_ci(q_target)",
    "dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target)",
    "dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id)",
    "sndr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target)",
    "switch_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, {'lambda': 2})",
    "dros_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, {'lambda': 2})",
    "subgaussian_dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, {'lambda': 0.1})",
    "mips_policy_value_ci(reward, propensity, target_prob)",
    "ips_policy_lift_ci(reward, propensity, target_prob)",
    "dr_policy_lift_ci(reward, propensity, target_prob, q_logged, q_target)",
    "qini_ci(q_target, reward, treated, propensity)",
    "autoc_ci(q_target, reward, treated, propensity)",
    "uplift_at_ci(q_target, reward, treated, propensity)",
    "qini_ci(q_target, reward)",
    "calibration_slope_ci(q_target, reward, treated, propensity)",
    "uplift_calibration_bins(q_target, reward, treated, propensity)",
    "uplift_curve(q_target, reward, treated, propensity)",
    "cost_curve(q_target, reward, q_logged, treated, propensity)",
    "aucc_ci(q_target, reward, q_logged, treated, propensity)",
    "rank_stability(q_target, q_logged)",
    "redemption_curve(household_id % 50, treated, reward)",
    "in_period_spend(household_id % 50, treated, reward, 100)",
    "bias_factor_ci(reward, q_logged)",
    "psi(reward, treated)",
    "dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target, household_id, {'interval': 'bootstrap'})",
    "ks_test(reward, treated)",
    "smd(reward, treated)",
    "ess(propensity)",
    "weight_mean_test(propensity)",
    "srm_test(action, {'no_offer': 1, 'email': 1, 'coupon': 1, 'gift': 1, 'call': 1})",
];

fn main() {
    let runtime = log::session::runtime();
    let batches: Vec<RecordBatch> = (0..BATCHES).map(|i| log::batch(ROWS, i * BATCH, BATCH)).collect();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    for call in CALLS {
        let planned = runtime.block_on(log::calls::planned(call, &batches)).expect("the call can be planned");
        let mut group = criterion.benchmark_group(call);
        group.throughput(Throughput::Elements(ROWS as u64));
        bench(&mut group, &planned).expect("the rows are valid");
        group.finish();
    }
    criterion.final_summary();
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, (aggregate, arguments): &log::calls::Call) -> Result<()> {
    group.bench_function("one_state", |bencher| {
        bencher.iter(|| {
            let mut accumulator = aggregate.create_accumulator()?;
            arguments.iter().try_for_each(|values| accumulator.update_batch(values))?;
            black_box(accumulator.evaluate())
        });
    });
    if !aggregate.groups_accumulator_supported() {
        return Ok(());
    }
    for groups in [40, 10_000] {
        let indices: Vec<usize> = (0..BATCH).map(|row| row * 7_919 % groups).collect();
        group.bench_function(format!("{groups}_states"), |bencher| {
            bencher.iter(|| {
                let mut accumulator = aggregate.create_groups_accumulator()?;
                for values in arguments {
                    accumulator.update_batch(values, &indices, None, groups)?;
                }
                black_box(accumulator.evaluate(EmitTo::All))
            });
        });
    }
    let first = &arguments[0];
    let states = aggregate.create_groups_accumulator()?.convert_to_state(first, None)?;
    let indices: Vec<usize> = (0..BATCH).map(|row| row % 40).collect();
    group.bench_function("merge_row_states", |bencher| {
        bencher.iter(|| {
            let mut accumulator = aggregate.create_groups_accumulator()?;
            for _ in 0..BATCHES {
                accumulator.merge_batch(&states, &indices, 40)?;
            }
            black_box(accumulator.evaluate(EmitTo::All))
        });
    });
    Ok(())
}
