//! A fitted linear function of the columns of a design.

use super::LinearError;
use super::encoding::{Coding, Design, Place, place_of};
use crate::learners::features::Column;

/// `level + sum_j slope_j (x_j - centre_j)`. Centred at the means of the training rows it keeps its digits where the means
/// are large, which an intercept does not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinearModel {
    pub(crate) centre: Vec<f64>,
    pub(crate) level: f64,
    pub(crate) slopes: Vec<f64>,
}

impl LinearModel {
    /// Refuses numbers that are not finite.
    pub(super) fn checked(self) -> Result<Self, LinearError> {
        let all = || self.centre.iter().chain(&self.slopes).chain([&self.level]);
        if all().all(|x| x.is_finite()) { Ok(self) } else { Err(LinearError::Overflow) }
    }

    /// The value where all columns are zero.
    #[cfg(test)]
    pub(crate) fn intercept(&self) -> f64 {
        self.at(&vec![0.0; self.centre.len()])
    }

    /// The value at one point.
    #[cfg(test)]
    pub(super) fn at(&self, point: &[f64]) -> f64 {
        let terms = self.slopes.iter().zip(&self.centre).zip(point);
        self.level + terms.map(|((slope, centre), x)| slope * (x - centre)).sum::<f64>()
    }

    /// Writes the values at some rows of a table, for a logistic model the log-odds.
    pub(crate) fn predict(&self, design: &Design<'_>, rows: &[u32], out: &mut [f64]) {
        out.fill(self.level);
        let mut first = 0;
        for (coding, column) in design.encoding.codings.iter().zip(&design.features.columns) {
            let slopes = &self.slopes[first..first + coding.width()];
            let centre = &self.centre[first..first + coding.width()];
            match (coding, column) {
                (Coding::Numeric { fill, .. }, Column::Numeric(values)) => {
                    let base = -slopes.iter().zip(centre).skip(1).map(|(slope, x)| slope * x).sum::<f64>();
                    let null = base + slopes[0] * (fill - centre[0]) + slopes.get(1).unwrap_or(&0.0);
                    for (out, &row) in out.iter_mut().zip(rows) {
                        let x = values[row as usize];
                        *out += if x.is_nan() { null } else { base + slopes[0] * (x - centre[0]) };
                    }
                }
                (Coding::Categorical { places, shares }, Column::Categorical { codes, .. }) => {
                    let base = -slopes.iter().zip(centre).map(|(slope, x)| slope * x).sum::<f64>();
                    let unseen = base + slopes.iter().zip(shares).map(|(slope, x)| slope * x).sum::<f64>();
                    for (out, &row) in out.iter_mut().zip(rows) {
                        *out += match place_of(places, codes[row as usize]) {
                            Place::Unseen => unseen,
                            Place::Reference => base,
                            Place::Column(j) => base + slopes[j as usize],
                        };
                    }
                }
                _ => unreachable!("a design is made of features of the encoding's types"),
            }
            first += coding.width();
        }
    }
}

/// The probability of log-odds: never 0 or 1, which only rounding would make of them, but the next numbers inside.
pub(crate) fn probability(log_odds: f64) -> f64 {
    let odds = libm::exp(-log_odds.abs());
    let smaller = (odds / (1.0 + odds)).max(f64::MIN_POSITIVE);
    let larger = (1.0 / (1.0 + odds)).min(1.0 - f64::EPSILON / 2.0);
    if log_odds > 0.0 { larger } else { smaller }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::linear::Encoding;
    use crate::learners::{Features, NULL};

    #[test]
    fn a_prediction_is_the_function_of_the_columns() {
        let features = Features {
            columns: vec![
                Column::Numeric(vec![1.0, f64::NAN, 3.0, 5.0]),
                Column::Categorical { codes: vec![0, 1, NULL, 2], levels: 3 },
            ],
            rows: 4,
        };
        // Level 2 is not seen; columns: the number, whether NULL, level 1, level NULL.
        let encoding = Encoding::fit(&features, &[0, 1, 2], None);
        let model = LinearModel {
            centre: vec![2.0, 0.5, 0.25, 0.125],
            level: 10.0,
            slopes: vec![3.0, -2.0, 5.0, 7.0],
        };
        let mut out = [0.0; 4];
        model.predict(&Design::new(&encoding, &features).unwrap(), &[0, 1, 2, 3], &mut out);
        let third = 1.0 / 3.0;
        let points =
            [[1.0, 0.0, 0.0, 0.0], [2.0, 1.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0], [5.0, 0.0, third, third]];
        for (got, point) in out.iter().zip(points) {
            assert!((got - model.at(&point)).abs() < 1e-12, "{out:?}");
        }
    }

    #[test]
    fn probabilities_stay_inside() {
        assert_eq!(probability(0.0), 0.5);
        assert!((probability(-1.0) - 0.268_941_421_369_995_1).abs() < 1e-16);
        for log_odds in [-1e300, -800.0, -40.0, 40.0, 800.0, f64::INFINITY] {
            let got = probability(log_odds);
            assert!(got > 0.0 && got < 1.0 && (got > 0.5) == (log_odds > 0.0), "{log_odds}: {got}");
        }
    }
}
