//! Logistic regression by Newton's method, which for this likelihood is iteratively reweighted least squares.
//! Source: Green (1984), "Iteratively Reweighted Least Squares for Maximum Likelihood Estimation"; when the maximum exists:
//! Albert and Anderson (1984), "On the Existence of Maximum Likelihood Estimates in Logistic Regression Models".

use std::sync::atomic::AtomicBool;

use super::encoding::Design;
use super::likelihood::Likelihood;
use super::model::LinearModel;
use super::{LinearError, Penalty};
use crate::math::NormalEquations;

/// A step that moves no standardised coefficient by more than this, relative to its size or to one, is the last.
const TOLERANCE: f64 = 1e-10;
/// So is one that promises less than this share of the loss, where rounding keeps flat directions from coming to rest.
const DECREMENT: f64 = TOLERANCE * TOLERANCE;
/// Iterations before giving up; a fit that exists takes about ten.
const ITERATIONS: usize = 100;
/// A step is halved until the loss does not grow, but not beyond this share of it.
const SMALLEST_SHARE: f64 = 1e-12;
/// Losses that differ by less than this share are equal but for rounding.
const ROUNDING: f64 = 1e-12;
/// Where the likelihood has lost all but this share of its curvature at the start, its maximum is at infinity.
const FLAT: f64 = 1e-10;

/// Fits the log-odds of an outcome in [0, 1]; outcomes and weights are those of the whole table.
///
/// A column that does not vary has the coefficient zero, and so has, without a penalty, one that the columns before it
/// explain. With any penalty that is not tiny there is a fit whenever both classes occur.
///
/// # Errors
/// Without rows, with one class only, when features separate the classes and the penalty does not hold coefficients back,
/// when values are too large, and when `stopped` is set meanwhile.
pub(crate) fn logistic(
    design: &Design<'_>,
    rows: &[u32],
    outcome: &[f64],
    weight: Option<&[f64]>,
    penalty: Penalty,
    stopped: &AtomicBool,
) -> Result<LinearModel, LinearError> {
    let likelihood = Likelihood::new(design, rows, outcome, weight, penalty, stopped)?;
    let mut at = vec![0.0; design.width() + 1];
    at[0] = libm::log(likelihood.share / (1.0 - likelihood.share));
    let mut pass = likelihood.pass(&at)?;
    let at_start = NormalEquations::decompose(pass.hessian.clone());
    for iteration in 0..ITERATIONS {
        if !pass.loss.is_finite() {
            return Err(LinearError::Overflow);
        }
        let equations = NormalEquations::decompose(std::mem::take(&mut pass.hessian));
        let is_flat = |j: usize| {
            let left = equations.left(j).unwrap_or_default();
            at_start.left(j).is_some_and(|start| left <= FLAT * start)
        };
        if (0..at.len()).any(is_flat) {
            return Err(LinearError::Separated);
        }
        let mut step = pass.descent.clone();
        equations.solve(&mut step);
        let is_small = |(step, at): (&f64, &f64)| step.abs() <= TOLERANCE * at.abs().max(1.0);
        let decrement: f64 = step.iter().zip(&pass.descent).map(|(step, descent)| step * descent).sum();
        let is_last = step.iter().zip(&at).all(is_small) || decrement <= DECREMENT * pass.loss;
        if is_last {
            at.iter_mut().zip(&step).for_each(|(at, step)| *at += step);
            return likelihood.model(&at);
        }
        let mut share = 1.0;
        (at, pass) = loop {
            let trial: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at + share * step).collect();
            let next = likelihood.pass(&trial)?;
            if next.loss <= pass.loss + ROUNDING * pass.loss.abs() {
                break (trial, next);
            }
            if share < SMALLEST_SHARE {
                return Err(LinearError::NotConverged(iteration));
            }
            share /= 2.0;
        };
    }
    Err(LinearError::NotConverged(ITERATIONS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::linear::Encoding;
    use crate::learners::linear::fixture::{CLASS, WEIGHTS, features};
    use crate::learners::linear::model::probability;
    use crate::learners::{Column, Features};

    fn fit(
        features: &Features,
        outcome: &[f64],
        weight: Option<&[f64]>,
        penalty: Penalty,
    ) -> Result<LinearModel, LinearError> {
        let rows: Vec<u32> = (0..features.rows as u32).collect();
        let encoding = Encoding::fit(features, &rows, weight);
        logistic(
            &Design::new(&encoding, features).unwrap(),
            &rows,
            outcome,
            weight,
            penalty,
            &AtomicBool::new(false),
        )
    }

    fn plain() -> Penalty {
        Penalty::per_row(0.0).unwrap()
    }

    fn numeric(columns: &[&[f64]]) -> Features {
        let rows = columns.first().map_or(0, |column| column.len());
        Features { columns: columns.iter().map(|column| Column::Numeric(column.to_vec())).collect(), rows }
    }

    /// statsmodels 0.15.0, `GLM(class, add_constant(x), family=Binomial(), var_weights=weights)`; scikit-learn 1.9.1,
    /// `LogisticRegression(C=1 / 3, solver="newton-cholesky")`, and `C=1 / (0.25 * weights.sum())` on columns standardised
    /// by weighted means and deviations.
    #[test]
    fn agrees_with_statsmodels_and_scikit_learn() {
        let cases = [
            (plain(), -0.472_902_038_888_509, -0.349_792_474_884_787_6, 0.094_385_380_320_056_82),
            (
                Penalty::raw(3.0).unwrap(),
                -0.852_958_979_794_295_9,
                -0.183_060_689_817_694_24,
                0.076_731_502_328_616_39,
            ),
            (
                Penalty::per_row(0.25).unwrap(),
                -0.842_346_956_744_217_4,
                0.080_115_978_454_612_32,
                0.020_852_940_223_173_5,
            ),
        ];
        for (penalty, intercept, first, second) in cases {
            let model = fit(&features(), &CLASS, Some(&WEIGHTS), penalty).unwrap();
            let got = [model.intercept(), model.slopes[0], model.slopes[1]];
            for (got, expected) in got.into_iter().zip([intercept, first, second]) {
                assert!((got - expected).abs() < 1e-11, "{penalty:?}: {got} {expected}");
            }
        }
    }

    #[test]
    fn shares_of_cells_by_hand() {
        // Ones: a quarter where x = 0, a half where x = 1.
        let (x, y) = (numeric(&[&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0]]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let model = fit(&x, &y, None, plain()).unwrap();
        assert!((model.intercept() + 3.0_f64.ln()).abs() < 1e-12, "{model:?}");
        assert!((model.slopes[0] - 3.0_f64.ln()).abs() < 1e-12, "{model:?}");
    }

    #[test]
    fn weights_are_copies_of_rows_and_zero_is_no_row() {
        let x = [0.3, 1.0, -2.0, 0.5, 1e6, 0.1];
        let y = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
        let model = fit(&numeric(&[&x]), &y, Some(&[2.0, 1.0, 1.0, 1.0, 0.0, 1.0]), plain()).unwrap();
        let repeated = numeric(&[&[0.3, 0.3, 1.0, -2.0, 0.5, 0.1]]);
        let expected = fit(&repeated, &[1.0, 1.0, 0.0, 0.0, 1.0, 0.0], None, plain()).unwrap();
        assert!((model.slopes[0] - expected.slopes[0]).abs() < 1e-12, "{model:?} {expected:?}");
        assert!((model.intercept() - expected.intercept()).abs() < 1e-12, "{model:?} {expected:?}");
    }

    #[test]
    fn separation_needs_a_penalty() {
        let whole = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let rare = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let classes = [[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]];
        for (x, y) in [whole, rare].iter().zip(classes) {
            assert_eq!(fit(&numeric(&[x]), &y, None, plain()), Err(LinearError::Separated));
            let model = fit(&numeric(&[x]), &y, None, Penalty::per_row(0.01).unwrap()).unwrap();
            assert!(model.slopes[0] > 0.0 && model.slopes[0] < 100.0, "{model:?}");
        }
    }

    #[test]
    fn columns_without_news_have_no_coefficient() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let y = [0.0, 1.0, 0.0, 1.0, 1.0];
        let features = numeric(&[&[0.1; 5], &x, &x.map(|x| 1e8 - 2.0 * x)]);
        let model = fit(&features, &y, None, plain()).unwrap();
        assert_eq!((model.slopes[0], model.slopes[2]), (0.0, 0.0));
        let alone = fit(&numeric(&[&x]), &y, None, plain()).unwrap();
        assert!((model.slopes[1] - alone.slopes[0]).abs() < 1e-12, "{model:?} {alone:?}");
    }

    #[test]
    fn asked_to_stop() {
        let (features, rows) = (features(), [0, 1, 2, 3, 4, 5, 6, 7]);
        let encoding = Encoding::fit(&features, &rows, None);
        let design = Design::new(&encoding, &features).unwrap();
        let stopped = AtomicBool::new(true);
        assert_eq!(logistic(&design, &rows, &CLASS, None, plain(), &stopped), Err(LinearError::Stopped));
    }

    #[test]
    fn what_cannot_be_fitted() {
        let x = numeric(&[&[1.0, 2.0]]);
        assert_eq!(fit(&x, &[1.0, 1.0], None, plain()), Err(LinearError::OneClass(1.0)));
        assert_eq!(fit(&x, &[0.0, 1.0], Some(&[0.0, 0.0]), plain()), Err(LinearError::NoRows));
        assert_eq!(
            fit(&numeric(&[&[-1e200, 1e200]]), &[0.0, 1.0], None, plain()),
            Err(LinearError::Overflow)
        );
        let none = Features { columns: vec![], rows: 4 };
        let model = fit(&none, &[0.0, 0.0, 0.0, 1.0], None, plain()).unwrap();
        assert!((probability(model.level) - 0.25).abs() < 1e-15);
    }
}
