//! The kernels of `allocate` alone, over 200,000 units of five actions each in memory, on one thread.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use datafusion_causal::AllocationKernels;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const UNITS: u32 = 200_000;
const ACTIONS: u32 = 5;
/// The price of a tenth of what all pairs cost.
const PRICE: f64 = 4.6;

/// Log-normal costs and values of less growth, the same each time.
fn pairs() -> (Vec<f64>, Vec<f64>) {
    let pair = |i: u32| {
        let (unit, action) = (f64::from(i / ACTIONS), f64::from(i % ACTIONS));
        let cost = (0.3 + 0.4 * action) * (0.2 * (unit * 12.9898 + action * 78.233).sin()).exp();
        let (base, noise) = ((unit * 39.3468).sin(), (unit * 93.9737 + action * 11.135).sin());
        (2.0 * cost.powf(0.6) * (0.5 * base + noise).exp(), cost)
    };
    (0..UNITS * ACTIONS).map(pair).unzip()
}

fn main() {
    let (values, costs) = pairs();
    let kernels = |by_action| AllocationKernels::new(values.clone(), costs.clone(), ACTIONS, by_action, 1);
    let (budget, by_action) = (kernels(false), kernels(true));
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group(format!("allocation/{UNITS}_units/{ACTIONS}_actions"));
    group.throughput(Throughput::Elements(u64::from(UNITS * ACTIONS)));
    group.bench_function("hulls", |bencher| bencher.iter(|| budget.hulls()));
    let steps = budget.hulls();
    group.bench_function("order", |bencher| {
        bencher.iter_batched(|| steps.clone(), |steps| budget.order(steps), BatchSize::LargeInput);
    });
    group.bench_function("frontier/50_points", |bencher| bencher.iter(|| budget.frontier(50)));
    group.bench_function("price/1_limit", |bencher| bencher.iter(|| budget.price()));
    for (kernels, limits) in [(&budget, 1), (&by_action, 1 + ACTIONS)] {
        let price = PRICE / f64::from(limits.min(2));
        group.bench_function(format!("dual_pass/{limits}_limits"), |bencher| {
            bencher.iter(|| kernels.dual_pass(black_box(price)));
        });
        group.bench_function(format!("smoothed_pass/{limits}_limits"), |bencher| {
            bencher.iter(|| kernels.smoothed_pass(black_box(price), 0.01));
        });
    }
    group.finish();
    criterion.final_summary();
}
