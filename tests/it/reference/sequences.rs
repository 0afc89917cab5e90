//! Confidence sequences of confseq on a stream of Hillstrom's experiment, and its uniform boundaries.

use super::{CLOSED_FORM, Shared, Tolerance, check, number, session};

/// Running sums of tens of thousands of terms.
const RUNNING_SUMS: Tolerance = Tolerance::Absolute(1e-12);

const MEAN: &str =
    "confidence_sequence((SELECT * FROM hillstrom WHERE arm = 'womens_email'), position => row_id,
  value => visit, lower => 0, upper => 1";
// Weights of 2 and outcomes of 0 or 1: effects are in [-2, 2], which the reference maps to [0, 1].
const EFFECT: &str =
    "confidence_sequence((SELECT * FROM hillstrom WHERE arm IN ('womens_email', 'no_email')),
  position => row_id, outcome => visit, treated => arm = 'womens_email', propensity => 0.5, lower => 0, upper => 1,
  min_propensity => 0.5";

#[tokio::test]
async fn sequences_of_a_mean_and_of_an_effect() {
    let Some(shared) = Shared::find("sequences_of_a_mean_and_of_an_effect") else { return };
    let reference = shared.reference("confseq");
    let context = shared.session(&["hillstrom"]).await;
    let mapped = ("(ci_low + 2) / 4", "(ci_high + 2) / 4");
    let series = [
        ("arm_visit_stream/predmix_empbern", MEAN, "", ("ci_low", "ci_high")),
        ("ipw_contrast_stream/predmix_empbern", EFFECT, "", mapped),
        ("arm_visit_stream/predmix_hoeffding", MEAN, ", method => 'hoeffding'", ("ci_low", "ci_high")),
        (
            "arm_visit_stream/conjmix_hoeffding_t_opt_5000",
            MEAN,
            ", method => 'hoeffding_mixture', n_star => 5000",
            ("ci_low", "ci_high"),
        ),
        // An expected variance of a quarter: v_opt is n_star / 4. confseq halves alpha once for the two sides and once
        // more, so that its sequence is one of half the alpha it is asked for.
        (
            "arm_visit_stream/conjmix_empbern_v_opt_500",
            MEAN,
            ", method => 'empirical_bernstein_mixture', n_star => 2000, alpha => 0.025",
            ("ci_low", "ci_high"),
        ),
    ];
    for (path, call, method, (low, high)) in series {
        let points = reference.pointer(&format!("/{path}")).unwrap().as_array().unwrap();
        assert!(points.len() > 3, "{path}");
        let table = path.replace('/', "_");
        let sql = format!("CREATE TABLE {table} AS SELECT n, ci_low, ci_high FROM {call}{method})");
        context.sql(&sql).await.unwrap().collect().await.unwrap();
        for point in points {
            let t = number(point, "t");
            let expected = [(low, number(point, "lower")), (high, number(point, "upper"))];
            check(&context, &format!("{table} WHERE n = {t}"), RUNNING_SUMS, &expected).await;
        }
    }
}

#[tokio::test]
async fn uniform_boundaries() {
    let Some(shared) = Shared::find("uniform_boundaries") else { return };
    let reference = shared.reference("confseq");
    let boundaries = [
        ("normal_mixture_two_sided_v_opt_100", ""),
        ("normal_mixture_one_sided_v_opt_100", ", 0, {'sides': 'one'}"),
        ("gamma_exponential_v_opt_100_c_1", ", 1, {'sides': 'one'}"),
    ];
    for i in 0..5 {
        let v = number(&reference, &format!("boundaries/v/{i}"));
        let calls = boundaries.map(|(name, rest)| {
            let call = format!("mixture_boundary({v}, 100, 0.05{rest})");
            (call, number(&reference, &format!("boundaries/{name}/{i}")))
        });
        let expected = calls.each_ref().map(|(call, value)| (call.as_str(), *value));
        check(&session(), "(SELECT 1) AS t", CLOSED_FORM, &expected).await;
    }
}
