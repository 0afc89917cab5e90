//! The learners alone: columns in memory into a model, and features into predictions, without the engine around them.

#[allow(dead_code, reason = "every benchmark uses a part of the log")]
mod log;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::error::Result;
use datafusion::physical_plan::PhysicalExpr;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 20_000;
/// Rows that the engine hands over at a time.
const BATCH: usize = 8192;
/// Twelve, one of them text; what was done is left to chance.
const FEATURES: &str = "{'segment': segment, 'cell': cell, 'action': action, 'household': household_id, \
    'propensity': propensity, 'target': target_prob, 'q_logged': q_logged, 'q_target': q_target, \
    'gap': q_target - q_logged, 'ratio': target_prob / propensity, 'wave': sin(q_target), 'day': decision_id % 7}";
const TREATED: &str = "decision_id % 2, 0.5";

/// Names and calls that train.
fn trainings() -> Vec<(String, String)> {
    let mut trainings = vec![
        (
            "read_and_bin".to_string(),
            format!("outcome_model(reward, {FEATURES}, {{'folds': 1, 'trees': 1}})"),
        ),
        (
            "cate_xlearner/defaults".to_string(),
            format!("cate_xlearner(reward, {TREATED}, {FEATURES}, user_id)"),
        ),
    ];
    for learner in ["boosting", "linear"] {
        let options = format!("{{'learner': '{learner}', 'folds': 1}}");
        for function in ["cate_xlearner", "cate_tlearner", "cate_drlearner"] {
            let call = format!("{function}(reward, {TREATED}, {FEATURES}, {options})");
            trainings.push((format!("{function}/{learner}"), call));
        }
        trainings.push((
            format!("outcome_model/{learner}"),
            format!("outcome_model(reward, {FEATURES}, {options})"),
        ));
    }
    let options = "{'learner': 'linear', 'folds': 1}";
    let call = format!("propensity_model(decision_id % 2, {FEATURES}, {options})");
    trainings.push(("propensity_model/linear".to_string(), call));
    trainings
}

/// Names, calls that train, and calls that predict.
fn predictions() -> [(&'static str, String, &'static str); 4] {
    let trained = |options: &str| format!("outcome_model(reward, {FEATURES}, user_id, {options})");
    let boosting = || trained("{'folds': 1}");
    [
        ("boosting/100_trees", boosting(), "predict(model, features)"),
        ("boosting/5_folds", trained("{'trees': 20}"), "predict(model, features, user_id)"),
        (
            "boosting/bag_spread",
            trained("{'folds': 1, 'bags': 5, 'trees': 20}"),
            "predict_ci(model, features)",
        ),
        ("linear", trained("{'learner': 'linear', 'folds': 1}"), "predict(model, features)"),
    ]
}

fn main() {
    let runtime = log::session::runtime();
    let batches: Vec<RecordBatch> =
        (0..ROWS).step_by(BATCH).map(|start| log::batch(ROWS, start, BATCH)).collect();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("train");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, call) in trainings() {
        let (aggregate, arguments) =
            runtime.block_on(log::calls::planned(&call, &batches)).expect("the call can be planned");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut accumulator = aggregate.create_accumulator().expect("the options are valid");
                for values in &arguments {
                    accumulator.update_batch(values).expect("the rows are valid");
                }
                black_box(accumulator.evaluate()).expect("a model can be trained")
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("predict");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, training, prediction) in predictions() {
        let (expression, batch) = runtime
            .block_on(asked(&training, prediction, &batches))
            .expect("a model can be trained and asked");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                black_box(expression.evaluate(&batch)).expect("the features are those of the model")
            });
        });
    }
    group.finish();
    criterion.final_summary();
}

/// A call that predicts, and a batch of a model with what it is asked.
async fn asked(
    training: &str,
    prediction: &str,
    batches: &[RecordBatch],
) -> Result<(Arc<dyn PhysicalExpr>, RecordBatch)> {
    let context = log::calls::context(batches)?;
    let rows = format!(
        "SELECT model, {FEATURES} AS features, user_id
         FROM (SELECT * FROM log LIMIT {BATCH}) CROSS JOIN (SELECT {training} AS model FROM log)"
    );
    let rows = context.sql(&rows).await?;
    let schema = rows.schema().clone();
    let expression = context.parse_sql_expr(prediction, &schema)?;
    let expression = context.create_physical_expr(expression, &schema)?;
    let rows = rows.collect().await?;
    Ok((expression, concat_batches(&rows[0].schema(), &rows)?))
}
