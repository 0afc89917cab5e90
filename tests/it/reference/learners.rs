//! Meta-learners: the effects that EconML and causalml estimate, and the true ones of simulated outcomes.

use serde_json::Value;

use super::{Shared, Tolerance, check, number};

/// The features of Hillstrom's e-mails; the libraries have them as dummies.
const HILLSTROM: &str = "{'recency': recency, 'history': history, 'mens': mens, 'womens': womens, 'newbie': newbie, \
    'zip_code': zip_code, 'channel': channel}";

#[tokio::test]
async fn linear_effects_of_emails() {
    let Some(shared) = Shared::find("linear_effects_of_emails") else { return };
    let context = shared.session(&["hillstrom"]).await;
    for library in ["xlearner_econml", "xlearner_causalml"] {
        for case in shared.reference(library)["linear"].as_array().unwrap() {
            let propensity = match &case["propensity"] {
                Value::String(formula) => formula.clone(),
                propensity => propensity.to_string(),
            };
            let ridge = case["learner"].as_str().unwrap().contains("ridge_effect_alpha_20000");
            let ridge = if ridge { ", 'effect_l2': 20000, 'l2_scale': 'raw'" } else { "" };
            let effects = format!(
                "(SELECT row_id, predict((SELECT cate_xlearner(spend, arm = 'womens_email', {propensity}, {HILLSTROM},
                     {{'learner': 'linear', 'folds': 1, 'l2': 0{ridge}}})
                   FROM hillstrom WHERE arm IN ('womens_email', 'no_email')), {HILLSTROM}) AS effect
                  FROM hillstrom WHERE arm IN ('womens_email', 'no_email'))"
            );
            let mut expected = vec![
                ("avg(effect)".to_string(), number(case, "ate_mean_of_cates")),
                ("stddev_pop(effect)".to_string(), number(case, "cate_sd_ddof0")),
            ];
            let (rows, values) = (&case["first_20_row_ids"], &case["first_20_cates"]);
            for (row, value) in rows.as_array().unwrap().iter().zip(values.as_array().unwrap()) {
                expected
                    .push((format!("max(effect) FILTER (WHERE row_id = {row})"), value.as_f64().unwrap()));
            }
            let expected: Vec<_> = expected.iter().map(|(sql, value)| (sql.as_str(), *value)).collect();
            check(&context, &effects, Tolerance::Absolute(1e-10), &expected).await;
        }
    }
}

/// The root of the mean square of predicted less true effects, by replication of IHDP.
fn pehe_of(learner: &str, options: &str) -> String {
    let features: Vec<String> = (1..=25).map(|i| format!("x{i}")).collect();
    let features = format!("features({})", features.join(", "));
    format!(
        "(SELECT d.replication, sqrt(avg(power(predict(m.model, {features}) - d.tau, 2))) AS pehe
          FROM ihdp AS d JOIN (SELECT replication, {learner}(y, treat, NULL, {features}, row_id, {options}) AS model
            FROM ihdp GROUP BY replication) AS m ON d.replication = m.replication GROUP BY d.replication)"
    )
}

#[tokio::test]
async fn true_effects_of_infant_health() {
    let Some(shared) = Shared::find("true_effects_of_infant_health") else { return };
    let context = shared.session(&["ihdp"]).await;
    let reference = shared.reference("xlearner_econml");
    let by_replication = |library: &str| -> Vec<(String, f64)> {
        let of = |case: &Value| {
            let sql = format!("max(pehe) FILTER (WHERE replication = {})", case["replication"]);
            (sql, number(case, &format!("{library}/sqrt_pehe_in_sample")))
        };
        reference["ihdp"].as_array().unwrap().iter().map(of).collect()
    };
    let linear = by_replication("linear");
    let expected: Vec<_> = linear.iter().map(|(sql, value)| (sql.as_str(), *value)).collect();
    let least_squares = pehe_of("cate_xlearner", "{'learner': 'linear', 'folds': 1, 'l2': 0}");
    check(&context, &least_squares, Tolerance::Absolute(1e-9), &expected).await;

    let mean = |of: &[(String, f64)]| of.iter().map(|(_, value)| value).sum::<f64>() / of.len() as f64;
    let crossed = pehe_of("cate_xlearner", "{'learner': 'linear'}");
    check(
        &context,
        &crossed,
        Tolerance::Absolute(0.0),
        &[(&format!("avg(pehe) <= 1.02 * {}", mean(&linear)), 1.0)],
    )
    .await;
    let trees = pehe_of("cate_xlearner", "{'learner': 'boosting'}");
    let lightgbm = mean(&by_replication("lightgbm"));
    check(&context, &trees, Tolerance::Absolute(0.0), &[(&format!("avg(pehe) <= {lightgbm}"), 1.0)]).await;
}
