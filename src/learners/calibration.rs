//! Calibration: scores of a classifier become probabilities.
//!
//! Holds when the scores are of rows the classifier was not fitted to (out of fold): on its own training rows a flexible
//! classifier is too sure, and a calibration learnt there keeps it so. Outcomes are 0 or 1, scores finite, weights count
//! copies of a row; a row of weight zero is no row.
//! Source: Zadrozny and Elkan (2002), "Transforming Classifier Scores into Accurate Multiclass Probability Estimates".

use std::sync::atomic::AtomicBool;

use super::features::{Column, Features};
use super::linear::{Design, Encoding, LinearError, LinearModel, Penalty, logistic, probability};

/// How log-odds become probabilities.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Calibration {
    /// By the logistic function.
    None,
    Platt(Platt),
    Isotonic(Isotonic),
}

/// Which calibration is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calibrator {
    None,
    Platt,
    Isotonic,
}

impl Calibration {
    /// Fits to log-odds of rows with a weight above zero.
    ///
    /// # Errors
    /// Those of [`Platt::fit`].
    pub(super) fn fit(
        calibrator: Calibrator,
        scores: &[f64],
        outcomes: &[f64],
        weight: Option<&[f64]>,
    ) -> Result<Self, LinearError> {
        Ok(match calibrator {
            Calibrator::None => Self::None,
            Calibrator::Platt => Self::Platt(Platt::fit(scores, outcomes, weight)?),
            Calibrator::Isotonic => {
                Isotonic::fit(scores, outcomes, weight).map_or(Self::None, Self::Isotonic)
            }
        })
    }

    /// The probability of a one, inside (0, 1).
    pub(super) fn probability(&self, log_odds: f64) -> f64 {
        match self {
            Self::None => probability(log_odds),
            Self::Platt(platt) => platt.probability(log_odds),
            Self::Isotonic(isotonic) => isotonic.probability(log_odds),
        }
    }
}

/// Platt's calibration: a logistic curve, `1 / (1 + exp(-(level + slope (score - centre))))`.
///
/// A score that ranks the wrong way gives a falling curve, one that does not vary the share of ones. The result is never 0
/// or 1 (see [`probability`]) and is not clipped otherwise.
/// Source: Platt (1999), "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood
/// Methods".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Platt {
    pub(crate) centre: f64,
    pub(crate) level: f64,
    pub(crate) slope: f64,
}

impl Platt {
    /// Fits the curve to Platt's targets `(n1 + 1) / (n1 + 2)` for ones and `1 / (n0 + 2)` for zeroes, `n1` and `n0` being
    /// their weights; with them there is a fit even where a score separates the classes.
    ///
    /// # Errors
    /// Without rows, when scores are too large to be squared, and when the classes are separated by so many rows (1e9) that the
    /// targets are 0 and 1 but for rounding.
    pub(crate) fn fit(scores: &[f64], outcomes: &[f64], weight: Option<&[f64]>) -> Result<Self, LinearError> {
        let weight_of = |row: usize| weight.map_or(1.0, |weight| weight[row]);
        let total = |class: f64| -> f64 {
            (0..scores.len()).filter(|&row| outcomes[row] == class).map(weight_of).sum()
        };
        let (zeroes, ones) = (1.0 / (total(0.0) + 2.0), (total(1.0) + 1.0) / (total(1.0) + 2.0));
        let targets: Vec<f64> = outcomes.iter().map(|&y| if y == 1.0 { ones } else { zeroes }).collect();
        let features = Features { columns: vec![Column::Numeric(scores.to_vec())], rows: scores.len() };
        let rows: Vec<u32> = (0..scores.len() as u32).collect();
        let encoding = Encoding::fit(&features, &[], None);
        let design = Design::new(&encoding, &features).ok_or(LinearError::NoRows)?;
        let LinearModel { centre, level, slopes } =
            logistic(&design, &rows, &targets, weight, Penalty::per_row(0.0)?, &AtomicBool::new(false))?;
        Ok(Self { centre: centre[0], level, slope: slopes[0] })
    }

    /// The probability of a one.
    pub(crate) fn probability(&self, score: f64) -> f64 {
        probability(self.level + self.slope * (score - self.centre))
    }
}

/// Isotonic calibration: the probabilities closest to the outcomes, in weighted squares, among those that rise with the score.
///
/// Source: Barlow, Bartholomew, Bremner and Brunk (1972), "Statistical Inference under Order Restrictions".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Isotonic {
    /// Lowest and highest score of each level, one where they are equal, ascending.
    pub(crate) scores: Vec<f64>,
    /// Their fitted values, ascending.
    pub(crate) values: Vec<f64>,
    /// Weight of the rows.
    pub(crate) weight: f64,
}

/// Neighbours that share a fitted value.
struct Level {
    lowest: f64,
    highest: f64,
    mean: f64,
    weight: f64,
}

impl Level {
    fn pool(&mut self, next: &Self) {
        self.highest = next.highest;
        self.weight += next.weight;
        self.mean += (next.mean - self.mean) * (next.weight / self.weight);
    }
}

impl Isotonic {
    /// Fits by pooling adjacent violators, rows of equal scores being pooled first; `None` without rows.
    pub(crate) fn fit(scores: &[f64], outcomes: &[f64], weight: Option<&[f64]>) -> Option<Self> {
        let weight_of = |row: usize| weight.map_or(1.0, |weight| weight[row]);
        let mut rows: Vec<usize> = (0..scores.len()).filter(|&row| weight_of(row) > 0.0).collect();
        rows.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let mut ties: Vec<Level> = vec![];
        for row in rows {
            let (score, mean) = (scores[row], outcomes[row]);
            let next = Level { lowest: score, highest: score, mean, weight: weight_of(row) };
            match ties.last_mut() {
                Some(last) if last.lowest == score => last.pool(&next),
                _ => ties.push(next),
            }
        }
        let mut levels: Vec<Level> = vec![];
        for mut next in ties {
            while let Some(mut last) = levels.pop_if(|last| last.mean >= next.mean) {
                last.pool(&next);
                next = last;
            }
            levels.push(next);
        }
        let mut fit = Self { scores: vec![], values: vec![], weight: 0.0 };
        for level in &levels {
            fit.weight += level.weight;
            for score in [level.lowest, level.highest] {
                if fit.scores.last() != Some(&score) {
                    fit.scores.push(score);
                    fit.values.push(level.mean);
                }
            }
        }
        (!levels.is_empty()).then_some(fit)
    }

    /// The fitted value: a straight line between the ends of two levels, the first and the last value beyond them.
    pub(crate) fn value(&self, score: f64) -> f64 {
        let above = self.scores.partition_point(|&x| x < score);
        let (Some(&right), Some(left)) = (self.scores.get(above), above.checked_sub(1)) else {
            return self.values[above.min(self.values.len() - 1)];
        };
        if right == score {
            return self.values[above];
        }
        let (low, high) = (self.values[left], self.values[above]);
        // Halved, since the distance between two scores may be too large for a number.
        let share = (score / 2.0 - self.scores[left] / 2.0) / (right / 2.0 - self.scores[left] / 2.0);
        (low + share * (high - low)).max(low).min(high)
    }

    /// The probability of a one: [`Self::value`] inside `[1 / (n + 2), (n + 1) / (n + 2)]`, `n` being the weight of the rows.
    /// The levels at the ends are often 0 and 1, and `n` rows do not show that; the bounds are Platt's targets.
    pub(crate) fn probability(&self, score: f64) -> f64 {
        let bound = 1.0 / (self.weight + 2.0);
        self.value(score).clamp(bound, 1.0 - bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 8] = [1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    const OUTCOMES: [f64; 8] = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0];
    const WEIGHTS: [f64; 8] = [1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 2.0, 1.0];

    /// Maximum of the likelihood of Platt's targets: statsmodels 0.15.0, `GLM(targets, add_constant(scores),
    /// family=Binomial(), var_weights=weights)`; scikit-learn 1.9.1's `_sigmoid_calibration` gives the same to 1e-8.
    #[test]
    fn platt_agrees_with_statsmodels() {
        let fit = Platt::fit(&SCORES, &OUTCOMES, Some(&WEIGHTS)).unwrap();
        assert!((fit.slope - 0.135_645_537_621_201_96).abs() < 1e-12, "{fit:?}");
        let expected = probability(0.180_760_097_220_513_45 + 3.0 * 0.135_645_537_621_201_96);
        assert!((fit.probability(3.0) - expected).abs() < 1e-12, "{fit:?}");
    }

    /// scikit-learn 1.9.1, `IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes, sample_weight=weights)`.
    #[test]
    fn isotonic_agrees_with_scikit_learn() {
        let fit = Isotonic::fit(&SCORES, &OUTCOMES, Some(&WEIGHTS)).unwrap();
        let at = [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 5.25, 6.0, 9.0];
        let expected = [0.5, 0.5, 0.5, 0.5, 0.55, 0.6, 0.6, 0.7, 1.0, 1.0];
        for (score, expected) in at.into_iter().zip(expected) {
            assert!((fit.value(score) - expected).abs() < 1e-15, "{score}: {fit:?}");
        }
        assert_eq!(fit.probability(9.0), 13.0 / 14.0);
    }

    #[test]
    fn rows_without_weight_and_copies_of_rows() {
        let zero = |weight: f64| if weight == 1.0 { 0.0 } else { weight };
        let weights = WEIGHTS.map(zero);
        let repeated = |values: [f64; 8]| -> Vec<f64> {
            values.iter().zip(weights).flat_map(|(&x, weight)| vec![x; weight as usize]).collect()
        };
        let (scores, outcomes) = (repeated(SCORES), repeated(OUTCOMES));
        assert_eq!(
            Isotonic::fit(&SCORES, &OUTCOMES, Some(&weights)),
            Isotonic::fit(&scores, &outcomes, None)
        );
        let weighted = Platt::fit(&SCORES, &OUTCOMES, Some(&weights)).unwrap();
        let copied = Platt::fit(&scores, &outcomes, None).unwrap();
        assert!((weighted.probability(2.5) - copied.probability(2.5)).abs() < 1e-12);
    }

    #[test]
    fn separated_classes_and_one_class_have_a_fit() {
        let separated = Platt::fit(&[-1.0, -2.0, 1.0, 2.0], &[0.0, 0.0, 1.0, 1.0], None).unwrap();
        assert!(separated.slope > 0.0 && separated.probability(2.0) < 1.0, "{separated:?}");
        let ones = Platt::fit(&[1.0, 2.0, 3.0], &[1.0; 3], None).unwrap();
        assert!((ones.probability(7.0) - 0.8).abs() < 1e-12 && ones.slope == 0.0, "{ones:?}");
        let constant = Platt::fit(&[3.0; 4], &[0.0, 1.0, 1.0, 1.0], None).unwrap();
        assert_eq!(constant.slope, 0.0);
        let step = Isotonic::fit(&[1.0, 2.0], &[0.0, 1.0], None).unwrap();
        assert_eq!((step.probability(0.0), step.value(1.25), step.probability(3.0)), (0.25, 0.25, 0.75));
    }

    #[test]
    fn falling_outcomes_pool_into_their_mean() {
        let fit = Isotonic::fit(&[1.0, 2.0, 3.0], &[1.0, 0.5, 0.0], None).unwrap();
        assert_eq!((fit.scores.as_slice(), fit.values.as_slice()), (&[1.0, 3.0][..], &[0.5, 0.5][..]));
        let far = Isotonic::fit(&[-1e308, 1e308], &[0.0, 1.0], None).unwrap();
        assert_eq!(far.value(0.0), 0.5);
    }

    #[test]
    fn without_rows() {
        assert_eq!(Platt::fit(&[], &[], None), Err(LinearError::NoRows));
        assert_eq!(Platt::fit(&[1.0], &[1.0], Some(&[0.0])), Err(LinearError::NoRows));
        assert_eq!(Isotonic::fit(&[1.0], &[1.0], Some(&[0.0])), None);
    }
}
