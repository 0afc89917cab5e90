//! Ridge regression from sums: `(C + P) beta = c`, `C` and `c` being centred sums of products.
//!
//! Centring both sides leaves the intercept out of the penalty. The system is solved in the scale of correlations, once
//! decomposed for all outcomes.
//! Source: Hoerl and Kennard (1970), "Ridge Regression: Biased Estimation for Nonorthogonal Problems".

use super::centred::Centred;
use super::model::LinearModel;
use super::{LinearError, Penalty};
use crate::math::{Double, NormalEquations};

/// Fits a model per outcome.
///
/// Without a penalty this is least squares. A column that does not vary has the coefficient zero, and so has, without a
/// penalty, one that the columns before it explain: predictions on the training rows are those of any other solution.
///
/// # Errors
/// Without rows, and when sums are too large to be finite.
pub(crate) fn ridge(centred: &Centred, penalty: Penalty) -> Result<Vec<LinearModel>, LinearError> {
    let Centred { weight, means, products, outcomes } = centred;
    // An overflow makes the weight or a mean NaN too.
    if *weight <= 0.0 {
        return Err(LinearError::NoRows);
    }
    if !centred.is_finite() {
        return Err(LinearError::Overflow);
    }
    let (scales, equations) = correlations(products, means.len(), penalty);
    let centre: Vec<f64> = means.iter().map(|mean| mean.value()).collect();
    let fit = |(mean, products): &(Double, Vec<f64>)| {
        let mut slopes: Vec<f64> = products.iter().zip(&scales).map(|(x, scale)| over(*x, *scale)).collect();
        equations.solve(&mut slopes);
        slopes.iter_mut().zip(&scales).for_each(|(slope, scale)| *slope = over(*slope, *scale));
        // What the centre has lost of the means.
        let lost = means.iter().zip(&centre).map(|(mean, centre)| (*mean - Double::from(*centre)).value());
        let level = mean.value() - slopes.iter().zip(lost).map(|(slope, lost)| slope * lost).sum::<f64>();
        LinearModel { centre: centre.clone(), level, slopes }.checked()
    };
    outcomes.iter().map(fit).collect()
}

/// The roots of the columns' sums of squares, and the penalised correlations between the columns, decomposed. The products
/// are a lower triangle by rows.
pub(super) fn correlations(products: &[f64], width: usize, penalty: Penalty) -> (Vec<f64>, NormalEquations) {
    let row = |i: usize| &products[i * (i + 1) / 2..][..=i];
    let squares: Vec<f64> = (0..width).map(|i| row(i)[i]).collect();
    let scales: Vec<f64> = squares.iter().map(|square| square.sqrt()).collect();
    let mut lower = Vec::with_capacity(products.len());
    for i in 0..width {
        lower.extend((0..i).map(|j| over(over(row(i)[j], scales[i]), scales[j])));
        lower.push(if squares[i] > 0.0 { 1.0 + penalty.on(squares[i]) } else { 0.0 });
    }
    (scales, NormalEquations::decompose(lower))
}

/// A quotient; zero for a column that does not vary.
fn over(x: f64, scale: f64) -> f64 {
    if scale > 0.0 { x / scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::linear::centred::Source;
    use crate::learners::linear::fixture::{OUTCOME, WEIGHTS, features};
    use crate::learners::linear::{Products, Row, Totals};
    use crate::learners::{Column, Features};

    fn centred(features: &Features, outcomes: &[&[f64]], weight: Option<&[f64]>) -> Centred {
        let columns = features.columns.iter().map(|column| match column {
            Column::Numeric(values) => values.as_slice(),
            Column::Categorical { .. } => &[],
        });
        let columns: Vec<&[f64]> = columns.chain(outcomes.iter().copied()).collect();
        let mut products = Products::default();
        for i in 0..features.rows {
            let mut row = Row::default();
            row.numbers.push(1.0);
            columns.iter().for_each(|column| row.numbers.push(column[i]));
            products.add(weight.map_or(1.0, |weight| weight[i]), &row);
        }
        let (width, count) = (features.columns.len(), 1 + columns.len());
        let totals = Totals::new(&products, count, &[], 0);
        let targets: Vec<_> = (1 + width..count).map(|outcome| totals.column(outcome)).collect();
        Centred::new(&totals, &(1..=width).map(Source::Number).collect::<Vec<_>>(), &targets)
    }

    fn fit(features: &Features, outcome: &[f64], penalty: Penalty) -> LinearModel {
        ridge(&centred(features, &[outcome], None), penalty).unwrap().remove(0)
    }

    fn least_squares() -> Penalty {
        Penalty::per_row(0.0).unwrap()
    }

    fn numeric(columns: &[&[f64]]) -> Features {
        let rows = columns.first().map_or(0, |column| column.len());
        Features { columns: columns.iter().map(|column| Column::Numeric(column.to_vec())).collect(), rows }
    }

    /// scikit-learn 1.9.1 with `sample_weight`: `LinearRegression()`, `Ridge(alpha=3, solver="cholesky")`, and
    /// `Ridge(alpha=0.25 * weights.sum(), solver="cholesky")` on columns standardised by weighted means and deviations.
    #[test]
    fn agrees_with_scikit_learn() {
        let cases = [
            (least_squares(), -0.362_491_178_076_355_8, 1.532_218_330_958_627, -0.069_190_513_602_407_55),
            (
                Penalty::raw(3.0).unwrap(),
                0.194_496_268_656_719_98,
                1.315_498_400_852_876_7,
                -0.052_457_736_826_073_58,
            ),
            (
                Penalty::per_row(0.25).unwrap(),
                1.372_223_840_097_251_3,
                0.830_001_416_356_522_9,
                -0.012_044_463_930_532_15,
            ),
        ];
        let sums = centred(&features(), &[&OUTCOME, &WEIGHTS], Some(&WEIGHTS));
        for (penalty, intercept, first, second) in cases {
            let fits = ridge(&sums, penalty).unwrap();
            assert_eq!(fits.len(), 2);
            let got = [fits[0].intercept(), fits[0].slopes[0], fits[0].slopes[1]];
            for (got, expected) in got.into_iter().zip([intercept, first, second]) {
                assert!((got - expected).abs() < 1e-12, "{penalty:?}: {got} {expected}");
            }
        }
    }

    #[test]
    fn by_hand() {
        // Slope 6 / (4 + alpha) about the means 2 and 5, or 6 / (4 (1 + l2)).
        let (x, y) = (numeric(&[&[1.0, 1.0, 3.0, 3.0]]), [3.0, 4.0, 6.0, 7.0]);
        for penalty in [Penalty::raw(4.0), Penalty::per_row(1.0)] {
            let model = fit(&x, &y, penalty.unwrap());
            assert!((model.slopes[0] - 0.75).abs() < 1e-15 && (model.level - 5.0).abs() < 1e-15, "{model:?}");
        }
    }

    #[test]
    fn columns_without_news_have_no_coefficient() {
        let x = [1.0, 2.0, 4.0, 7.0, 11.0];
        let shifted = x.map(|x| 1e8 + 3.0 * x);
        let y = x.map(|x| 2.0 * x - 1.0);
        let model = fit(&numeric(&[&[0.1; 5], &x, &shifted]), &y, least_squares());
        assert_eq!((model.slopes[0], model.slopes[2]), (0.0, 0.0));
        assert!((model.slopes[1] - 2.0).abs() < 1e-12, "{model:?}");
        // With a penalty two copies share the coefficient.
        let model = fit(&numeric(&[&x, &x]), &y, Penalty::per_row(1e-6).unwrap());
        assert!(model.slopes.iter().all(|slope| (slope - 1.0).abs() < 1e-5), "{model:?}");
    }

    #[test]
    fn fewer_rows_than_columns_are_fitted_exactly() {
        let features = numeric(&[&[1.0, 2.0], &[5.0, 3.0], &[0.0, 9.0]]);
        let model = fit(&features, &[4.0, 6.0], least_squares());
        assert!((model.slopes[0] - 2.0).abs() < 1e-12 && model.slopes[1..] == [0.0; 2], "{model:?}");
        let model = fit(&numeric(&[&[1.0], &[2.0]]), &[4.0], least_squares());
        assert_eq!((model.level, model.slopes), (4.0, vec![0.0; 2]));
    }

    #[test]
    fn a_constant_added_to_the_outcome_moves_the_level_alone() {
        let moved = OUTCOME.map(|y| y + 1000.0);
        let [a, b] = [&OUTCOME, &moved].map(|y| fit(&features(), y, Penalty::per_row(0.1).unwrap()));
        assert!((b.level - a.level - 1000.0).abs() < 1e-10);
        assert!(a.slopes.iter().zip(&b.slopes).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {b:?}");
    }

    #[test]
    fn what_cannot_be_fitted() {
        let none = Features { columns: vec![], rows: 3 };
        assert_eq!(fit(&none, &[1.0, 2.0, 6.0], least_squares()).level, 3.0);
        assert_eq!(
            ridge(&centred(&numeric(&[&[1.0], &[2.0]]), &[&[3.0]], Some(&[0.0])), least_squares()),
            Err(LinearError::NoRows)
        );
        let large = centred(&numeric(&[&[1e200, -1e200]]), &[&[1.0, 2.0]], None);
        assert_eq!(ridge(&large, least_squares()), Err(LinearError::Overflow));
        for l2 in [-1.0, f64::INFINITY] {
            assert_eq!(Penalty::per_row(l2), Err(LinearError::Penalty(l2)));
        }
        assert!(Penalty::raw(f64::NAN).is_err());
    }
}
