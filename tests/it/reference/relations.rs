//! Reports as relations: the libraries' values, and those of the functions they are made of.

use serde_json::Value;

use super::policies::{TABLES, evaluated};
use super::{CLOSED_FORM, Shared, check, number, thornton_cr1, unbiased};

#[tokio::test]
async fn effects_of_arms() {
    let Some(shared) = Shared::find("effects_of_arms") else { return };
    let reference = shared.reference("experiment");
    let hillstrom = &reference["hillstrom"];
    let context = shared.session(&["hillstrom", "thornton_incentives"]).await;
    for contrast in hillstrom["contrasts"].as_array().unwrap() {
        let expected = |path: &str| number(contrast, &format!("diff_in_means/{path}"));
        let outcome = contrast["outcome"].as_str().unwrap();
        let report = format!(
            "arm_effects((SELECT * FROM hillstrom), outcome => {outcome}, arm => arm, control => 'no_email',
               shares => {{'no_email': 1, 'mens_email': 1, 'womens_email': 1}}) AS r"
        );
        let other = format!(
            "(SELECT diff_in_means_ci({outcome}, arm = 'mens_email')['p_value']
              FROM hillstrom WHERE arm IN ('mens_email', 'no_email'))"
        );
        check(
            &context,
            &format!("{report} WHERE r.arm = 'womens_email'"),
            CLOSED_FORM,
            &[
                ("estimate", expected("diff")),
                ("std_error", expected("welch_se")),
                ("ci_low", expected("ci95_welch_t/0")),
                ("ci_high", expected("ci95_welch_t/1")),
                ("p_value", expected("p_two_sided")),
                ("n", expected("n_arm") + expected("n_base")),
                ("srm_p_value", number(&hillstrom["srm"][0], "p")),
                // Holm, of two: the smaller p twice, the larger as it is but never below that.
                (
                    &format!(
                        "p_holm / CASE WHEN p_value <= {other} THEN 2 * p_value ELSE greatest(p_value, 2 * {other}) END"
                    ),
                    1.0,
                ),
            ],
        )
        .await;
    }

    let thornton = &reference["thornton"];
    check(
        &context,
        "arm_effects((SELECT * FROM thornton_incentives), outcome => got_result, arm => any_incentive, control => 0,
           cluster => village_id)",
        CLOSED_FORM,
        &[("estimate", number(thornton, "diff")), ("std_error", thornton_cr1(thornton))],
    )
    .await;
}

#[tokio::test]
async fn values_of_policies() {
    let Some(shared) = Shared::find("values_of_policies") else { return };
    let reference = shared.reference("ope_obd_men");
    let context = shared.session(&TABLES).await;
    for direction in reference["directions"].as_object().unwrap().values() {
        let policy = |role: &str| direction[role].as_str().unwrap();
        let rows = evaluated(policy("behavior_policy"), policy("evaluation_policy"));
        context.sql(&format!("CREATE OR REPLACE TABLE decisions AS SELECT * FROM {rows}")).await.unwrap();
        let report = "ope_report((SELECT * FROM decisions), reward => r, propensity => p, target_prob => t,
           q_logged => q, q_target => dm)";
        let n = number(direction, "n_rounds");
        for (estimator, name) in
            [("ips", "ipw"), ("snips", "snipw"), ("dm", "dm"), ("dr", "dr"), ("sndr", "sndr")]
        {
            let mut expected =
                vec![("estimate", number(direction, &format!("estimators/{name}/value"))), ("n", n)];
            expected.extend(std_error(direction, name, n).map(|std_error| ("std_error", std_error)));
            if name != "dm" {
                let weight = |path: &str| number(direction, &format!("importance_weight/{path}"));
                expected.push(("mean_weight", weight("mean")));
                expected.push(("max_weight", weight("max")));
                expected.push(("ess", weight("ess_kish")));
            }
            let from = format!("{report} WHERE estimator = '{estimator}'");
            check(&context, &from, CLOSED_FORM, &expected).await;
        }
        for (estimator, lift) in
            [("ips", "ips_policy_lift_ci(r, p, t)"), ("dr", "dr_policy_lift_ci(r, p, t, q, dm)")]
        {
            let share =
                |column: &str, field: &str| format!("{column} / (SELECT {lift}['{field}'] FROM decisions)");
            let from = format!("{report} WHERE estimator = '{estimator}'");
            check(
                &context,
                &from,
                CLOSED_FORM,
                &[
                    (&share("lift", "estimate"), 1.0),
                    (&share("lift_std_error", "std_error"), 1.0),
                    (&share("lift_ci_low", "ci_low"), 1.0),
                    (&share("lift_ci_high", "ci_high"), 1.0),
                    (&share("lift_p_value", "p_value"), 1.0),
                ],
            )
            .await;
        }
    }
}

/// The error that the library gives for an estimator; of SNDR it gives none that counts the ratio.
fn std_error(direction: &Value, name: &str, n: f64) -> Option<f64> {
    match name {
        "sndr" => None,
        "snipw" => Some(unbiased(number(direction, "snipw_linearised_se"), n)),
        _ => Some(number(direction, &format!("estimators/{name}/se_of_round_mean_ddof1"))),
    }
}
