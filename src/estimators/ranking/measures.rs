//! How well a ranking finds the rows with large effects: one number, whose influence is affine in the row's score
//! within a block of ties.

use super::blocks::{Block, upwards};
use super::conventions::Curve;
use super::rows::Scored;
use super::scores::Scorer;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Measure {
    /// Area between the curve of the effect among the top share, times that share, and its diagonal: `Cov(score, F)`.
    Qini,
    /// Area under that curve: `mean(score F)`.
    Auuc,
    /// Area between the effect among the top share and the effect on all.
    Autoc,
    /// Effect among a top share.
    UpliftAt { top: f64 },
}

/// The influence of the rows of a block: `factor · score + shift - recoil · estimate`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Influence {
    pub(super) factor: f64,
    pub(super) shift: f64,
    pub(super) recoil: f64,
}

impl Measure {
    /// The curve of other libraries that it belongs to.
    pub(super) fn curve(self) -> Curve {
        if self == Self::Qini { Curve::Qini } else { Curve::Uplift }
    }

    /// Calls `visit` with each block and the influence of its rows, from the smallest prediction up. The estimate is the
    /// mean of `factor · score`.
    pub(super) fn influences<'a, D>(
        self,
        rows: &'a [Scored<D>],
        scorer: &Scorer,
        mut visit: impl FnMut(&Block<'a, D>, Influence),
    ) {
        let n = rows.len() as f64;
        let is_constant = rows.first().zip(rows.last()).is_some_and(|(a, b)| a.prediction == b.prediction);
        match self {
            // A prediction that tells no rows apart is worth nothing, for certain.
            Self::Qini | Self::Autoc if is_constant => {
                upwards(rows, |block| visit(block, Influence { factor: 0.0, shift: 0.0, recoil: 0.0 }));
            }
            Self::Qini | Self::Auuc => {
                let effect = mean_score(rows, scorer);
                // Half of the effect belongs to the diagonal.
                let (half, diagonal) = if self == Self::Qini { (0.5, 0.5 * effect) } else { (0.0, 0.0) };
                let (mut below, mut sum_below) = (0.0, 0.0);
                upwards(rows, |block| {
                    let block_sum = block.sum(scorer);
                    let midrank = (below + 0.5 * block.len()) / n;
                    let above_and_half = effect - (sum_below + 0.5 * block_sum) / n;
                    (below, sum_below) = (below + block.len(), sum_below + block_sum);
                    let shift = above_and_half - diagonal;
                    visit(block, Influence { factor: midrank - half, shift, recoil: 2.0 });
                });
            }
            Self::Autoc => {
                let effect = mean_score(rows, scorer);
                // Of the block before: the sum of 1 / k over the ranks below it, its mean score, its shift.
                let (mut harmonic, mut last_mean, mut level) = (0.0, None, 0.0);
                upwards(rows, |block| {
                    let mean = block.sum(scorer) / block.len();
                    if let Some(below) = last_mean {
                        level -= harmonic * (below - mean);
                    }
                    last_mean = Some(mean);
                    let above = harmonic + ranks(block.above as f64, block.through());
                    let (through, before) = (block.through() * harmonic, block.above as f64 * above);
                    let weight = (block.len() + through - before) / block.len();
                    let shift = level - mean * weight + effect;
                    visit(block, Influence { factor: weight - 1.0, shift, recoil: 1.0 });
                    harmonic = above;
                });
            }
            Self::UpliftAt { top } => {
                let share = top * n;
                upwards(rows, |block| {
                    let inside = ((share - block.above as f64) / block.len()).clamp(0.0, 1.0);
                    visit(block, Influence { factor: inside / top, shift: 0.0, recoil: inside / top });
                });
            }
        }
    }
}

fn mean_score<D>(rows: &[Scored<D>], scorer: &Scorer) -> f64 {
    rows.iter().map(|row| scorer.score(row)).sum::<f64>() / rows.len() as f64
}

/// `1 / k` summed over the ranks above `first` up to `last`.
fn ranks(first: f64, last: f64) -> f64 {
    let mut sum = 0.0;
    let mut k = last;
    while k > first {
        sum += 1.0 / k;
        k -= 1.0;
    }
    sum
}
