//! Bias of predicted amounts: what came true over what was predicted.
//!
//! Estimator: `b = sum R / sum P`, with influence `(R - b P) / mean P`. Shrunk to 1 by a normal prior about it with standard
//! deviation `t`: `1 + (b - 1) t^2 / (t^2 + se^2)`, computed as `1 + (b - 1) / (1 + (se / t)^2)`.
//! Source: Cochran (1977), "Sampling Techniques", for ratios; Efron and Morris (1973) for shrinkage.

use super::inference::{Appended, Errors};
use super::statistic::{Linear, OneArm, Solution, Statistic};

/// Columns: realised, predicted.
#[derive(Clone, Debug)]
pub(crate) struct BiasFactor {
    /// Standard deviation of the bias about 1 before there are data.
    pub(crate) prior_sd: f64,
}

impl BiasFactor {
    /// What [`Statistic::appended`] appends.
    pub(crate) const APPENDED: &[&str] = &["shrunk"];

    fn ratio(sums: &OneArm<2, 3>) -> Option<[Linear<[[f64; 2]; 1]>; 2]> {
        let [realised, predicted] = sums.means()?;
        (predicted > 0.0).then_some([
            Linear { value: realised, gradient: [[1.0, 0.0]] },
            Linear { value: predicted, gradient: [[0.0, 1.0]] },
        ])
    }
}

impl Statistic for BiasFactor {
    type Row = [f64; 2];
    type Sums = OneArm<2, 3>;

    fn terms(&self, &row: &[f64; 2]) -> [f64; 2] {
        row
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        let [numerator, denominator] = Self::ratio(sums)?;
        Some(Solution::Ratio { numerator, denominator, offset: 0.0 })
    }

    fn appended(&self, sums: &Self::Sums, errors: &impl Errors<[[f64; 2]; 1]>) -> Appended {
        let shrunk = || {
            let [realised, predicted] = Self::ratio(sums)?;
            let bias = realised.value / predicted.value;
            let gradient = [[1.0 / predicted.value, -bias / predicted.value]];
            // A variance beyond the range of numbers says nothing; the smallest ones round to either side of zero.
            let variance = errors.covariance(&gradient, &gradient).filter(|variance| variance.is_finite())?;
            let std_error = variance.max(0.0).sqrt();
            Some(1.0 + (bias - 1.0) / (1.0 + (std_error / self.prior_sd).powi(2)))
        };
        [shrunk(), None, None]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::laws::{check, column_rows, infer_plain};

    #[test]
    fn obeys_the_laws() {
        let rows: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i % 7), 1.0 + f64::from(i % 5)]).collect();
        check(&BiasFactor { prior_sd: 0.25 }, &rows);
    }

    #[test]
    fn shrinks_to_one_by_its_error() {
        // Influence values -0.5, 0.5: variance 0.5 / 2.
        let rows = column_rows(&[[1.0, 1.0], [2.0, 1.0]]);
        let got = infer_plain(&BiasFactor { prior_sd: 0.5 }, &rows);
        assert_eq!((got.estimate, got.std_error, got.appended[0]), (Some(1.5), Some(0.5), Some(1.25)));
        assert_eq!(got.p_value, None);
        let none = infer_plain(&BiasFactor { prior_sd: 0.5 }, &column_rows(&[[1.0, 0.0], [2.0, 0.0]]));
        assert_eq!((none.estimate, none.appended[0]), (None, None));
    }
}
