//! Doubly robust policy values whose weights are shrunk: less variance for some bias.
//!
//! Estimand: `V = E[r(x, a)]` under the target policy. Estimator: the mean of `q_target + f(w) (r - q_logged)` with a
//! factor `f(w)` in place of the importance weight `w`: SWITCH, `w` up to lambda and 0 above; DRos, `lambda w / (w^2 +
//! lambda)`; sub-Gaussian, `w / (1 - lambda + lambda w)`.
//! Holds when: as DR, up to the bias of shrinking, of which the interval knows nothing.
//! Sources: Wang, Agarwal and Dudík (2017); Su, Dimakopoulou, Krishnamurthy and Dudík (2020); Metelli, Russo and
//! Restelli (2021).

use super::bounded::Bounds;
use super::inference::{Appended, Errors};
use super::ips::importance_weight;
use super::statistic::{Linear, OneArm, Solution, Statistic, Sums};

/// What becomes of an importance weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shrinkage {
    /// Weights above lambda count as 0: those rows have the prediction alone.
    Switch { lambda: f64 },
    /// The factor that bounds the mean squared error.
    Optimistic { lambda: f64 },
    /// A harmonic mean of the weight and 1.
    SubGaussian { lambda: f64 },
}

impl Shrinkage {
    /// The largest factor of weights up to `weight`.
    fn largest_factor(self, weight: f64) -> f64 {
        match self {
            Self::Switch { lambda } => weight.min(lambda),
            Self::Optimistic { lambda } => weight.min(lambda.sqrt() / 2.0),
            Self::SubGaussian { lambda } => weight.min(1.0 / lambda),
        }
    }

    /// The factor in place of the weight.
    #[inline]
    fn factor(self, weight: f64) -> f64 {
        match self {
            Self::Switch { lambda } => f64::from(weight <= lambda) * weight,
            Self::Optimistic { lambda } if lambda.is_infinite() => weight,
            Self::Optimistic { lambda: 0.0 } => 0.0,
            Self::Optimistic { lambda } => lambda * weight / (weight * weight + lambda),
            // A weight of 0 at lambda 1 would be 0 / 0.
            Self::SubGaussian { .. } if weight == 0.0 => 0.0,
            Self::SubGaussian { lambda } => weight / (1.0 - lambda + lambda * weight),
        }
    }
}

/// Columns: reward, propensity, target_prob, q_logged, q_target.
#[derive(Clone, Debug)]
pub(crate) struct ShrunkDr {
    pub(crate) shrinkage: Shrinkage,
}

impl Statistic for ShrunkDr {
    type Row = [f64; 5];
    /// The weight, the factor and the score.
    type Sums = OneArm<3, 6>;

    #[inline]
    fn terms(&self, &[reward, propensity, target_prob, q_logged, q_target]: &[f64; 5]) -> [f64; 3] {
        let weight = importance_weight(propensity, target_prob, f64::INFINITY);
        let factor = self.shrinkage.factor(weight);
        [weight, factor, q_target + factor * (reward - q_logged)]
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        bounds.of_corrected(self.shrinkage.largest_factor(bounds.weight))
    }

    /// The lambda that rows were shrunk with, unless it is none.
    fn appended(&self, sums: &Self::Sums, _errors: &impl Errors<[[f64; 3]; 1]>) -> Appended {
        let (Shrinkage::Switch { lambda }
        | Shrinkage::Optimistic { lambda }
        | Shrinkage::SubGaussian { lambda }) = self.shrinkage;
        [Some(lambda).filter(|lambda| lambda.is_finite() && sums.count() > 0.0), None, None]
    }

    /// The log supports the policy when some weight is positive, even if all factors are zero: that is the direct method.
    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 3]; 1]>> {
        let [weight, _, value] = sums.means()?;
        (weight > 0.0).then_some(Solution::Smooth(Linear { value, gradient: [[0.0, 0.0, 1.0]] }))
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::laws::{column_rows, infer_plain};
    use crate::estimators::{DirectMethod, DoublyRobust, Ips};

    const ROWS: [[f64; 5]; 4] = [
        [1.0, 0.5, 0.25, 0.6, 0.5],
        [0.0, 0.25, 0.5, 0.3, 0.4],
        [2.0, 0.1, 0.8, 0.9, 0.7],
        [1.0, 0.5, 0.0, 0.2, 0.1],
    ];

    fn estimate(shrinkage: Shrinkage) -> f64 {
        infer_plain(&ShrunkDr { shrinkage }, &column_rows(&ROWS)).estimate.unwrap()
    }

    #[test]
    fn lambda_leads_from_the_direct_method_to_doubly_robust() {
        let direct = infer_plain(&DirectMethod, &column_rows(&ROWS.map(|row| [row[4]]))).estimate.unwrap();
        let robust =
            infer_plain(&DoublyRobust { clip: f64::INFINITY }, &column_rows(&ROWS)).estimate.unwrap();
        for shrinkage in [Shrinkage::Switch { lambda: 0.0 }, Shrinkage::Optimistic { lambda: 0.0 }] {
            assert_eq!(estimate(shrinkage), direct);
        }
        let infinite = f64::INFINITY;
        for shrinkage in [
            Shrinkage::Switch { lambda: infinite },
            Shrinkage::Optimistic { lambda: infinite },
            Shrinkage::SubGaussian { lambda: 0.0 },
        ] {
            assert!((estimate(shrinkage) - robust).abs() < 1e-15);
        }
        // A weight at the threshold is kept.
        let kept = direct + (0.5 * 0.4 - 2.0 * 0.3) / 4.0;
        assert!((estimate(Shrinkage::Switch { lambda: 2.0 }) - kept).abs() < 1e-15);
    }

    #[test]
    fn without_predictions_the_sub_gaussian_is_that_of_ips() {
        let rows =
            ROWS.map(|[reward, propensity, target_prob, ..]| [reward, propensity, target_prob, 0.0, 0.0]);
        let value = |lambda| {
            infer_plain(&ShrunkDr { shrinkage: Shrinkage::SubGaussian { lambda } }, &column_rows(&rows))
                .estimate
                .unwrap()
        };
        let ips = infer_plain(
            &Ips { clip: f64::INFINITY },
            &column_rows(&rows.map(|row| [row[0], row[1], row[2]])),
        );
        assert_eq!(Some(value(0.0)), ips.estimate);
        // At 1 every positive weight is 1.
        assert_eq!(value(1.0), (1.0 + 0.0 + 2.0) / 4.0);
    }
}
