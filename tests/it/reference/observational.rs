//! Observational data: LaLonde's trainees against PSID-1, against statsmodels and DoubleML (`observational_psid.json`).

use serde_json::Value;

use super::{CLOSED_FORM, Shared, check, number, unbiased};

/// Both files, joined: propensities and predictions with the covariates.
const ROWS: &str = "(SELECT s.*, l.* EXCLUDE (row_id, treat, re78)
    FROM lalonde_psid1_scores AS s JOIN lalonde AS l ON s.row_id = l.row_id) AS psid";
const N: f64 = 2_675.0;
/// P(treated) as some analyses clip it.
const CLIPPED: &str = "least(greatest(propensity, 0.01), 0.99)";

/// The checks of one weighted contrast: `propensity` and `options` are ours, `expected` theirs.
async fn check_contrast(
    shared: &Shared,
    rows: &str,
    n: f64,
    propensity: &str,
    options: &str,
    expected: &Value,
) {
    let context = shared.session(&["lalonde", "lalonde_psid1_scores"]).await;
    let call = |field: &str| format!("ipw_ate_ci(re78, treat, {propensity}, {{{options}}})['{field}']");
    let (estimate, std_error) = (number(expected, "diff"), number(expected, "se_known_propensity"));
    let std_error = if options.contains("horvitz") { std_error } else { unbiased(std_error, n) };
    let expected = [(&*call("estimate"), estimate), (&*call("std_error"), std_error)];
    check(&context, rows, CLOSED_FORM, &expected).await;
}

#[tokio::test]
async fn weighting() {
    let Some(shared) = Shared::find("weighting") else { return };
    let reference = shared.reference("observational_psid");
    let ht = "'estimator': 'horvitz_thompson'";
    let att = "'estimand': 'att'";
    for (propensity, options, name) in [
        ("propensity", ht, "ate_ht"),
        ("propensity", "'alpha': 0.05", "ate_hajek"),
        ("propensity", att, "att_hajek"),
        ("propensity", "'estimand': 'overlap'", "overlap_weights_ato"),
        (CLIPPED, "'alpha': 0.05", "ate_hajek_propensity_clipped_0.01_0.99"),
    ] {
        check_contrast(&shared, ROWS, N, propensity, options, &reference[name]).await;
    }
    let trimmed = &reference["trimmed_0.05_0.95"];
    let n = number(trimmed, "n");
    let trim = "'trim': 0.05";
    for (options, name) in [
        (format!("{trim}, {ht}"), "ate_ht"),
        (trim.to_string(), "ate_hajek"),
        (format!("{trim}, {att}"), "att_hajek"),
    ] {
        check_contrast(&shared, ROWS, n, "propensity", &options, &trimmed[name]).await;
    }
}

#[tokio::test]
async fn arms_and_their_weights() {
    let Some(shared) = Shared::find("arms_and_their_weights") else { return };
    let reference = shared.reference("observational_psid");
    let context = shared.session(&["lalonde", "lalonde_psid1_scores"]).await;
    let expected = |path: &str| number(&reference, path);
    let ht = "{'estimator': 'horvitz_thompson'}";
    check(
        &context,
        ROWS,
        CLOSED_FORM,
        &[
            ("count(*)", N),
            ("diff_in_means(re78, treat)", expected("naive_diff")),
            (&format!("ipw_mean(re78, propensity, treat, {ht})"), expected("ate_ht/mean1")),
            (&format!("ipw_mean(re78, 1 - propensity, 1 - treat, {ht})"), expected("ate_ht/mean0")),
            ("ipw_mean(re78, propensity, treat)", expected("ate_hajek/mean1")),
            ("ipw_mean(re78, 1 - propensity, 1 - treat)", expected("ate_hajek/mean0")),
            ("ess(1 / propensity) FILTER (WHERE treat = 1)", expected("ate_hajek/ess_treated")),
            ("ess(1 / (1 - propensity)) FILTER (WHERE treat = 0)", expected("ate_hajek/ess_control")),
            (
                "max_weight_share(1 / (1 - propensity)) FILTER (WHERE treat = 0)",
                expected("ate_hajek/max_weight_share_control"),
            ),
            (
                "ess(propensity / (1 - propensity)) FILTER (WHERE treat = 0)",
                expected("att_hajek/ess_control"),
            ),
            ("ess(1 - propensity) FILTER (WHERE treat = 1)", expected("overlap_weights_ato/ess_treated")),
        ],
    )
    .await;
}

#[tokio::test]
async fn doubly_robust() {
    let Some(shared) = Shared::find("doubly_robust") else { return };
    let reference = shared.reference("observational_psid");
    let context = shared.session(&["lalonde", "lalonde_psid1_scores"]).await;
    let plain = |propensity: &str, estimand: &str, field: &str| {
        let options = format!("{{'estimand': '{estimand}'}}");
        format!("aipw_ate_ci(re78, treat, {propensity}, mu1_ols, mu0_ols, {options})['{field}']")
    };
    let crossfit = |estimand: &str, field: &str| {
        let options = format!("{{'estimand': '{estimand}'}}");
        format!("aipw_ate_ci(re78, treat, cf_propensity, cf_mu1, cf_mu0, {options})['{field}']")
    };
    let expected = |path: &str| number(&reference, path);
    check(
        &context,
        ROWS,
        CLOSED_FORM,
        &[
            (&plain("propensity", "ate", "estimate"), expected("aipw_ate_unclipped/diff")),
            (&plain("propensity", "ate", "std_error"), expected("aipw_ate_unclipped/se")),
            (&plain(CLIPPED, "ate", "estimate"), expected("aipw_ate_clipped_0.01_0.99/diff")),
            (&plain(CLIPPED, "ate", "std_error"), expected("aipw_ate_clipped_0.01_0.99/se")),
            (&plain(CLIPPED, "att", "estimate"), expected("aipw_att_clipped_0.01_0.99/diff")),
            (&plain(CLIPPED, "att", "std_error"), unbiased(expected("aipw_att_clipped_0.01_0.99/se"), N)),
            (&crossfit("ate", "estimate"), expected("doubleml_irm/ATE/coef")),
            (&crossfit("ate", "std_error"), unbiased(expected("doubleml_irm/ATE/se"), N)),
            (&crossfit("att", "estimate"), expected("doubleml_irm/ATTE/coef")),
            (&crossfit("att", "std_error"), unbiased(expected("doubleml_irm/ATTE/se"), N)),
            (
                "avg(aipw_score(re78, treat, propensity, mu1_ols, mu0_ols))",
                expected("aipw_ate_unclipped/diff"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn balance_before_and_after_weighting() {
    let Some(shared) = Shared::find("balance_before_and_after_weighting") else { return };
    let reference = shared.reference("observational_psid");
    let context = shared.session(&["lalonde", "lalonde_psid1_scores"]).await;
    for (weight, name) in [
        ("CASE treat WHEN 1 THEN 1 / propensity ELSE 1 / (1 - propensity) END", "smd_ate_weights"),
        ("CASE treat WHEN 1 THEN 1.0 ELSE propensity / (1 - propensity) END", "smd_att_weights"),
    ] {
        for (covariate, expected) in reference[name].as_object().unwrap() {
            check(
                &context,
                ROWS,
                CLOSED_FORM,
                &[
                    (&format!("smd({covariate}, treat)"), number(expected, "before")),
                    (&format!("smd({covariate}, treat, {weight})"), number(expected, "after")),
                ],
            )
            .await;
        }
    }
}
