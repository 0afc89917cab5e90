//! Difference in means of a randomised experiment.
//!
//! Estimand: `E[Y(1) - Y(0)]`. Estimator: `m1 - m0`, with `se^2 = s1^2 / n1 + s0^2 / n0` and the t interval on
//! Welch-Satterthwaite degrees of freedom.
//! Holds when: treatment was randomised with one probability for all rows.
//! Source: Welch (1947), "The Generalization of Student's Problem".

use super::inference::Interval;
use super::statistic::{Linear, Solution, Statistic, TwoArms};

/// Columns: outcome, treated.
#[derive(Clone, Debug)]
pub(crate) struct DifferenceInMeans;

impl Statistic for DifferenceInMeans {
    type Row = [f64; 2];
    type Sums = TwoArms<1, 1>;

    const INTERVAL: Interval = Interval::T;
    const TESTED: bool = true;
    const WELCH: bool = true;

    fn arm(&self, &[_, treated]: &[f64; 2]) -> usize {
        usize::from(treated == 1.0)
    }

    fn terms(&self, &[outcome, _]: &[f64; 2]) -> [f64; 1] {
        [outcome]
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 1]; 2]>> {
        let [value] = sums.effects()?;
        Some(Solution::Smooth(Linear { value, gradient: [[-1.0], [1.0]] }))
    }
}
