//! Calibration of predicted effects: predicted against actual effects in bins of the prediction.

use super::approximate::{ArmSums, Cell};
use super::blocks::upwards;
use super::over_rows::RowFunction;
use super::rows::{Independent, Scored};
use super::scores::Scores;
use super::sorting::sort;
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
            self.between(prediction)
        }
    }

    /// The bin of a prediction between edges that are given.
    fn between(&self, prediction: f64) -> usize {
        1 + self.edges.partition_point(|&edge| edge <= prediction)
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

    /// The bin of the rows of a cell, whose outcomes are about an origin.
    pub(super) fn bin_of_cell(&self, number: usize, cell: &Cell, origin: f64) -> Bin {
        let arm = |sums: &ArmSums| {
            let squares = sums.about(sums.wy / sums.w).1;
            Arm { rows: sums.n, weight: sums.w, origin, weighted: sums.wy, squares }
        };
        let [control, treated] = cell.arms.each_ref().map(arm);
        BinSums {
            lower: cell.lowest,
            upper: cell.highest,
            predictions: cell.predictions,
            arms: [control, treated],
        }
        .finish(self, number)
    }
}

/// Sums of the rows of a bin.
#[derive(Clone, Copy)]
struct BinSums {
    lower: f64,
    upper: f64,
    predictions: f64,
    /// Controls, and treated or rows that bring their scores.
    arms: [Arm; 2],
}

impl Default for BinSums {
    fn default() -> Self {
        Self { lower: f64::INFINITY, upper: f64::NEG_INFINITY, predictions: 0.0, arms: [Arm::default(); 2] }
    }
}

impl BinSums {
    fn add(&mut self, row: &Scored<Independent>) {
        self.lower = self.lower.min(row.prediction);
        self.upper = self.upper.max(row.prediction);
        self.predictions += row.prediction;
        let (arm, weight) = arm_and_weight(row);
        self.arms[arm].add(weight, row.outcome);
    }

    fn finish(&self, bins: &CalibrationBins, number: usize) -> Bin {
        let [control, treated] = &self.arms;
        let n = control.rows + treated.rows;
        let mut bin = Bin {
            number: number as u64,
            lower: self.lower,
            upper: self.upper,
            n: n as u64,
            // Rounding does not lead beyond the ends.
            predicted: (self.predictions / n).clamp(self.lower, self.upper),
            ..Bin::default()
        };
        let variance;
        if bins.scores == Scores::Given {
            (bin.actual, variance) = (treated.mean(), treated.variance());
        } else {
            (bin.n_treated, bin.n_control) = (Some(treated.rows as u64), Some(control.rows as u64));
            bin.actual = treated.mean().zip(control.mean()).map(|(treated, control)| treated - control);
            variance = treated.variance().zip(control.variance()).map(|(treated, control)| treated + control);
        }
        bin.std_error = variance.map(f64::sqrt);
        if let Some((actual, std_error)) = bin.actual.zip(bin.std_error) {
            let reach = normal_quantile(1.0 - bins.alpha / 2.0) * std_error;
            (bin.ci_low, bin.ci_high) = (Some(actual - reach), Some(actual + reach));
        }
        bin
    }
}

/// Rows that bring their scores are in the arm of the treated, with weight one.
fn arm_and_weight(row: &Scored<Independent>) -> (usize, f64) {
    if row.weight == 0.0 { (1, 1.0) } else { (usize::from(row.weight > 0.0), row.weight.abs()) }
}

/// Weighted outcomes of one arm.
#[derive(Clone, Copy, Default)]
struct Arm {
    rows: f64,
    weight: f64,
    /// The first outcome.
    origin: f64,
    /// Sum of `w (y - origin)`.
    weighted: f64,
    /// Sum of the squares of `w (y - mean)`.
    squares: f64,
}

impl Arm {
    fn add(&mut self, weight: f64, outcome: f64) {
        if self.rows == 0.0 {
            self.origin = outcome;
        }
        self.rows += 1.0;
        self.weight += weight;
        self.weighted += weight * (outcome - self.origin);
    }

    /// Once all rows have been added.
    fn add_square(&mut self, weight: f64, outcome: f64) {
        self.squares += (weight * (outcome - self.origin - self.weighted / self.weight)).powi(2);
    }

    fn mean(&self) -> Option<f64> {
        (self.rows > 0.0).then_some(self.origin + self.weighted / self.weight)
    }

    /// Of the mean, with n - 1 of the arm.
    fn variance(&self) -> Option<f64> {
        (self.rows > 1.0).then(|| self.rows / (self.rows - 1.0) * self.squares / (self.weight * self.weight))
    }
}

/// Rows of a slot on average, and slots at most.
const ROWS_PER_SLOT: usize = 64;
const SLOTS: usize = 1 << 16;

/// Where rows go, without sorting them all: predictions lie in slots of equal width, most of which are in one bin, and
/// only the rows of those that hold the end of one are put in order.
struct Placement {
    slots: Slots,
    /// The bin of all rows of a slot, 0 where they are placed one by one.
    bins: Vec<u16>,
    placed: Vec<(usize, Scored<Independent>)>,
}

impl Placement {
    fn new(calibration: &CalibrationBins, rows: &[Scored<Independent>]) -> Self {
        let n = rows.len();
        let slots = Slots::new(rows);
        let mut counts = vec![0_usize; slots.count];
        rows.iter().for_each(|row| counts[slots.of(row)] += 1);
        let (mut bins, mut below, mut through) = (vec![0; slots.count], vec![0; slots.count], 0);
        for slot in (0..slots.count).filter(|&slot| counts[slot] > 0) {
            below[slot] = through;
            through += counts[slot];
            let (first, last) = (calibration.bin(below[slot] + 1, n), calibration.bin(through, n));
            bins[slot] = if first == last { first as u16 } else { 0 };
        }
        let mut apart: Vec<_> = rows.iter().filter(|row| bins[slots.of(row)] == 0).copied().collect();
        sort(&mut apart);
        let mut placed = Vec::with_capacity(apart.len());
        for slot in apart.chunk_by(|a, b| slots.of(a) == slots.of(b)) {
            let below = below[slots.of(&slot[0])];
            upwards(slot, |block| {
                let smaller = below + slot.len() - block.above - block.rows.len();
                let bin = calibration.bin((2 * smaller + block.rows.len()).div_ceil(2), n);
                placed.extend(block.rows.iter().map(|row| (bin, *row)));
            });
        }
        Self { slots, bins, placed }
    }

    fn visit(&self, rows: &[Scored<Independent>], mut visit: impl FnMut(usize, &Scored<Independent>)) {
        for row in rows {
            match self.bins[self.slots.of(row)] {
                0 => {}
                bin => visit(usize::from(bin), row),
            }
        }
        self.placed.iter().for_each(|(bin, row)| visit(*bin, row));
    }
}

/// Slots of equal width from the least prediction to the greatest.
struct Slots {
    least: f64,
    per_unit: f64,
    count: usize,
}

impl Slots {
    fn new(rows: &[Scored<Independent>]) -> Self {
        let least = rows.iter().map(|row| row.prediction).fold(f64::INFINITY, f64::min);
        let greatest = rows.iter().map(|row| row.prediction).fold(f64::NEG_INFINITY, f64::max);
        let count = (rows.len() / ROWS_PER_SLOT).clamp(1, SLOTS);
        let per_unit = count as f64 / (greatest - least);
        // One slot where a width cannot be told.
        if per_unit.is_normal() {
            Self { least, per_unit, count }
        } else {
            Self { least: 0.0, per_unit: 0.0, count: 1 }
        }
    }

    /// Never falls as predictions rise.
    fn of(&self, row: &Scored<Independent>) -> usize {
        (((row.prediction - self.least) * self.per_unit) as usize).min(self.count - 1)
    }
}

impl RowFunction for CalibrationBins {
    type Dependence = Independent;
    type Outcome = f64;
    type Output = Vec<Bin>;

    const ORDERED: bool = false;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<Independent> {
        self.scores.read(rows, i)
    }

    /// Rows of one prediction go to one bin, that of their middle position; bins without rows are left out.
    fn apply(&self, rows: &[Scored<Independent>]) -> Vec<Bin> {
        let mut sums = vec![BinSums::default(); self.bins.max(self.edges.len() + 1) + 1];
        let placement = self.edges.is_empty().then(|| Placement::new(self, rows));
        let each = |visit: &mut dyn FnMut(usize, &Scored<Independent>)| match &placement {
            Some(placement) => placement.visit(rows, visit),
            None => rows.iter().for_each(|row| visit(self.between(row.prediction), row)),
        };
        each(&mut |bin, row| sums[bin].add(row));
        each(&mut |bin, row| {
            let (arm, weight) = arm_and_weight(row);
            sums[bin].arms[arm].add_square(weight, row.outcome);
        });
        let there = sums.iter().enumerate().filter(|(_, sums)| sums.lower <= sums.upper);
        there.map(|(number, sums)| sums.finish(self, number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row by its position: NTILE's bin of the middle of its ties.
    fn by_sorting(calibration: &CalibrationBins, rows: &[Scored<Independent>]) -> Vec<(usize, u64)> {
        let mut counts = vec![0; calibration.bins + 1];
        for row in rows {
            let below = rows.iter().filter(|other| other.prediction < row.prediction).count();
            let ties = rows.iter().filter(|other| other.prediction == row.prediction).count();
            counts[calibration.bin((2 * below + ties).div_ceil(2), rows.len())] += 1;
        }
        counts.into_iter().enumerate().filter(|&(_, count)| count > 0).collect()
    }

    #[test]
    fn rows_go_where_sorting_puts_them() {
        for (n, levels) in [(7, 3), (100, 1000), (5000, 7), (5000, 400), (6000, 1 << 20)] {
            let rows: Vec<_> = (0..n)
                .map(|i: usize| Scored {
                    prediction: (i * i * 7919 % 104_729 % levels) as f64 / 8.0 - 3.0,
                    outcome: 1.0,
                    weight: 0.0,
                    dependence: Independent,
                })
                .collect();
            let calibration = CalibrationBins { scores: Scores::Given, bins: 9, edges: vec![], alpha: 0.05 };
            let got: Vec<_> =
                calibration.apply(&rows).iter().map(|bin| (bin.number as usize, bin.n)).collect();
            assert_eq!(got, by_sorting(&calibration, &rows), "{n} rows of {levels} levels");
        }
    }
}
