//! `log_contract` on campaigns whose faults are known: every fault is found, and a clean log has none.

use std::path::Path;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

use super::files;
use super::tour::Tour;
use crate::cli::engine::{Engine, EngineOptions};

/// The log as it is, one row per decision.
const DECISIONS: &str = "SELECT * FROM log_contract((SELECT * FROM damaged), action => action,
    propensity => propensity, unit => user_id, outcome => value, decision => decision_id, assigned_at => decided_at,
    observed_at => redeemed_at)";

/// The log with all propensities, one row per decision and action.
const ALL_ACTIONS: &str = "SELECT * FROM log_contract(
    (SELECT decision_id, p['action'] AS choice, p['propensity'] AS probability,
       CASE WHEN action = p['action'] THEN value END AS outcome
     FROM (SELECT *, unnest([
       {'action': 'no_offer', 'propensity': propensity_no_offer},
       {'action': 'free_delivery', 'propensity': propensity_free_delivery},
       {'action': 'discount_5', 'propensity': propensity_discount_5},
       {'action': 'discount_10', 'propensity': propensity_discount_10},
       {'action': 'cashback', 'propensity': propensity_cashback}]) AS p FROM damaged)),
    action => choice, propensity => probability, outcome => outcome, decision => decision_id)";

/// A fault, the rule that must find it, the form of the log that shows it, and how often it is there.
struct Fault {
    rule: &'static str,
    form: &'static str,
    damaged: &'static str,
    count: &'static str,
}

const FAULTS: [Fault; 9] = [
    Fault {
        rule: "propensity_null",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN NULL ELSE propensity END AS propensity) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "action_null",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN NULL ELSE action END AS action) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "outcome_null",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN NULL ELSE value END AS value) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "propensity_range",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN 0 ELSE propensity END AS propensity) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "propensity_range",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN 1.2 ELSE propensity END AS propensity) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "propensity_sum",
        form: ALL_ACTIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN propensity_cashback + 0.01 ELSE propensity_cashback END
            AS propensity_cashback) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "duplicates",
        form: DECISIONS,
        damaged: "SELECT * FROM decisions UNION ALL SELECT * FROM decisions WHERE decision_id % 97 = 0",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
    Fault {
        rule: "mean_weight",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN action = 'discount_5' THEN propensity * 0.8 ELSE propensity END AS propensity)
            FROM decisions",
        count: "SELECT 1",
    },
    Fault {
        rule: "outcome_before_assignment",
        form: DECISIONS,
        damaged: "SELECT * REPLACE (CASE WHEN decision_id % 97 = 0 THEN decided_at - INTERVAL '1 hour' ELSE redeemed_at END
            AS redeemed_at) FROM decisions",
        count: "SELECT count(*) FROM decisions WHERE decision_id % 97 = 0",
    },
];

/// Writes a campaign and runs `work` in a session with its views.
pub(super) fn with_campaign<T: Send + 'static, F: Future<Output = Result<T>> + Send>(
    users: usize,
    seed: u64,
    work: impl FnOnce(SessionContext) -> F + Send + 'static,
) -> T {
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = directory.path();
    files::write(path, users, seed).unwrap();
    let tour = Tour::of(path).unwrap();
    let mut engine = Engine::start(&EngineOptions::default()).unwrap();
    let result = engine.run(|session| async move {
        tour.create_views(&session.context).await?;
        Ok(work(session.context).await?)
    });
    result.unwrap()
}

/// The first column of the first row.
async fn number(context: &SessionContext, sql: &str) -> Result<i64> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(batches[0].column(0).as_primitive::<Int64Type>().value(0))
}

/// The number of rules that a log breaks.
async fn alarms(context: &SessionContext, log: &str, form: &str) -> Result<i64> {
    context.sql(&format!("CREATE OR REPLACE VIEW damaged AS {log}")).await?.collect().await?;
    number(context, &format!("SELECT count(*) FROM ({form}) WHERE severity IN ('error', 'warning')")).await
}

#[test]
fn every_seeded_fault_is_found() {
    for seed in [1, 2] {
        with_campaign(20_000, seed, |context| async move {
            for Fault { rule, form, damaged, count } in FAULTS {
                assert!(alarms(&context, damaged, form).await? >= 1, "{rule}: {damaged}");
                let found =
                    format!("SELECT violations FROM ({form}) WHERE rule = '{rule}' AND severity = 'error'");
                let expected = number(&context, count).await?;
                assert_eq!(number(&context, &found).await?, expected, "{rule}: {damaged}");
            }
            Ok(())
        });
    }
}

#[test]
fn a_clean_log_raises_at_most_one_alarm_in_twenty() {
    let clean = "SELECT * FROM decisions";
    let alarmed = (1..=50).filter(|&seed| {
        with_campaign(1_500, seed, move |context| async move {
            Ok(alarms(&context, clean, DECISIONS).await? + alarms(&context, clean, ALL_ACTIONS).await? > 0)
        })
    });
    let alarmed: Vec<_> = alarmed.collect();
    assert!(alarmed.len() <= 2, "false alarms in campaigns {alarmed:?}");
}
