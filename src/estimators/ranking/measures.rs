//! How well a ranking finds the rows with large effects: one number, whose influence is affine in the row's score
//! within a block of ties.

use super::blocks::upwards;
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

/// The influence of the rows of a tie: `factor · score + shift - recoil · estimate`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Influence {
    pub(super) factor: f64,
    pub(super) shift: f64,
    pub(super) recoil: f64,
}

impl Influence {
    /// What is added to the part of the score.
    #[inline]
    pub(super) fn constant(&self, estimate: f64) -> f64 {
        self.shift - self.recoil * estimate
    }

    /// How large its parts are.
    #[inline]
    pub(super) fn magnitude(&self, estimate: f64) -> f64 {
        self.shift.abs() + (self.recoil * estimate).abs()
    }
}

impl Measure {
    /// The curve of other libraries that it belongs to.
    pub(super) fn curve(self) -> Curve {
        if self == Self::Qini { Curve::Qini } else { Curve::Uplift }
    }

    /// Calls `visit` with each tie and the influence of its rows, from the smallest prediction up. The estimate is the mean
    /// of `factor · score`.
    pub(super) fn influences<P: ByPrediction>(
        self,
        scores: &P,
        mut visit: impl FnMut(&P::Rows, &Tie, Influence),
    ) {
        let n = scores.count();
        let effect = || scores.sum() / n;
        match self {
            // A prediction that tells no rows apart is worth nothing, for certain.
            Self::Qini | Self::Autoc if scores.is_constant() => {
                scores.upwards(|rows, tie| visit(rows, tie, Influence::default()));
            }
            Self::Qini | Self::Auuc => {
                let effect = effect();
                // Half of the effect belongs to the diagonal.
                let (half, diagonal) = if self == Self::Qini { (0.5, 0.5 * effect) } else { (0.0, 0.0) };
                let (mut below, mut sum_below) = (0.0, 0.0);
                scores.upwards(|rows, tie| {
                    let midrank = (below + 0.5 * tie.count) / n;
                    let above_and_half = effect - (sum_below + 0.5 * tie.sum) / n;
                    (below, sum_below) = (below + tie.count, sum_below + tie.sum);
                    let shift = above_and_half - diagonal;
                    visit(rows, tie, Influence { factor: midrank - half, shift, recoil: 2.0 });
                });
            }
            Self::Autoc => {
                let effect = effect();
                // Of the tie before: the sum of 1 / k over the ranks below it, its mean score, its shift.
                let (mut harmonic, mut last_mean, mut level) = (0.0, None, 0.0);
                scores.upwards(|rows, tie| {
                    let mean = tie.sum / tie.count;
                    if let Some(below) = last_mean {
                        level -= harmonic * (below - mean);
                    }
                    last_mean = Some(mean);
                    let through = tie.above + tie.count;
                    let above = harmonic + ranks(tie.above, through);
                    let weight = (tie.count + through * harmonic - tie.above * above) / tie.count;
                    let shift = level - mean * weight + effect;
                    visit(rows, tie, Influence { factor: weight - 1.0, shift, recoil: 1.0 });
                    harmonic = above;
                });
            }
            Self::UpliftAt { top } => {
                let share = top * n;
                scores.upwards(|rows, tie| {
                    let inside = ((share - tie.above) / tie.count).clamp(0.0, 1.0);
                    visit(rows, tie, Influence { factor: inside / top, shift: 0.0, recoil: inside / top });
                });
            }
        }
    }
}

/// Rows of one prediction: how many they are, how many have larger ones, the sum of their scores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tie {
    pub(super) above: f64,
    pub(super) count: f64,
    pub(super) sum: f64,
}

/// Scores by their predictions.
pub(super) trait ByPrediction {
    /// What is known of the rows of one prediction.
    type Rows: ?Sized;

    /// Rows of all predictions.
    fn count(&self) -> f64;
    /// Sum of the scores.
    fn sum(&self) -> f64;
    /// Whether all predictions are equal.
    fn is_constant(&self) -> bool;
    /// Calls `visit` with each prediction's rows, those of the smallest first.
    fn upwards(&self, visit: impl FnMut(&Self::Rows, &Tie));
}

/// Rows with what scores them.
pub(super) struct ScoredRows<'a, D> {
    pub(super) rows: &'a [Scored<D>],
    pub(super) scorer: &'a Scorer,
}

impl<D> ByPrediction for ScoredRows<'_, D> {
    type Rows = [Scored<D>];

    fn count(&self) -> f64 {
        self.rows.len() as f64
    }

    fn sum(&self) -> f64 {
        self.rows.iter().map(|row| self.scorer.score(row)).sum()
    }

    fn is_constant(&self) -> bool {
        let ends = self.rows.first().zip(self.rows.last());
        ends.is_some_and(|(first, last)| first.prediction == last.prediction)
    }

    fn upwards(&self, mut visit: impl FnMut(&[Scored<D>], &Tie)) {
        upwards(self.rows, |block| {
            let sum = block.rows.iter().map(|row| self.scorer.score(row)).sum();
            visit(block.rows, &Tie { above: block.above as f64, count: block.rows.len() as f64, sum });
        });
    }
}

/// `1 / k` summed over the ranks above `first` up to `last`.
fn ranks(first: f64, last: f64) -> f64 {
    /// Above this the expansion is exact to rounding.
    const EXPANDED: f64 = 10_000.0;
    // H(n) = ln n + gamma + 1 / (2 n) - 1 / (12 n^2) + … (Euler and Maclaurin); gamma cancels.
    let expanded = |n: f64| 0.5 / n - 1.0 / (12.0 * n * n);
    if first >= EXPANDED && last - first > EXPANDED {
        return (last / first).ln() + expanded(last) - expanded(first);
    }
    let mut sum = 0.0;
    let mut k = last;
    if last > first.max(EXPANDED) + EXPANDED {
        k = first.max(EXPANDED);
        sum = (last / k).ln() + expanded(last) - expanded(k);
    }
    while k > first {
        sum += 1.0 / k;
        k -= 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn long_stretches_equal_their_terms() {
        for (first, last) in [(0, 10), (0, 60_000), (5_000, 90_000), (20_000, 200_000), (20_000, 20_010)] {
            let sum: f64 = (first + 1..=last).map(|k| 1.0 / f64::from(k)).sum();
            assert!(
                (ranks(f64::from(first), f64::from(last)) - sum).abs() < 1e-13 * sum.max(1.0),
                "{first} {last}"
            );
        }
    }
}
