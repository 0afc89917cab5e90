//! Difference of a ratio metric, such as revenue per visit, between the arms of an experiment.
//!
//! Estimand: `E[N(1)] / E[D(1)] - E[N(0)] / E[D(0)]`. Estimator: the difference of the arms' ratios of means, with the
//! delta method's error from both variances and the covariance.
//! Holds when: treatment was randomised with one probability, and rows are the units that were randomised.
//! Source: Deng, Knoblich and Lu (2018), "Applying the Delta Method in Metric Analytics".

use super::ipw::weighted_mean;
use super::statistic::{Linear, Solution, Statistic, TwoArms};

/// Columns: numerator, denominator, treated.
#[derive(Clone, Debug)]
pub(crate) struct RatioDifference;

impl Statistic for RatioDifference {
    type Row = [f64; 3];
    /// Denominator and numerator.
    type Sums = TwoArms<2, 3>;

    const TESTED: bool = true;

    fn arm(&self, &[_, _, treated]: &[f64; 3]) -> usize {
        usize::from(treated == 1.0)
    }

    fn terms(&self, &[numerator, denominator, _]: &[f64; 3]) -> [f64; 2] {
        [denominator, numerator]
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 2]>> {
        let [control, treated] = sums.arm_means()?;
        if control[0] == 0.0 || treated[0] == 0.0 {
            return None;
        }
        let [control, treated] =
            [control, treated].map(|[denominator, numerator]| weighted_mean(denominator, numerator));
        Some(Solution::Smooth(Linear {
            value: treated.value - control.value,
            gradient: [control.gradient.map(|g| -g), treated.gradient],
        }))
    }
}
