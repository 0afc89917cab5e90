//! Difference in means, adjusted for a covariate from before the experiment (CUPED).
//!
//! Estimand: `E[Y(1) - Y(0)]`. Estimator: the difference in means of `Y - theta (X - mean X)`, where `theta` is the
//! slope of Y on X, or on several X together; it removes the part of the variance that X explains and leaves the estimand.
//! Holds when: treatment was randomised with one probability, and X was measured before it.
//! Source: Deng, Xu, Kohavi and Walker (2013), "Improving the Sensitivity of Online Controlled Experiments".

use super::inference::Interval;
use super::statistic::{Linear, Solution, Statistic, TwoArms};
use crate::math::solve_normal_equations;

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

    /// The slopes on `K` covariates, which are the terms behind the outcome; zero where a covariate does not vary, or
    /// others explain it.
    fn of<const K: usize, const T: usize, const C: usize>(self, sums: &TwoArms<T, C>) -> [f64; K] {
        let [control, treated] = [sums.arm(0), sums.arm(1)];
        let mut all = *control;
        all.merge(treated);
        let comoment = |i, j| match self {
            Self::Within => control.comoment(i, j) + treated.comoment(i, j),
            Self::Joint => all.comoment(i, j),
            Self::Control => control.comoment(i, j),
        };
        let products = std::array::from_fn(|i| std::array::from_fn(|j| comoment(i + 1, j + 1)));
        solve_normal_equations(products, std::array::from_fn(|i| comoment(0, i + 1)))
    }
}

/// Covariates that a list holds at most.
pub(crate) const COVARIATES: usize = 8;

/// Adjusted for one covariate. Columns: outcome, treated, covariate.
pub(crate) type Cuped = CupedOn<1, 2, 3, 3>;

/// Adjusted for a list of covariates, filled up with constants. Columns: outcome, treated, covariates.
pub(crate) type CupedList = CupedOn<COVARIATES, { COVARIATES + 1 }, 45, { COVARIATES + 2 }>;

/// Adjusted for `K` covariates; `T` terms have `C` co-moments and rows `A` arguments.
#[derive(Clone, Debug)]
pub(crate) struct CupedOn<const K: usize, const T: usize, const C: usize, const A: usize> {
    pub(crate) slope: Slope,
}

impl<const K: usize, const T: usize, const C: usize, const A: usize> Statistic for CupedOn<K, T, C, A> {
    type Row = [f64; A];
    /// The outcome and the covariates.
    type Sums = TwoArms<T, C>;

    const INTERVAL: Interval = Interval::T;
    const TESTED: bool = true;
    const WELCH: bool = true;

    fn arm(&self, row: &[f64; A]) -> usize {
        usize::from(row[1] == 1.0)
    }

    fn terms(&self, row: &[f64; A]) -> [f64; T] {
        std::array::from_fn(|k| if k == 0 { row[0] } else { row[k + 1] })
    }

    /// The slopes count as fixed: their error is of second order.
    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; T]; 2]>> {
        let effects = sums.effects()?;
        let slopes: [f64; K] = self.slope.of(sums);
        let weights: [f64; T] = std::array::from_fn(|k| if k == 0 { 1.0 } else { -slopes[k - 1] });
        Some(Solution::Smooth(Linear {
            value: effects.iter().zip(weights).map(|(effect, weight)| effect * weight).sum(),
            gradient: [weights.map(|weight| -weight), weights],
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
    fn a_list_of_one_is_the_one() {
        let rows: Vec<_> =
            (0..30).map(|i| [f64::from(i * i % 7), f64::from(i % 2), f64::from(i * 5 % 11)]).collect();
        let list: Vec<[f64; COVARIATES + 2]> =
            rows.iter().map(|row| std::array::from_fn(|k| row.get(k).copied().unwrap_or_default())).collect();
        for slope in [Slope::Within, Slope::Joint, Slope::Control] {
            let one = infer_plain(&Cuped { slope }, &column_rows(&rows));
            let several = infer_plain(&CupedList { slope }, &column_rows(&list));
            assert!((one.estimate.unwrap() - several.estimate.unwrap()).abs() < 1e-12);
            assert!((one.std_error.unwrap() - several.std_error.unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn a_constant_covariate_changes_nothing() {
        let rows = [[1.0, 0.0, 7.0], [2.0, 0.0, 7.0], [4.0, 1.0, 7.0], [6.0, 1.0, 7.0]];
        for slope in [Slope::Within, Slope::Joint, Slope::Control] {
            assert_eq!(infer_plain(&Cuped { slope }, &column_rows(&rows)).estimate, Some(3.5));
        }
    }
}
