//! Difference in means, adjusted for a covariate from before the experiment (CUPED).
//!
//! Estimand: `E[Y(1) - Y(0)]`. Estimator: the difference in means of `Y - theta (X - mean X)`, where `theta` is the
//! slope of Y on X; it removes the part of the variance that X explains and leaves the estimand.
//! Holds when: treatment was randomised with one probability, and X was measured before it.
//! Source: Deng, Xu, Kohavi and Walker (2013), "Improving the Sensitivity of Online Controlled Experiments".

use super::inference::Interval;
use super::statistic::{Linear, Solution, Statistic, TwoArms};
use crate::math::Moments;

/// Where the slope of the outcome on the covariate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slope {
    /// Both arms, each about its own means.
    Within,
    /// All rows about the common means, which mixes in the effect itself.
    Joint,
    /// The controls alone.
    Control,
}

impl Slope {
    /// Reads the word of an option; the default is within arms.
    pub(crate) fn from_option(word: &str) -> Self {
        match word {
            "joint" => Self::Joint,
            "control" => Self::Control,
            _ => Self::Within,
        }
    }

    /// The slope; zero when the covariate does not vary.
    fn of(self, sums: &TwoArms<2, 3>) -> f64 {
        let [control, treated] = [sums.arm(0), sums.arm(1)];
        let within = |i, j| control.comoment(i, j) + treated.comoment(i, j);
        let (products, squares) = match self {
            Self::Within => (within(0, 1), within(1, 1)),
            Self::Joint => {
                let all = joined(control, treated);
                (all.comoment(0, 1), all.comoment(1, 1))
            }
            Self::Control => (control.comoment(0, 1), control.comoment(1, 1)),
        };
        if squares > 0.0 { products / squares } else { 0.0 }
    }
}

fn joined(control: &Moments<2, 3>, treated: &Moments<2, 3>) -> Moments<2, 3> {
    let mut all = *control;
    all.merge(treated);
    all
}

/// Columns: outcome, treated, covariate.
#[derive(Clone, Debug)]
pub(crate) struct Cuped {
    pub(crate) slope: Slope,
}

impl Statistic for Cuped {
    type Row = [f64; 3];
    /// Outcome and covariate.
    type Sums = TwoArms<2, 3>;

    const INTERVAL: Interval = Interval::T;
    const TESTED: bool = true;
    const WELCH: bool = true;

    fn arm(&self, &[_, treated, _]: &[f64; 3]) -> usize {
        usize::from(treated == 1.0)
    }

    fn terms(&self, &[outcome, _, covariate]: &[f64; 3]) -> [f64; 2] {
        [outcome, covariate]
    }

    /// The slope counts as fixed: its error is of second order.
    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 2]>> {
        let [outcome, covariate] = sums.effects()?;
        let slope = self.slope.of(sums);
        Some(Solution::Smooth(Linear {
            value: outcome - slope * covariate,
            gradient: [[-1.0, slope], [1.0, -slope]],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::laws::{column_rows, infer_plain};

    #[test]
    fn a_covariate_that_explains_everything_leaves_no_error() {
        let rows: Vec<_> =
            (0..40).map(|i| [f64::from(i) + f64::from(i % 2), f64::from(i % 2), f64::from(i)]).collect();
        let got = infer_plain(&Cuped { slope: Slope::Within }, &column_rows(&rows));
        assert!((got.estimate.unwrap() - 1.0).abs() < 1e-12 && got.std_error.unwrap() < 1e-7, "{got:?}");
    }

    #[test]
    fn a_constant_covariate_changes_nothing() {
        let rows = [[1.0, 0.0, 7.0], [2.0, 0.0, 7.0], [4.0, 1.0, 7.0], [6.0, 1.0, 7.0]];
        for slope in [Slope::Within, Slope::Joint, Slope::Control] {
            assert_eq!(infer_plain(&Cuped { slope }, &column_rows(&rows)).estimate, Some(3.5));
        }
    }
}
