//! Published and hand-checked numbers: fixtures A to D of `definitions.md`.

use super::{CLOSED_FORM, SIX_DECIMALS, Shared, Tolerance, check, number, session};

/// Fixture A: outcome, treated, propensity and both predictions of eight rows.
const EIGHT_ROWS: &str = "(VALUES
    (3, 1, 0.5, 3, 1), (1, 0, 0.5, 2, 1), (4, 1, 0.8, 4, 2), (1, 0, 0.4, 2, 1),
    (5, 1, 0.6, 4, 3), (2, 0, 0.3, 2, 1), (0, 0, 0.5, 1, 0), (2, 1, 0.5, 3, 1)) AS a(y, t, e, q1, q0)";

/// Fixture B: the policies and predictions of three actions, the action and the reward of six rows.
const SIX_ROWS: &str = "(SELECT r, p, t, q, p1 * q1 + p2 * q2 + p3 * q3 AS dm FROM (
    SELECT r, [0.5, 0.3, 0.2][a] AS p, [p1, p2, p3][a] AS t, [q1, q2, q3][a] AS q, p1, p2, p3, q1, q2, q3 FROM (VALUES
    (1, 1, 0.1, 0.2, 0.7, 0.5, 0.2, 0.6), (2, 0, 0.7, 0.2, 0.1, 0.4, 0.3, 0.5),
    (3, 1, 0.2, 0.6, 0.2, 0.3, 0.3, 0.7), (3, 1, 0.0, 0.0, 1.0, 0.2, 0.1, 0.8),
    (1, 0, 1.0, 0.0, 0.0, 0.6, 0.2, 0.3), (2, 1, 0.3, 0.3, 0.4, 0.5, 0.5, 0.5))
    AS six(a, r, p1, p2, p3, q1, q2, q3))) AS b";

#[tokio::test]
async fn eight_rows_of_an_experiment() {
    let ipw = |options: &str, field: &str| format!("ipw_ate_ci(y, t, e, {{{options}}})['{field}']");
    let (ht, ate) = ("'estimator': 'horvitz_thompson'", "'estimand': 'ate'");
    let (att, atc, overlap) = ("'estimand': 'att'", "'estimand': 'atc'", "'estimand': 'overlap'");
    let aipw = |options: &str, field: &str| format!("aipw_ate_ci(y, t, e, q1, q0, {{{options}}})['{field}']");
    check(
        &session(),
        EIGHT_ROWS,
        SIX_DECIMALS,
        &[
            (&aipw(ate, "estimate"), 1.154_761_9),
            (&aipw(ate, "std_error"), 0.369_047_6),
            (&aipw(att, "estimate"), 1.642_857_1),
            (&aipw(att, "std_error"), 0.264_520),
            (&ipw(ht, "estimate"), 2.101_190_5),
            (&ipw(ht, "std_error"), 1.500_389_6),
            (&ipw(ate, "estimate"), 2.454_030_9),
            (&ipw(ate, "std_error"), 0.718_093_8),
            ("ipw_mean(y, e, t)", 3.373_494_0),
            ("ipw_mean(y, 1 - e, 1 - t)", 0.919_463_1),
            (&ipw(att, "estimate"), 2.684_615_4),
            (&ipw(att, "std_error"), 0.687_803),
            (&ipw(atc, "estimate"), 2.2),
            (&ipw(atc, "std_error"), 0.735_198),
            (&ipw(overlap, "estimate"), 2.430_147),
            (&ipw(overlap, "std_error"), 0.733_945),
            ("relative_lift(y, t, e)", 2.668_982_5),
            ("relative_lift_ci(y, t, e)['std_error']", 1.597_991_3),
        ],
    )
    .await;
}

#[tokio::test]
async fn six_rows_of_a_bandit() {
    let ips = |name: &str, field: &str| format!("{name}_policy_value_ci(r, p, t)['{field}']");
    let dr = |name: &str, field: &str| format!("{name}_policy_value_ci(r, p, t, q, dm)['{field}']");
    let clip = "{'clip': 2}";
    check(
        &session(),
        SIX_ROWS,
        SIX_DECIMALS,
        &[
            ("ess(t / p)", 3.092_038_4),
            (&ips("ips", "estimate"), 1.2),
            (&ips("ips", "std_error"), 0.783_156_0),
            (&ips("snips", "estimate"), 0.729_729_729_7),
            (&ips("snips", "std_error"), 0.231_343_8),
            ("dm_policy_value_ci(dm)['estimate']", 0.53),
            ("dm_policy_value_ci(dm)['std_error']", 0.063_561_0),
            (&dr("dr", "estimate"), 0.613_333_333_3),
            (&dr("dr", "std_error"), 0.327_288_5),
            (&dr("sndr", "estimate"), 0.580_675_675_7),
            (&dr("sndr", "std_error"), 0.198_709_5),
            (&format!("ips_policy_value_ci(r, p, t, {clip})['estimate']"), 0.7),
            (&format!("ips_policy_value_ci(r, p, t, {clip})['std_error']"), 0.321_455_0),
            (&format!("dr_policy_value_ci(r, p, t, q, dm, {clip})['estimate']"), 0.513_333_333_3),
            (&format!("dr_policy_value_ci(r, p, t, q, dm, {clip})['std_error']"), 0.263_914_9),
            ("dr_policy_lift_ci(r, p, t, q, dm)['estimate']", -0.053_333_333_3),
            ("dr_policy_lift_ci(r, p, t, q, dm)['std_error']", 0.206_036_7),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_national_supported_work_experiment() {
    let Some(shared) = Shared::find("the_national_supported_work_experiment") else { return };
    let context = shared.session(&["lalonde"]).await;
    let rows = "lalonde WHERE sample IN ('nsw_treated', 'nsw_control')";
    let t = |field: &str| format!("diff_in_means_ci(re78, treat, {{'interval': 't'}})['{field}']");
    check(
        &context,
        rows,
        SIX_DECIMALS,
        &[
            ("avg(re78) FILTER (WHERE treat = 1)", 6_349.143_502),
            (&t("estimate"), 1_794.342_382),
            (&t("std_error"), 670.996_544),
            (&t("ci_low"), 474.010_451),
            (&t("ci_high"), 3_114.674_313),
            (&t("p_value"), 0.007_892_98),
            ("smd(age, treat)", 0.107_277),
            ("smd(educ, treat)", 0.141_220),
            ("smd(re74, treat)", -0.002_160),
            ("smd(re75, treat)", 0.083_863),
            ("smd(marr, treat)", 0.093_641),
            ("smd(nodegree, treat)", -0.303_986),
            ("variance_ratio(educ, treat)", 1.551_284),
            ("variance_ratio(nodegree, treat)", 1.499_755),
        ],
    )
    .await;
    let expected = |path: &str| number(&shared.reference("observational_psid"), path);
    check(
        &context,
        rows,
        CLOSED_FORM,
        &[
            ("diff_in_means(re78, treat)", expected("experimental_benchmark_nsw/diff")),
            ("diff_in_means_ci(re78, treat)['std_error']", expected("experimental_benchmark_nsw/welch_se")),
        ],
    )
    .await;
}

#[tokio::test]
async fn events_of_the_vowpal_wabbit_suite() {
    let one = "(VALUES (1.0, 0.3, 0.6)) AS one(r, p, t)";
    check(
        &session(),
        one,
        SIX_DECIMALS,
        &[("ips_policy_value(r, p, t)", 2.0), ("snips_policy_value(r, p, t)", 1.0)],
    )
    .await;
    for reward in [1.0, 10.0, -1.0] {
        let ten = format!("(SELECT {reward:?} AS r FROM generate_series(1, 10)) AS ten");
        let expected = [
            ("ips_policy_value(r, 0.3, 0.3)", reward),
            ("snips_policy_value(r, 0.3, 0.3)", reward),
            ("ips_policy_value_ci(r, 0.3, 0.3)['std_error']", 0.0),
        ];
        check(&session(), &ten, SIX_DECIMALS, &expected).await;
    }
    // The policy is right in 80 % of the cases, whatever was logged: chosen and logged at random with 1/2.
    let many = "(SELECT i % 2 AS r, 0.5 AS p, CASE i % 2 WHEN 1 THEN 0.8 ELSE 0.2 END AS t
                 FROM generate_series(1, 10000) AS s(i)) AS many";
    let interval = |field: &str| format!("ips_policy_value_ci(r, p, t)['{field}']");
    check(&session(), many, SIX_DECIMALS, &[(&interval("estimate"), 0.8)]).await;
    check(
        &session(),
        many,
        Tolerance::Absolute(0.05),
        &[(&interval("ci_low"), 0.8), (&interval("ci_high"), 0.8)],
    )
    .await;
}
