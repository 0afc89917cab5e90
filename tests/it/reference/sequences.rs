//! Confidence sequences of confseq on a stream of Hillstrom's experiment, and the estimates of its demo.

use super::{Shared, Tolerance, check, number};

/// Running sums of tens of thousands of terms.
const RUNNING_SUMS: Tolerance = Tolerance::Absolute(1e-12);

#[tokio::test]
async fn sequences_of_a_mean_and_of_an_effect() {
    let Some(shared) = Shared::find("sequences_of_a_mean_and_of_an_effect") else { return };
    let reference = shared.reference("confseq");
    let context = shared.session(&["hillstrom"]).await;
    let mean = "confidence_sequence((SELECT * FROM hillstrom WHERE arm = 'womens_email'), position => row_id,
      value => visit, lower => 0, upper => 1)";
    // Weights of 2 and outcomes of 0 or 1: effects are in [-2, 2], which the reference maps to [0, 1].
    let effect = "confidence_sequence((SELECT * FROM hillstrom WHERE arm IN ('womens_email', 'no_email')),
      position => row_id, outcome => visit, treated => arm = 'womens_email', propensity => 0.5, lower => 0, upper => 1,
      min_propensity => 0.5)";
    let streams = [
        ("arm_visit_stream", mean, "ci_low", "ci_high"),
        ("ipw_contrast_stream", effect, "(ci_low + 2) / 4", "(ci_high + 2) / 4"),
    ];
    for (stream, sequence, low, high) in streams {
        let points = reference[stream]["predmix_empbern"].as_array().unwrap();
        assert!(points.len() > 3, "{stream}");
        for point in points {
            let t = number(point, "t");
            check(
                &context,
                &format!("{sequence} WHERE n = {t}"),
                RUNNING_SUMS,
                &[(low, number(point, "lower")), (high, number(point, "upper"))],
            )
            .await;
        }
    }
}
