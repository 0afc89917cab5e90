//! How queries are measured: by criterion, on the engine's threads.

use std::time::Duration;

use criterion::{Criterion, Throughput};
use datafusion::prelude::SessionContext;
use tokio::runtime::Runtime;

/// Measures queries of one group, each over `rows` rows.
pub(crate) fn measure(
    runtime: &Runtime,
    context: &SessionContext,
    group: &str,
    rows: u64,
    queries: impl IntoIterator<Item = (&'static str, String)>,
) {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(rows));
    for (name, sql) in queries {
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
