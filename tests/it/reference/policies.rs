//! Off-policy values on the Open Bandit Dataset, against obp (`ope_obd_men.json`), in both directions.

use super::{CLOSED_FORM, Shared, check, number, unbiased};

/// What the rows of [`evaluated`] come from.
pub(super) const TABLES: [&str; 5] =
    ["obd_men", "obd_men_policy_bts", "obd_men_policy_random", "obd_men_bts_qhat", "obd_men_random_qhat"];

/// Each decision with the probability and the predictions that the evaluation policy needs.
pub(super) fn evaluated(behaviour: &str, evaluation: &str) -> String {
    format!(
        "(SELECT l.click AS r, l.propensity_score AS p, own.prob AS t, CAST(q.q_hat AS DOUBLE) AS q, dm.q_target AS dm
          FROM obd_men AS l
          JOIN obd_men_policy_{evaluation} AS own ON own.position = l.position AND own.item_id = l.item_id
          JOIN obd_men_{behaviour}_qhat AS q ON q.log_row = l.log_row AND q.item_id = l.item_id
          JOIN (SELECT d.log_row, sum(a.prob * CAST(f.q_hat AS DOUBLE)) AS q_target
                FROM obd_men AS d
                JOIN obd_men_policy_{evaluation} AS a ON a.position = d.position
                JOIN obd_men_{behaviour}_qhat AS f ON f.log_row = d.log_row AND f.item_id = a.item_id
                WHERE d.behavior_policy = '{behaviour}'
                GROUP BY d.log_row) AS dm ON dm.log_row = l.log_row
          WHERE l.behavior_policy = '{behaviour}') AS log"
    )
}

#[tokio::test]
async fn both_directions_of_the_open_bandit_data() {
    let Some(shared) = Shared::find("both_directions_of_the_open_bandit_data") else { return };
    let reference = shared.reference("ope_obd_men");
    let context = shared.session(&TABLES).await;
    for direction in reference["directions"].as_object().unwrap().values() {
        let rows = evaluated(
            direction["behavior_policy"].as_str().unwrap(),
            direction["evaluation_policy"].as_str().unwrap(),
        );
        let n = number(direction, "n_rounds");
        let value = |name: &str| number(direction, &format!("estimators/{name}/value"));
        let std_error = |name: &str| number(direction, &format!("estimators/{name}/se_of_round_mean_ddof1"));
        check(
            &context,
            &rows,
            CLOSED_FORM,
            &[
                ("count(*)", n),
                ("avg(t / p)", number(direction, "importance_weight/mean")),
                ("ess(t / p)", number(direction, "importance_weight/ess_kish")),
                ("ips_policy_value_ci(r, p, t)['ess']", number(direction, "importance_weight/ess_kish")),
                ("ips_policy_value(r, p, t)", value("ipw")),
                ("ips_policy_value_ci(r, p, t)['std_error']", std_error("ipw")),
                ("avg(ips_score(r, p, t))", value("ipw")),
                ("snips_policy_value(r, p, t)", value("snipw")),
                (
                    "snips_policy_value_ci(r, p, t)['std_error']",
                    unbiased(number(direction, "snipw_linearised_se"), n),
                ),
                ("dm_policy_value(dm)", value("dm")),
                ("dm_policy_value_ci(dm)['std_error']", std_error("dm")),
                ("dr_policy_value(r, p, t, q, dm)", value("dr")),
                ("dr_policy_value_ci(r, p, t, q, dm)['std_error']", std_error("dr")),
                ("avg(dr_score(r, p, t, q, dm))", value("dr")),
                ("sndr_policy_value(r, p, t, q, dm)", value("sndr")),
            ],
        )
        .await;
        for lambda in ["0.01", "0.1", "0.5"] {
            for (estimator, q, dm) in [("dr", "q", "dm"), ("ipw", "0", "0")] {
                let name = format!("subgaussian_{estimator}_lambda_{lambda}");
                let got = |field: &str| {
                    format!(
                        "subgaussian_dr_policy_value_ci(r, p, t, {q}, {dm}, {{'lambda': {lambda}}})['{field}']"
                    )
                };
                let expected = [(&*got("estimate"), value(&name)), (&*got("std_error"), std_error(&name))];
                check(&context, &rows, CLOSED_FORM, &expected).await;
            }
        }
        for clip in ["1.05", "2", "5", "10", "50"] {
            let ips = |field: &str| format!("ips_policy_value_ci(r, p, t, {{'clip': {clip}}})['{field}']");
            let dr =
                |field: &str| format!("dr_policy_value_ci(r, p, t, q, dm, {{'clip': {clip}}})['{field}']");
            let (ipw_name, dr_name) =
                (format!("clipped_ipw_lambda_{clip}"), format!("clipped_dr_lambda_{clip}"));
            check(
                &context,
                &rows,
                CLOSED_FORM,
                &[
                    (&ips("estimate"), value(&ipw_name)),
                    (&ips("std_error"), std_error(&ipw_name)),
                    (&dr("estimate"), value(&dr_name)),
                    (&dr("std_error"), std_error(&dr_name)),
                ],
            )
            .await;
            for (function, estimator) in [("switch_dr", "switch_dr"), ("dros", "dros")] {
                let name = format!("{estimator}_lambda_{clip}");
                let got = |field: &str| {
                    format!("{function}_policy_value_ci(r, p, t, q, dm, {{'lambda': {clip}}})['{field}']")
                };
                let expected = [(&*got("estimate"), value(&name)), (&*got("std_error"), std_error(&name))];
                check(&context, &rows, CLOSED_FORM, &expected).await;
            }
        }
    }
}
