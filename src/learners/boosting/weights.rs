//! Weights of rows as floats and as integers.

use super::cell::scale;

/// Bits by which fractional weights are finer than their mean.
const FINER: u32 = 10;
/// Bits of the sum of all weights as integers, so that one of gradients fits beside it.
const MOST_BITS: u32 = 30;

/// Positive weights of the rows that take part.
pub(super) enum Weights {
    /// Each row is one.
    One,
    /// A row is as many rows.
    Whole(Vec<u32>),
    Fractional {
        weights: Vec<f64>,
        /// The same in units.
        whole: Vec<u32>,
        unit: f64,
    },
}

impl Weights {
    pub(super) fn new(weights: Option<Vec<f64>>) -> Self {
        let Some(weights) = weights else { return Self::One };
        let sum: f64 = weights.iter().sum();
        if weights.iter().all(|weight| weight.fract() == 0.0) && sum < f64::from(i32::MAX) {
            let whole: Vec<_> = weights.iter().map(|weight| *weight as u32).collect();
            return if whole.iter().all(|weight| *weight == 1) { Self::One } else { Self::Whole(whole) };
        }
        let bits = (bits(weights.len() as f64) + FINER).min(MOST_BITS);
        let scale = scale(sum, bits);
        let whole = weights.iter().map(|weight| (weight * scale).round() as u32).collect();
        Self::Fractional { weights, whole, unit: 1.0 / scale.max(f64::MIN_POSITIVE) }
    }

    /// The weight of a row.
    pub(super) fn of(&self, row: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Whole(whole) => f64::from(whole[row]),
            Self::Fractional { weights, .. } => weights[row],
        }
    }

    /// What an integer of weight is worth.
    pub(super) fn unit(&self) -> f64 {
        if let Self::Fractional { unit, .. } = self { *unit } else { 1.0 }
    }

    /// Bits that the integers of all `rows` together take at most.
    pub(super) fn bits(&self, rows: usize) -> u32 {
        match self {
            Self::One => bits(rows as f64),
            Self::Whole(whole) | Self::Fractional { whole, .. } => {
                bits(whole.iter().map(|weight| f64::from(*weight)).sum())
            }
        }
    }
}

/// Bits of integers up to `most`.
fn bits(most: f64) -> u32 {
    (most + 1.0).log2().ceil().max(1.0) as u32
}
