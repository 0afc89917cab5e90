//! Experiments: Hillstrom's e-mails, Thornton's vouchers, JTPA, against scipy and statsmodels (`experiment.json`).

use serde_json::Value;

use super::{CLOSED_FORM, SIX_DECIMALS, Shared, check, number, thornton_cr1, unbiased};

const ROWS: f64 = 64_000.0;

/// The linear prediction of an arm's regression, as an expression.
fn prediction(coefficients: &Value) -> String {
    let terms = coefficients.as_object().unwrap().iter().map(|(feature, coefficient)| {
        let feature = match feature.split_once('=') {
            Some((column, level)) => format!("CAST({column} = '{level}' AS DOUBLE)"),
            None if feature == "const" => "1.0".to_string(),
            None => feature.clone(),
        };
        format!("{:e} * {feature}", coefficient.as_f64().unwrap())
    });
    format!("({})", terms.collect::<Vec<_>>().join(" + "))
}

/// The rows of Hillstrom's experiment with both arms' predictions of `outcome`.
fn predicted(outcome: &str, contrasts: &Value) -> String {
    let contrasts = contrasts.as_array().unwrap();
    let contrast = contrasts.iter().find(|contrast| contrast["outcome"] == outcome).unwrap();
    let arms = &contrast["aipw_ols"]["ols_coefficients"];
    format!(
        "(SELECT *, arm_propensity AS p, CAST({outcome} AS DOUBLE) AS y, {} AS q1, {} AS q0 FROM hillstrom) AS h",
        prediction(&arms["womens_email"]),
        prediction(&arms["no_email"])
    )
}

#[tokio::test]
async fn contrasts_of_arms() {
    let Some(shared) = Shared::find("contrasts_of_arms") else { return };
    let reference = shared.reference("experiment");
    let contrasts = &reference["hillstrom"]["contrasts"];
    let context = shared.session(&["hillstrom"]).await;
    for contrast in contrasts.as_array().unwrap() {
        let expected = |path: &str| number(contrast, path);
        let rows = predicted(contrast["outcome"].as_str().unwrap(), contrasts);

        let two_arms = format!("{rows} WHERE arm IN ('womens_email', 'no_email')");
        let difference = |options: &str, field: &str| {
            format!("diff_in_means_ci(y, arm = 'womens_email'{options})['{field}']")
        };
        let (t, normal) = (", {'interval': 't'}", ", {'interval': 'normal'}");
        let two = expected("diff_in_means/n_arm") + expected("diff_in_means/n_base");
        check(
            &context,
            &two_arms,
            CLOSED_FORM,
            &[
                ("diff_in_means(y, arm = 'womens_email')", expected("diff_in_means/diff")),
                (&difference("", "std_error"), expected("diff_in_means/welch_se")),
                (&difference("", "n"), two),
                (&difference(t, "ci_low"), expected("diff_in_means/ci95_welch_t/0")),
                (&difference(t, "ci_high"), expected("diff_in_means/ci95_welch_t/1")),
                (&difference(t, "p_value"), expected("diff_in_means/p_two_sided")),
                (&difference(normal, "ci_low"), expected("diff_in_means/ci95_normal/0")),
                (&difference(normal, "ci_high"), expected("diff_in_means/ci95_normal/1")),
                ("ipw_ate(y, arm = 'womens_email', 0.5)", expected("hajek/diff")),
                (
                    "ipw_ate_ci(y, arm = 'womens_email', 0.5)['std_error']",
                    unbiased(expected("hajek/se_diff"), two),
                ),
            ],
        )
        .await;

        for (arm, side, q) in [("womens_email", "arm", "q1"), ("no_email", "base", "q0")] {
            let ipw =
                |options: &str, field: &str| format!("ipw_mean_ci(y, p, arm = '{arm}'{options})['{field}']");
            let ht = ", {'estimator': 'horvitz_thompson'}";
            let dr = |field: &str| {
                format!("dr_policy_value_ci(y, p, CAST(arm = '{arm}' AS INT), {q}, {q})['{field}']")
            };
            check(
                &context,
                &rows,
                CLOSED_FORM,
                &[
                    (&ipw(ht, "estimate"), expected(&format!("ht/mean_{side}"))),
                    (&ipw(ht, "std_error"), expected(&format!("ht/se_{side}"))),
                    (&ipw("", "estimate"), expected(&format!("hajek/mean_{side}"))),
                    (&ipw("", "std_error"), unbiased(expected(&format!("hajek/se_{side}")), ROWS)),
                    (&dr("estimate"), expected(&format!("aipw_ols/mean_{side}"))),
                    (&dr("std_error"), expected(&format!("aipw_ols/se_{side}"))),
                ],
            )
            .await;
        }

        let (arm, base) = ("CAST(arm = 'womens_email' AS INT)", "CAST(arm = 'no_email' AS INT)");
        let ips = |field: &str| format!("ips_policy_lift_ci(y, p, {arm}, {base})['{field}']");
        let logged = "CASE arm WHEN 'womens_email' THEN q1 ELSE q0 END";
        let dr = |field: &str| format!("dr_policy_lift_ci(y, p, {arm}, {logged}, q1, {base}, q0)['{field}']");
        check(
            &context,
            &rows,
            CLOSED_FORM,
            &[
                (&ips("estimate"), expected("ht/diff")),
                (&ips("std_error"), expected("ht/se_diff")),
                (&dr("estimate"), expected("aipw_ols/diff")),
                (&dr("std_error"), expected("aipw_ols/se_diff")),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn policies_on_an_experiment() {
    let Some(shared) = Shared::find("policies_on_an_experiment") else { return };
    let reference = shared.reference("experiment");
    let context = shared.session(&["hillstrom"]).await;
    for policy in reference["hillstrom"]["policies"].as_array().unwrap() {
        let name = policy["policy"].as_str().unwrap();
        let condition =
            name.strip_prefix("womens_email where ").and_then(|rest| rest.strip_suffix(" else no_email"));
        let condition = condition.unwrap_or_else(|| panic!("a policy of another form: {name}"));
        let rows = predicted(policy["outcome"].as_str().unwrap(), &reference["hillstrom"]["contrasts"]);
        let rows = format!(
            "(SELECT *, CAST(arm = CASE WHEN {condition} THEN 'womens_email' ELSE 'no_email' END AS INT) AS d,
                CASE WHEN {condition} THEN q1 ELSE q0 END AS q FROM {rows}) AS decided"
        );
        let expected = |path: &str| number(policy, path);
        check(
            &context,
            &rows,
            CLOSED_FORM,
            &[
                ("sum(d)", expected("n_match")),
                ("ips_policy_value(y, p, d)", expected("ht")),
                ("ips_policy_value_ci(y, p, d)['std_error']", expected("ht_se")),
                ("snips_policy_value(y, p, d)", expected("hajek")),
                ("snips_policy_value_ci(y, p, d)['std_error']", unbiased(expected("hajek_se"), ROWS)),
                ("dm_policy_value(q)", expected("dm")),
                ("dr_policy_value(y, p, d, q, q)", expected("dr")),
                ("dr_policy_value_ci(y, p, d, q, q)['std_error']", expected("dr_se")),
                ("mean_ci(dr_score(y, p, d, q, q))['std_error']", expected("dr_se")),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn balance_and_sample_ratio() {
    let Some(shared) = Shared::find("balance_and_sample_ratio") else { return };
    let reference = shared.reference("experiment");
    let context = shared.session(&["hillstrom", "jtpa"]).await;
    let shares = "{'no_email': 1, 'mens_email': 1, 'womens_email': 1}";
    let test = |field: &str| format!("srm_test(arm, {shares})['{field}']");
    let expected = |path: &str| number(&reference["hillstrom"]["srm"][0], path);
    check(
        &context,
        "hillstrom",
        CLOSED_FORM,
        &[
            (&test("chi2"), expected("chi2")),
            (&test("df"), expected("df")),
            (&test("p_value"), expected("p")),
            (&format!("srm_p_value(arm, {shares})"), expected("p")),
        ],
    )
    .await;

    let arm = "CASE assigned WHEN 1 THEN 'assigned' ELSE 'control' END";
    let test = |field: &str| format!("srm_test({arm}, {{'assigned': 2, 'control': 1}})['{field}']");
    let expected = |path: &str| number(&reference["srm_jtpa"], path);
    let expected = [(&*test("chi2"), expected("chi2")), (&*test("p_value"), expected("p"))];
    check(&context, "jtpa", CLOSED_FORM, &expected).await;

    let balance = reference["hillstrom"]["smd"]["womens_email_vs_no_email"].as_object().unwrap();
    for (covariate, expected) in balance {
        let x = match covariate.split_once('=') {
            Some((column, level)) => format!("{column} = '{level}'"),
            None => covariate.clone(),
        };
        let rows = "hillstrom WHERE arm IN ('womens_email', 'no_email')";
        let smd = format!("smd({x}, arm = 'womens_email')");
        check(&context, rows, CLOSED_FORM, &[(&smd, number(expected, "smd"))]).await;
    }
}

#[tokio::test]
async fn clusters_and_take_up() {
    let Some(shared) = Shared::find("clusters_and_take_up") else { return };
    let reference = shared.reference("experiment");
    let context = shared.session(&["thornton_incentives", "jtpa"]).await;
    let expected = |path: &str| number(&reference["thornton"], path);
    let cr1 = thornton_cr1(&reference["thornton"]);
    check(
        &context,
        "thornton_incentives",
        CLOSED_FORM,
        &[
            ("diff_in_means(got_result, any_incentive)", expected("diff")),
            ("diff_in_means_ci(got_result, any_incentive)['std_error']", expected("welch_se")),
            ("diff_in_means_ci(got_result, any_incentive, village_id)['std_error']", cr1),
        ],
    )
    .await;
    let cells = [
        "incentive_usd = 0",
        "incentive_usd > 0 AND incentive_usd <= 1",
        "incentive_usd > 1 AND incentive_usd <= 2",
        "incentive_usd > 2",
    ];
    for (i, cell) in cells.into_iter().enumerate() {
        let expected = |path: &str| expected(&format!("cells/{i}/{path}"));
        check(
            &context,
            &format!("thornton_incentives WHERE {cell}"),
            CLOSED_FORM,
            &[
                ("mean_ci(got_result)['n']", expected("n")),
                ("mean_ci(got_result)['estimate']", expected("mean_outcome")),
                ("mean_ci(got_result)['std_error']", expected("se_outcome")),
                ("mean_ci(cost_usd)['estimate']", expected("mean_cost")),
            ],
        )
        .await;
    }

    let expected = |path: &str| number(&reference["late"][0], path);
    check(
        &context,
        "jtpa WHERE male = 1",
        CLOSED_FORM,
        &[
            ("diff_in_means(earnings, assigned)", expected("itt")),
            ("diff_in_means_ci(earnings, assigned)['std_error']", expected("itt_welch_se")),
            ("diff_in_means(trained, assigned)", expected("first_stage")),
            ("diff_in_means(earnings, trained)", expected("as_treated_diff")),
            ("late(earnings, assigned, trained)", expected("wald_late")),
            ("late_ci(earnings, assigned, trained)['first_stage']", expected("first_stage")),
        ],
    )
    .await;
    // The error and the interval as `definitions.md` 10 has them.
    let late = |field: &str| format!("late_ci(earnings, assigned, trained)['{field}']");
    let expected =
        [(&*late("std_error"), 928.162743), (&*late("ci_low"), 3.521435), (&*late("ci_high"), 3643.268023)];
    check(&context, "jtpa WHERE male = 1", SIX_DECIMALS, &expected).await;
}

#[tokio::test]
async fn costs_of_incentives() {
    let Some(shared) = Shared::find("costs_of_incentives") else { return };
    let reference = shared.reference("experiment");
    let context = shared.session(&["thornton_incentives"]).await;
    let cells = reference["thornton"]["cells"].as_array().unwrap();
    for cell in &cells[1..] {
        let condition = match cell["cell"].as_str().unwrap() {
            "(0,1]" => "incentive_usd > 0 AND incentive_usd <= 1",
            "(1,2]" => "incentive_usd > 1 AND incentive_usd <= 2",
            _ => "incentive_usd > 2",
        };
        let rows = format!("thornton_incentives WHERE incentive_usd = 0 OR ({condition})");
        let per_usd = number(cell, "incremental_outcome_per_usd");
        let expected =
            [("incremental_cost_per_value(got_result, cost_usd, incentive_usd > 0)", 1.0 / per_usd)];
        check(&context, &rows, CLOSED_FORM, &expected).await;
    }
    // As `definitions.md` 2 has them.
    let cost = |field: &str| {
        format!("incremental_cost_per_value_ci(got_result, cost_usd, any_incentive)['{field}']")
    };
    let lift = |field: &str| format!("relative_lift_ci(got_result, any_incentive)['{field}']");
    let expected = [
        (&*cost("estimate"), 2.382793),
        (&*cost("std_error"), 0.107899),
        (&*cost("ci_low"), 2.187562),
        (&*cost("ci_high"), 2.613778),
        (&*lift("estimate"), 1.327528),
        (&*lift("std_error"), 0.132774),
        (&*lift("ci_low"), 1.092547),
        (&*lift("ci_high"), 1.619237),
    ];
    check(&context, "thornton_incentives", SIX_DECIMALS, &expected).await;
}

#[tokio::test]
async fn effects_adjusted_for_earnings_before() {
    let Some(shared) = Shared::find("effects_adjusted_for_earnings_before") else { return };
    let context = shared.session(&["lalonde"]).await;
    // As `definitions.md` 3 has them.
    for (theta, estimate, std_error) in [
        ("within", 1750.150902, 668.960238),
        ("joint", 1747.133990, 668.961908),
        ("control", 1753.306812, 668.977763),
    ] {
        let cuped =
            |field: &str| format!("cuped_ate_ci(re78, treat, re75, {{'theta': '{theta}'}})['{field}']");
        let expected = [(&*cuped("estimate"), estimate), (&*cuped("std_error"), std_error)];
        check(&context, "lalonde WHERE sample IN ('nsw_treated', 'nsw_control')", SIX_DECIMALS, &expected)
            .await;
    }
}
