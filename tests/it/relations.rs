//! Relation functions: they read what they are given once.

use datafusion::arrow::array::AsArray;
use datafusion::prelude::{SessionConfig, SessionContext};

/// A call of every macro over `log`.
const CALLS: [&str; 15] = [
    "arm_effects((SELECT * FROM log), outcome => reward, arm => action, control => 'none', cluster => unit,
       shares => {'none': 1, 'mail': 1})",
    "balance_table((SELECT * FROM log), treated => reward, covariates => {'q': q, 'unit': unit}, weight => propensity)",
    "cate_grid((SELECT * FROM log), outcome => reward, treated => q, propensity => propensity, features => {'unit': unit},
       unit => unit)",
    "cell_support((SELECT * FROM log), action => action, propensity => propensity, segment => unit,
       target_prob => target_prob, reward => reward, family => action)",
    "overlap_report((SELECT * FROM log), treated => reward, propensity => propensity, segment => unit)",
    "calibration_over_time((SELECT * FROM log), period => assigned_at, prediction => q, outcome => q, treated => reward,
       propensity => propensity, cluster => unit)",
    "confidence_sequence((SELECT * FROM log), position => assigned_at, reward => reward, propensity => propensity,
       target_prob => target_prob, unit => unit, series => action, lower => 0, upper => 1, max_weight => 1, points => 5)",
    "drift_report((SELECT * FROM log), is_current => reward, features => {'q': q}, levels => {'action': action},
       segment => unit)",
    "uplift_report((SELECT * FROM log), outcome => q, treated => reward, propensity => propensity,
       scores => {'q': q, 'unit': unit}, unit => unit, cost => q, cluster => unit)",
    "feature_contract((SELECT * FROM log), is_current => reward, features => {'q': q}, levels => {'action': action},
       unit => unit)",
    "horizon_reliability((SELECT * FROM log), horizons => {'q': q, 'reward': reward}, treated => unit % 2,
       cluster => decision)",
    "joint_effects((SELECT * FROM log), outcome => reward, programs => {'a': unit % 2, 'b': decision % 2},
       propensity => propensity, stratum => unit, partition => action, unit => unit)",
    "propensity_audit((SELECT * FROM log), action => action, propensity => propensity, segment => unit)",
    "log_contract((SELECT * FROM log), action => action, propensity => propensity, unit => unit, outcome => reward,
       decision => decision, assigned_at => assigned_at, observed_at => observed_at)",
    "ope_report((SELECT * FROM log), reward => reward, propensity => propensity, target_prob => target_prob,
       q_logged => q, q_target => q, policy => action, baseline_prob => target_prob, q_baseline => q, cluster => unit)",
];

#[tokio::test]
async fn macros_read_their_input_once() {
    let context =
        SessionContext::new_with_state(datafusion_causal::session::builder(SessionConfig::new()).build());
    context
        .sql(
            "CREATE TABLE log AS SELECT value AS unit, value AS decision, 'none' AS action, 0.5 AS propensity,
               0.5 AS target_prob, 1.0 AS reward, 1.0 AS q, TIMESTAMP '2026-01-01' AS assigned_at,
               TIMESTAMP '2026-01-02' AS observed_at
             FROM generate_series(1, 10)",
        )
        .await
        .unwrap();
    for call in CALLS {
        let sql = format!("EXPLAIN FORMAT INDENT SELECT * FROM {call}");
        let plans = context.sql(&sql).await.unwrap().collect().await.unwrap();
        let plan = plans[0].column(1).as_string::<i32>().iter().flatten().last().unwrap();
        // What is trained on rows is asked about them; its candidates are a table of their own.
        let times = if call.starts_with("cate_grid") { 3 } else { 1 };
        assert_eq!(plan.matches("DataSourceExec").count(), times, "{call}\n{plan}");
    }
}

#[test]
fn every_macro_is_called() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/relations")).unwrap();
    for file in files {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(CALLS.iter().any(|call| call.starts_with(&format!("{name}("))), "{name}");
    }
}
