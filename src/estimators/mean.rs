//! The sample mean.
//!
//! Estimand: `E[x]`. Estimator: the mean of the rows, with a t interval on n - 1 degrees of freedom.
//! Holds when: rows (or clusters) are independent draws.

use super::bounded::Bounds;
use super::inference::Interval;
use super::statistic::{Linear, OneArm, Solution, Statistic};

/// The mean of `x`.
#[derive(Clone, Debug)]
pub(crate) struct Mean;

impl Statistic for Mean {
    type Row = [f64; 1];
    type Sums = OneArm<1, 1>;

    const INTERVAL: Interval = Interval::T;

    fn terms(&self, &row: &[f64; 1]) -> [f64; 1] {
        row
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        bounds.reward
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 1]; 1]>> {
        let [value] = sums.means()?;
        Some(Solution::Smooth(Linear { value, gradient: [[1.0]] }))
    }
}
