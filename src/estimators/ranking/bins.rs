//! Calibration of predicted effects: predicted against actual effects in bins of the prediction.

use super::approximate::{ArmSums, Cell};
use super::blocks::upwards;
use super::over_rows::RowFunction;
use super::rows::{Independent, Scored};
use super::scores::Scores;
use crate::estimators::aggregate::Rows;
use crate::math::normal_quantile;

/// Predicted and actual effects in bins of equal numbers of rows. Columns: prediction, outcome (or score), treated,
/// propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct CalibrationBins {
    pub(crate) scores: Scores,
    /// How many bins, at least one.
    pub(crate) bins: usize,
    /// Where bins meet, smallest first; empty for bins of as many rows each.
    pub(crate) edges: Vec<f64>,
    /// Miscoverage of the intervals.
    pub(crate) alpha: f64,
}

/// A bin of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bin {
    /// From one, that of the smallest predictions.
    pub(crate) number: u64,
    /// Least and greatest prediction.
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) n: u64,
    /// `None` where rows bring their scores.
    pub(crate) n_treated: Option<u64>,
    pub(crate) n_control: Option<u64>,
    /// Mean prediction.
    pub(crate) predicted: f64,
    /// Effect, `None` when an arm is missing.
    pub(crate) actual: Option<f64>,
    pub(crate) std_error: Option<f64>,
    pub(crate) ci_low: Option<f64>,
    pub(crate) ci_high: Option<f64>,
}

impl CalibrationBins {
    /// The bin of the rows of one prediction, `below` of `n` rows having smaller ones and `through` no larger ones.
    pub(super) fn number(&self, prediction: f64, below: usize, through: usize, n: usize) -> usize {
        if self.edges.is_empty() {
            self.bin((below + through).div_ceil(2), n)
        } else {
            1 + self.edges.partition_point(|&edge| edge <= prediction)
        }
    }

    /// The bin of an ascending position from one: the first `n mod bins` bins have a row more than the others.
    fn bin(&self, position: usize, n: usize) -> usize {
        let (least, larger) = (n / self.bins, n % self.bins);
        let in_larger = larger * (least + 1);
        if position <= in_larger {
            position.div_ceil(least + 1)
        } else {
            larger + (position - in_larger).div_ceil(least)
        }
    }

    fn summarise(&self, number: usize, rows: &[Scored<Independent>]) -> Bin {
        let mut bin = Bin {
            number: number as u64,
            lower: rows.last().map_or(f64::NAN, |row| row.prediction),
            upper: rows.first().map_or(f64::NAN, |row| row.prediction),
            n: rows.len() as u64,
            predicted: Arm::of(rows.iter().map(|row| (1.0, row.prediction))).mean,
            ..Bin::default()
        };
        let (actual, variance) = if self.scores == Scores::Given {
            let mean = Arm::of(rows.iter().map(|row| (1.0, row.outcome)));
            (mean.mean(), mean.variance())
        } else {
            let arm = |is_treated: bool| {
                let rows = rows.iter().filter(move |row| (row.weight > 0.0) == is_treated);
                Arm::of(rows.map(|row| (row.weight.abs(), row.outcome)))
            };
            bin.effect_of_arms(arm(true), arm(false))
        };
        bin.with_error(actual, variance, self.alpha)
    }

    /// The bin of the rows of a cell, whose outcomes are about an origin.
    pub(super) fn bin_of_cell(&self, number: usize, cell: &Cell, origin: f64) -> Bin {
        let arm = |sums: &ArmSums| {
            let mean = sums.wy / sums.w;
            Arm { rows: sums.n, weight: sums.w, mean: origin + mean, squares: sums.about(mean).1 }
        };
        let [control, treated] = &cell.arms;
        let mut bin = Bin {
            number: number as u64,
            lower: cell.lowest,
            upper: cell.highest,
            n: cell.count() as u64,
            predicted: cell.predictions / cell.count(),
            ..Bin::default()
        };
        let (actual, variance) = if self.scores == Scores::Given {
            (arm(treated).mean(), arm(treated).variance())
        } else {
            bin.effect_of_arms(arm(treated), arm(control))
        };
        bin.with_error(actual, variance, self.alpha)
    }
}

impl Bin {
    /// Counts the arms; returns the effect and its variance.
    fn effect_of_arms(&mut self, treated: Arm, control: Arm) -> (Option<f64>, Option<f64>) {
        (self.n_treated, self.n_control) = (Some(treated.rows as u64), Some(control.rows as u64));
        let both = |one: Option<f64>, other: Option<f64>| one.zip(other);
        (
            both(treated.mean(), control.mean()).map(|(treated, control)| treated - control),
            both(treated.variance(), control.variance()).map(|(treated, control)| treated + control),
        )
    }

    fn with_error(mut self, actual: Option<f64>, variance: Option<f64>, alpha: f64) -> Self {
        self.actual = actual;
        self.std_error = variance.map(f64::sqrt);
        if let Some((actual, std_error)) = self.actual.zip(self.std_error) {
            let reach = normal_quantile(1.0 - alpha / 2.0) * std_error;
            (self.ci_low, self.ci_high) = (Some(actual - reach), Some(actual + reach));
        }
        self
    }
}

/// Weighted outcomes of one arm.
struct Arm {
    rows: f64,
    weight: f64,
    mean: f64,
    /// Sum of the squares of `w (y - mean)`.
    squares: f64,
}

impl Arm {
    fn of(rows: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let origin = rows.clone().next().map_or(0.0, |(_, outcome)| outcome);
        let (mut count, mut weight, mut weighted) = (0.0, 0.0, 0.0);
        for (w, outcome) in rows.clone() {
            count += 1.0;
            weight += w;
            weighted += w * (outcome - origin);
        }
        let mean = origin + weighted / weight;
        let squares = rows.map(|(w, outcome)| (w * (outcome - mean)).powi(2)).sum();
        Self { rows: count, weight, mean, squares }
    }

    fn mean(&self) -> Option<f64> {
        (self.rows > 0.0).then_some(self.mean)
    }

    /// Of the mean, with n - 1 of the arm.
    fn variance(&self) -> Option<f64> {
        (self.rows > 1.0).then(|| self.rows / (self.rows - 1.0) * self.squares / (self.weight * self.weight))
    }
}

impl RowFunction for CalibrationBins {
    type Dependence = Independent;
    type Outcome = f64;
    type Output = Vec<Bin>;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<Independent> {
        self.scores.read(rows, i)
    }

    /// Rows of one prediction go to one bin, that of their middle position; bins without rows are left out.
    fn apply(&self, rows: &[Scored<Independent>]) -> Vec<Bin> {
        let n = rows.len();
        let mut bins = vec![];
        // The bin at hand, and where its rows end; they begin where the next one's end.
        let mut current = (0, n);
        upwards(rows, |block| {
            let (below, through) = (n - block.above - block.rows.len(), n - block.above);
            let number = self.number(block.rows[0].prediction, below, through, n);
            if number != current.0 {
                let start = n - below;
                if current.0 > 0 {
                    bins.push(self.summarise(current.0, &rows[start..current.1]));
                }
                current = (number, start);
            }
        });
        if current.0 > 0 {
            bins.push(self.summarise(current.0, &rows[..current.1]));
        }
        bins
    }
}
