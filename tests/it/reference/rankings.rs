//! Rankings of Hillstrom's customers, against scikit-uplift and causalml (`uplift_metrics.json`) and `definitions.md`.

use serde_json::Value;

use super::{CLOSED_FORM, SIX_DECIMALS, Shared, Tolerance, check, number};

const ROWS: &str = "(SELECT h.*, s.*, CAST(h.arm = 'womens_email' AS INT) AS t FROM hillstrom AS h
    JOIN hillstrom_scores AS s ON s.row_id = h.row_id WHERE h.arm <> 'mens_email') AS h";

/// The rows that a case of the reference is about.
fn rows_of(case: &Value) -> String {
    match case["rows"].as_str().unwrap() {
        "all" => ROWS.to_string(),
        _ => format!("{ROWS} WHERE h.row_id % 2 = 1"),
    }
}

#[tokio::test]
async fn scores_of_customers() {
    let Some(shared) = Shared::find("scores_of_customers") else { return };
    let reference = shared.reference("uplift_metrics");
    let context = shared.session(&["hillstrom", "hillstrom_scores"]).await;
    for case in reference["cases"].as_array().unwrap() {
        let (score, outcome) = (case["score"].as_str().unwrap(), case["outcome"].as_str().unwrap());
        let rows = rows_of(case);
        let call =
            |function: &str, options: &str| format!("{function}({score}, {outcome}, t, 0.5, {options})");
        let ht = "{'scores': 'horvitz_thompson'}";
        let rate = |name: &str| number(case, &format!("rate_from_definition/ht_scores_p_0.5/{name}"));
        let mut expected = vec![
            ("count(*)".to_string(), number(case, "n")),
            (call("qini", ht), rate("rate_qini")),
            (call("autoc", ht), rate("autoc")),
            (call("auuc", ht), rate("rate_qini") + rate("ate") / 2.0),
        ];
        let effect_at = |top: &str| rate(&format!("toc_at_deciles/{top}")) + rate("ate");
        for top in ["0.1", "0.5"] {
            let options = format!("{{'scores': 'horvitz_thompson', 'top': {top}}}");
            // The reference takes whole rows, ours a part of the last one.
            if number(case, "n") * top.parse::<f64>().unwrap() % 1.0 == 0.0 {
                expected.push((call("uplift_at", &options), effect_at(top)));
            }
        }
        if outcome == "visit" {
            let sklift = |name: &str| number(case, &format!("scikit_uplift/{name}"));
            expected.push((call("qini", "{'convention': 'sklift'}"), sklift("qini_auc_score")));
            expected.push((call("auuc", "{'convention': 'sklift'}"), sklift("uplift_auc_score")));
        }
        // With ties causalml's numbers depend on the order of the rows.
        if case["n_distinct_scores"] == case["n"] {
            let causalml = |name: &str| number(case, &format!("causalml/{name}"));
            expected.push((call("qini", "{'convention': 'causalml'}"), causalml("qini_score_normalized")));
            expected.push((call("auuc", "{'convention': 'causalml'}"), causalml("auuc_score_normalized")));
            expected.push((call("qini", "{'convention': 'causalml_raw'}"), causalml("qini_score")));
            expected.push((call("auuc", "{'convention': 'causalml_raw'}"), causalml("auuc_score")));
            let bins = case["calibration_bins_ntile10"].as_array().unwrap();
            for (i, bin) in bins.iter().enumerate() {
                let field = |name: &str| {
                    format!("uplift_calibration_bins({score}, {outcome}, t, 0.5)[{}]['{name}']", i + 1)
                };
                for (name, theirs) in [
                    ("n", "n"),
                    ("n_treated", "n_treated"),
                    ("n_control", "n_control"),
                    ("lower", "score_min"),
                    ("upper", "score_max"),
                    ("predicted", "mean_predicted"),
                    ("actual", "actual"),
                    ("std_error", "se"),
                ] {
                    expected.push((field(name), number(bin, theirs)));
                }
            }
        }
        let expected: Vec<_> =
            expected.iter().map(|(expression, value)| (expression.as_str(), *value)).collect();
        check(&context, &rows, CLOSED_FORM, &expected).await;
    }
}

/// Estimates and errors of two columns as rankings, as `definitions.md` 17 has them.
#[tokio::test]
async fn columns_as_rankings() {
    let Some(shared) = Shared::find("columns_as_rankings") else { return };
    let context = shared.session(&["hillstrom", "hillstrom_scores"]).await;
    let ht = ", {'scores': 'horvitz_thompson'}";
    for (function, prediction, options, estimate, std_error) in [
        ("qini", "womens", ht, 0.007_853_76, 0.000_848),
        ("autoc", "womens", ht, 0.020_886_8, 0.002_256),
        ("qini", "history", ht, 0.000_583_32, 0.001_024),
        ("autoc", "history", ht, 0.003_420_26, 0.003_823),
        ("qini", "womens", "", 0.007_695_27, 0.000_793),
        ("autoc", "womens", "", 0.020_465_3, 0.002_111),
        ("auuc", "womens", "", 0.030_311_83, 0.001_897),
        ("qini", "history", "", 0.000_340_42, 0.000_952),
        ("autoc", "history", "", 0.002_593_5, 0.003_520),
        ("auuc", "history", "", 0.022_956_97, 0.001_992),
    ] {
        let field = |name: &str| format!("{function}_ci({prediction}, visit, t, 0.5{options})['{name}']");
        let expected = [(&*field("estimate"), estimate), (&*field("std_error"), std_error)];
        check(&context, ROWS, SIX_DECIMALS, &expected).await;
    }
}

/// Predictions of 0.02 and 0.07, as `definitions.md` 13 has them.
#[tokio::test]
async fn calibration_of_two_predictions() {
    let Some(shared) = Shared::find("calibration_of_two_predictions") else { return };
    let context = shared.session(&["hillstrom", "hillstrom_scores"]).await;
    let slope = |options: &str, field: &str| {
        format!("calibration_slope_ci(0.02 + 0.05 * womens, visit, t, 0.5{options})['{field}']")
    };
    let bin = |number: usize, field: &str| {
        format!(
            "uplift_calibration_bins(0.02 + 0.05 * womens, visit, t, 0.5, {{'bins': 2}})[{number}]['{field}']"
        )
    };
    let (grf, ht) = (", {'form': 'grf'}", ", {'scores': 'horvitz_thompson'}");
    let expected = [
        (slope(grf, "mean_coefficient"), 0.953_404, 5e-6),
        (slope(grf, "estimate"), 1.243_11, 5e-6),
        (slope(grf, "std_error"), 0.128_152, 5.1e-7),
        (slope(ht, "estimate"), 1.268_72, 5e-6),
        (slope(ht, "std_error"), 0.137_000_7, 5.1e-8),
        (slope("", "estimate"), 1.243_12, 5e-6),
        (slope("", "std_error"), 0.128_151, 5.1e-7),
        (bin(1, "actual"), 0.011_078, 5.1e-7),
        (bin(1, "std_error"), 0.004_424, 5.1e-7),
        (bin(2, "actual"), 0.073_115, 5.1e-7),
        (bin(2, "std_error"), 0.004_613, 5.1e-7),
    ];
    for (expression, value, digits) in expected {
        check(&context, ROWS, Tolerance::Absolute(digits), &[(&*expression, value)]).await;
    }
}

/// econml sums over a grid from 5 to 95 %, another estimand: near is all that the numbers can be. Errors are alike but for
/// the top 5 %, which weigh most in AUTOC.
#[tokio::test]
async fn near_the_rates_of_econml() {
    let Some(shared) = Shared::find("near_the_rates_of_econml") else { return };
    let reference = shared.reference("rate_econml");
    let context = shared.session(&["hillstrom", "hillstrom_scores"]).await;
    for case in reference["cases"].as_array().unwrap() {
        let (score, outcome) = (case["score"].as_str().unwrap(), case["outcome"].as_str().unwrap());
        let rows = rows_of(case);
        for (function, theirs, alike) in [("qini", "ht_p_0.5/qini", 0.1), ("autoc", "ht_p_0.5/toc", 0.6)] {
            let call = format!("{function}_ci({score}, {outcome}, t, 0.5, {{'scores': 'horvitz_thompson'}})");
            let theirs = case[theirs].as_object().unwrap();
            let (coefficient, error) = (theirs["coefficient"].as_f64(), theirs["se"].as_f64().unwrap());
            let estimate = format!("{call}['estimate']");
            let ratio = format!("ln({call}['std_error'] / {error})");
            check(&context, &rows, Tolerance::Absolute(error), &[(&*estimate, coefficient.unwrap())]).await;
            check(&context, &rows, Tolerance::Absolute(alike), &[(&*ratio, 0.0)]).await;
        }
    }
}
