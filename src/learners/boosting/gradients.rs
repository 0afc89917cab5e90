//! Negative gradients of the loss, in floats and then as integers.

use super::cell::{Cell, GRADIENT_BITS, Units, nearest, scale};
use super::settings::Loss;
use super::weights::Weights;
use crate::learners::parts::{in_threads, share};

/// Rows whose sums are made apart and added in order, so that the number of threads changes nothing.
const ROWS_OF_SUM: usize = 8192;
/// Rows for which a thread is worth its start.
pub(super) const ROWS_FOR_THREAD: usize = 2 * ROWS_OF_SUM;

/// Rows as training sees them: their scores so far and what follows from these.
pub(super) struct Gradients<C> {
    loss: Loss,
    pub(super) target: Vec<f64>,
    pub(super) weights: Weights,
    pub(super) score: Vec<f64>,
    residual: Vec<f64>,
    pub(super) cells: Vec<C>,
}

impl<C: Cell> Gradients<C> {
    pub(super) fn new(loss: Loss, target: Vec<f64>, weights: Weights, base: f64) -> Self {
        let rows = target.len();
        Self {
            loss,
            target,
            weights,
            score: vec![base; rows],
            residual: vec![0.0; rows],
            cells: vec![C::default(); rows],
        }
    }

    /// Makes residuals of the scores and cells of these; `None` where no residual is left or none can be counted.
    pub(super) fn update(&mut self, threads: usize) -> Option<Units> {
        let part = share(self.target.len(), threads, ROWS_FOR_THREAD).next_multiple_of(ROWS_OF_SUM);
        let [residuals, weights] = self.residuals(part);
        let weight_bits = self.weights.bits(self.target.len());
        // Half of the range is for rounding: a residual is off by half a unit at most, for each of its weight.
        let bits = GRADIENT_BITS.min(63_u32.saturating_sub(weight_bits)) - 1;
        let scale_of_gradient = scale(residuals, bits);
        let scale_of_hessian = scale(weights / 4.0, GRADIENT_BITS);
        if scale_of_gradient == 0.0 || weight_bits > bits {
            return None;
        }
        let units = Units {
            weight_bits,
            gradient: 1.0 / scale_of_gradient,
            weight: self.weights.unit(),
            hessian: 1.0 / scale_of_hessian,
        };
        self.count(part, [scale_of_gradient, scale_of_hessian], &units);
        Some(units)
    }

    /// Negative gradients of the rows before weights, and the sums of their weighted sizes and of the weights.
    fn residuals(&mut self, part: usize) -> [f64; 2] {
        let (loss, weights) = (self.loss, &self.weights);
        let rows = self.residual.chunks_mut(part).zip(self.target.chunks(part)).zip(self.score.chunks(part));
        let sums = in_threads(rows.enumerate().collect(), |(at, ((residual, target), score))| {
            let mut first = at * part;
            let mut sums = vec![];
            let rows = residual.chunks_mut(ROWS_OF_SUM).zip(target.chunks(ROWS_OF_SUM));
            for ((residual, target), score) in rows.zip(score.chunks(ROWS_OF_SUM)) {
                for ((residual, target), score) in residual.iter_mut().zip(target).zip(score) {
                    *residual = match loss {
                        Loss::Squared => target - score,
                        Loss::Logistic => target - probability(*score),
                    };
                }
                sums.push(sizes(residual, weights, first));
                first += residual.len();
            }
            sums
        });
        sums.iter().flatten().fold([0.0; 2], |all, sum| [all[0] + sum[0], all[1] + sum[1]])
    }

    /// Makes the cells of the residuals.
    fn count(&mut self, part: usize, scales: [f64; 2], units: &Units) {
        let Self { target, residual, weights, cells, .. } = self;
        let rows = cells.chunks_mut(part).zip(residual.chunks(part)).zip(target.chunks(part)).enumerate();
        in_threads(rows.collect(), |(at, ((cells, residual), target))| {
            let first = at * part;
            let rows = cells.iter_mut().zip(residual).zip(target);
            match &*weights {
                Weights::One => {
                    rows.for_each(|((cell, residual), target)| {
                        *cell = row([*residual, *target], 1.0, [1, 1], scales, units);
                    });
                }
                Weights::Whole(whole) => {
                    rows.zip(&whole[first..]).for_each(|(((cell, residual), target), whole)| {
                        let whole = i64::from(*whole);
                        *cell = row([*residual, *target], 1.0, [whole, whole], scales, units);
                    });
                }
                Weights::Fractional { weights, whole, .. } => {
                    let weights = weights[first..].iter().zip(&whole[first..]);
                    rows.zip(weights).for_each(|(((cell, residual), target), (weight, whole))| {
                        *cell = row([*residual, *target], *weight, [1, i64::from(*whole)], scales, units);
                    });
                }
            }
        });
    }
}

/// The sums of the weighted sizes of residuals and of their weights; `first` is the row of the first.
fn sizes(residuals: &[f64], weights: &Weights, first: usize) -> [f64; 2] {
    if let Weights::One = weights {
        // Several sums at once, since each addition waits for the one before.
        let (fours, rest) = residuals.as_chunks::<4>();
        let mut sums = [0.0; 4];
        for four in fours {
            for lane in 0..4 {
                sums[lane] += four[lane].abs();
            }
        }
        return [sums.iter().chain(rest).map(|x| x.abs()).sum(), residuals.len() as f64];
    }
    let rows = (first..).zip(residuals).map(|(row, residual)| (weights.of(row), residual.abs()));
    rows.fold([0.0; 2], |[sizes, all], (weight, size)| [sizes + weight * size, all + weight])
}

/// The integers of a row: its residual and second derivative times `weight`, rounded, then times `times`.
#[inline(always)]
fn row<C: Cell>(
    [residual, target]: [f64; 2],
    weight: f64,
    [times, whole]: [i64; 2],
    [gradient, hessian]: [f64; 2],
    units: &Units,
) -> C {
    let second = if C::HAS_HESSIAN {
        let p = target - residual;
        nearest(p * (1.0 - p) * weight * hessian) * times
    } else {
        0
    };
    C::new(nearest(residual * weight * gradient) * times, whole, second, units)
}

/// The probability of a log-odds.
fn probability(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}
