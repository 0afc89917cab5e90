//! Learners and the engine: order, partitions, what folds keep apart, and laws that models keep.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

/// A log of `units` units: an effect that grows with `visits` and depends on the channel, noise, NULLs, in the order of a
/// hash when `shuffle` is not 0.
fn log(units: usize, shuffle: u64) -> String {
    let draw = |salt: u64| format!("((u * 7919 + {salt}) * 104729 % 65537) / 65537.0");
    format!(
        "SELECT u, treated, visits, channel, loyal, age, 2 * visits + CASE channel WHEN 'web' THEN 1 ELSE 0 END
             + treated * (1 + visits * CASE WHEN loyal THEN 0.5 ELSE 1 END) + {noise} AS value, treated * (0.5 + visits / 10.0) AS cost,
             0.2 + 0.5 * {share} AS propensity
         FROM (SELECT u, CASE WHEN {arm} < 0.2 + 0.5 * {share} THEN 1 ELSE 0 END AS treated, u % 7 AS visits,
             CASE u % 3 WHEN 0 THEN 'web' WHEN 1 THEN 'app' END AS channel, u % 5 > 1 AS loyal, nullif(u % 11, 4) / 2.0 AS age
           FROM generate_series(1, {units}) AS units(u))
         ORDER BY CASE WHEN {shuffle} = 0 THEN u ELSE (u * 48271 + {shuffle}) % 65537 END",
        noise = draw(3),
        share = draw(5),
        arm = draw(17),
    )
}

async fn context(config: SessionConfig, units: usize, shuffle: u64) -> SessionContext {
    let partitions = config.target_partitions();
    let context = SessionContext::new_with_state(datafusion_causal::session::builder(config).build());
    let batches = context.sql(&log(units, shuffle)).await.unwrap().collect().await.unwrap();
    let size = batches.len().div_ceil(partitions).max(1);
    let mut parts: Vec<_> = batches.chunks(size).map(<[_]>::to_vec).collect();
    parts.resize(partitions, vec![]);
    let table = MemTable::try_new(batches[0].schema(), parts).unwrap();
    context.register_table("log", Arc::new(table)).unwrap();
    context
}

async fn shown(context: &SessionContext, sql: &str) -> String {
    let frame = context.sql(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    pretty_format_batches(&batches).unwrap().to_string()
}

async fn number(context: &SessionContext, sql: &str) -> f64 {
    let batches =
        context.sql(sql).await.unwrap().collect().await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let column = cast(batches[0].column(0), &DataType::Float64).unwrap();
    column.as_primitive::<Float64Type>().value(0)
}

const FEATURES: &str = "features(visits, channel, loyal, age)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_batches_and_partitions_change_no_byte() {
    let models = |unit: &str| {
        let model = |call: &str| format!("sha256(CAST({call} AS BYTEA))");
        let trees = "'trees': 8, 'folds': 3, 'min_rows': 2";
        // Linear functions from sums: of each method, with weights, bags and several outcomes.
        let sums = ["x", "t", "s", "r", "dr"].map(|method| {
            let of = |outcome: &str, options: &str| {
                model(&format!(
                    "cate_{method}learner({outcome}, treated, propensity, {FEATURES}{unit}, {{'learner': 'linear', {options}}})"
                ))
            };
            format!("{}, {}", of("{'v': value, 'c': cost}", "'folds': 3"), of("value + 1e8", "'bags': 2, 'weights': 'ipw'"))
        });
        format!(
            "SELECT {}, {}, {}, {}, {}, {}, {} FROM log",
            sums.join(", "),
            model(&format!(
                "outcome_model(value, {{'a': 1e8 + age, 'c': channel, 'l': loyal}}{unit}, {{'learner': 'linear', 'folds': 3}})"
            )),
            model(&format!(
                "cate_xlearner({{'v': value, 'c': cost}}, treated, propensity, {FEATURES}{unit}, {{{trees}, 'bags': 2, 'subsample': 0.7}})"
            )),
            model(&format!(
                "cate_xlearner(value, treated, NULL, {FEATURES}{unit}, {{'learner': 'linear', 'folds': 3}})"
            )),
            model(&format!("cate_rlearner(value, treated, propensity, {FEATURES}{unit}, {{{trees}}})")),
            model(&format!(
                "cate_drlearner(value, treated, propensity, {FEATURES}{unit}, {{{trees}, 'weights': 'ipw'}})"
            )),
            model(&format!("propensity_model(treated, {FEATURES}{unit}, {{{trees}}})")),
        )
    };
    let config =
        |partitions, batch| SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch);
    for unit in ["", ", u"] {
        let reference = shown(&context(config(1, 8192), 1500, 0).await, &models(unit)).await;
        for (partitions, batch, shuffle) in [(3, 100, 0), (4, 33, 2)] {
            let other = shown(&context(config(partitions, batch), 1500, shuffle).await, &models(unit)).await;
            assert!(
                reference == other,
                "{partitions} partitions, batches of {batch}, shuffle {shuffle}, unit '{unit}'"
            );
        }
    }
}

/// Units with features, treatment and outcome that have nothing to do with each other.
fn noise(seed: u64) -> RecordBatch {
    // SplitMix64, Steele, Lea and Flood (2014).
    let mut counter = seed;
    let mut uniform = || {
        counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (counter ^ (counter >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut column = || -> ArrayRef { Arc::new((0..2000).map(|_| uniform()).collect::<Float64Array>()) };
    let unit: ArrayRef = Arc::new((0..2000).collect::<Int64Array>());
    let columns = [("u", unit), ("arm", column()), ("outcome", column()), ("a", column()), ("b", column())];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The correlation of what a model says of the units it was trained on, with what they did.
#[tokio::test]
async fn folds_keep_what_a_unit_did_from_what_is_said_of_it() {
    let effect = "(CAST(arm < 0.45 AS INT) - 0.5) * (outcome - 0.5)";
    for (learner, arms, did) in [
        ("cate_xlearner", "arm < 0.45, 0.45, ", effect),
        ("cate_rlearner", "arm < 0.45, 0.45, ", effect),
        ("cate_drlearner", "arm < 0.45, 0.45, ", effect),
        ("outcome_model", "", "outcome"),
    ] {
        let (mut seen, mut unseen) = (vec![], vec![]);
        for seed in 1..=4 {
            let context = SessionContext::new_with_state(
                datafusion_causal::session::builder(SessionConfig::new()).build(),
            );
            context.register_batch("log", noise(seed)).unwrap();
            let of = |options: &str, unit: &str| {
                format!(
                    "SELECT corr(predict((SELECT {learner}(outcome, {arms}features(a, b), u, {options}) FROM log),
                      features(a, b){unit}), {did}) FROM log"
                )
            };
            let trees = |folds: u32| format!("{{'folds': {folds}, 'min_leaf_rows': 2, 'l2': 0}}");
            seen.push(number(&context, &of(&trees(1), "")).await);
            unseen.push(number(&context, &of(&trees(5), ", u")).await);
            unseen.push(number(&context, &of("{'learner': 'linear', 'l2': 0}", ", u")).await);
        }
        // Standard error of a correlation: 1 / sqrt(2000) of one, 0.01 of the mean of four. Means of the other folds lie on
        // the other side of those of a fold, by about sqrt(5 / 2000).
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        assert!(mean(&seen) > 0.3, "{learner}: in sample it learns by heart, got {seen:?}");
        assert!(mean(&unseen) < 0.03 && mean(&unseen) > -0.08, "{learner}: {unseen:?}");
    }
}

#[tokio::test]
async fn laws_of_effects() {
    let context = context(SessionConfig::new(), 1200, 0).await;
    for learner in ["cate_xlearner", "cate_tlearner", "cate_rlearner", "cate_drlearner"] {
        for options in ["{'learner': 'linear', 'folds': 3}", "{'trees': 10, 'folds': 1}"] {
            let model = |outcome: &str, treated: &str, propensity: &str| {
                format!("{learner}({outcome}, {treated}, {propensity}, {FEATURES}, u, {options})")
            };
            let far = |other: &str, compared: &str| {
                format!(
                    "SELECT max(abs({compared})) FROM (SELECT predict(m.a, {FEATURES}) AS a, predict(m.b, {FEATURES}) AS b
                       FROM log CROSS JOIN (SELECT {} AS a, {other} AS b FROM log) AS m)",
                    model("value", "treated", "propensity")
                )
            };
            let moved = number(&context, &far(&model("value + 64", "treated", "propensity"), "a - b")).await;
            assert!(
                moved < 1e-6,
                "{learner} {options}: a constant added to the outcome moves effects by {moved}"
            );
            let swapped =
                number(&context, &far(&model("value", "1 - treated", "1 - propensity"), "a + b")).await;
            assert!(swapped < 1e-6, "{learner} {options}: swapped arms give other effects by {swapped}");
        }
    }
}

#[tokio::test]
async fn rows_twice_are_weights_of_two() {
    let context = context(SessionConfig::new(), 600, 0).await;
    for options in ["{'learner': 'linear', 'folds': 1}", "{'trees': 10, 'folds': 1}"] {
        let far = number(
            &context,
            &format!(
                "SELECT max(abs(predict(a, {FEATURES}) - predict(b, {FEATURES}))) FROM log CROSS JOIN (
                   SELECT outcome_model(value, {FEATURES}, u, CASE WHEN visits < 3 THEN 2 ELSE 1 END, {options}) AS a FROM log) CROSS JOIN (
                   SELECT outcome_model(value, {FEATURES}, u, {options}) AS b
                   FROM (SELECT * FROM log UNION ALL SELECT * FROM log WHERE visits < 3))"
            ),
        )
        .await;
        assert!(far < 1e-9, "{options}: {far}");
    }
}

/// Models joined to rows are decoded once, and never copied by row.
#[tokio::test]
async fn models_are_joined_to_rows() {
    let context = context(SessionConfig::new(), 1000, 0).await;
    let models = "CREATE TABLE models AS SELECT loyal AS of, cate_tlearner(value, treated, propensity, features(visits, age, u), u,
        {'min_leaf_rows': 2, 'l2': 0, 'learning_rate': 0.02, 'trees': 30, 'folds': 3, 'bags': 4}) AS model FROM log GROUP BY loyal";
    context.sql(models).await.unwrap().collect().await.unwrap();
    let bytes =
        number(&context, "SELECT min(length(encode(CAST(model AS BYTEA), 'hex'))) / 2 FROM models").await;
    assert!(bytes > 1e5, "{bytes}");
    let joined =
        "SELECT count(predict(model, features(visits, age, u), u)) FROM log JOIN models ON loyal = of
        CROSS JOIN generate_series(1, 10)";
    assert_eq!(number(&context, joined).await, 10_000.0);
}
