//! How many trees to keep, by rows that they were not grown from.

use std::borrow::Cow;

use super::ensemble::add;
use super::fit::Training;
use super::settings::Loss;
use super::tree::Tree;
use super::weights::Weights;
use crate::learners::matrix::BinnedMatrix;

/// Rows that no tree is grown from.
pub(super) struct HeldOut<'a> {
    loss: Loss,
    matrix: Cow<'a, BinnedMatrix>,
    target: Vec<f64>,
    weights: Weights,
    base: f64,
    score: Vec<f64>,
    pub(super) curve: Curve,
}

/// How much better than the base the first trees are for rows that they were not grown from, by their number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    rows: usize,
    gains: Vec<Gain>,
}

/// By how much the loss of rows is below that of the base: the sum, and the sum of squares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Gain {
    sum: f64,
    squares: f64,
}

impl<'a> HeldOut<'a> {
    pub(super) fn new(training: &'a Training, rows: &[u32], loss: Loss, base: f64) -> Self {
        let rows = training.weighted(rows);
        Self {
            loss,
            matrix: training.bins_of(&rows),
            target: rows.iter().map(|row| training.target[*row as usize]).collect(),
            weights: Weights::new(training.weights_of(&rows)),
            base,
            score: vec![base; rows.len()],
            curve: Curve { rows: rows.len(), gains: vec![] },
        }
    }

    /// Takes note of what the rows gain by one more tree.
    pub(super) fn add(&mut self, tree: &Tree) {
        add(tree, self.matrix.bins(), self.matrix.blocks(), &mut self.score);
        let mut all = Gain::default();
        for (row, (&target, &score)) in self.target.iter().zip(&self.score).enumerate() {
            let gain = self.loss.of(target, self.base) - self.loss.of(target, score);
            let gain = self.weights.of(row) * gain;
            all.sum += gain;
            all.squares += gain * gain;
        }
        self.curve.gains.push(all);
    }

    /// Whether it is long since more trees were better.
    pub(super) fn is_over(&self, patience: usize) -> bool {
        self.curve.gains.len() >= best(&self.curve.gains).0 + patience.max(1)
    }
}

/// How many trees gain most, and what.
fn best(gains: &[Gain]) -> (usize, Gain) {
    let gains = (1..).zip(gains.iter().copied());
    gains.fold((0, Gain::default()), |best, gain| if gain.1.sum > best.1.sum { gain } else { best })
}

impl Curve {
    /// How many trees the rows gain most by; none where they do not gain more than a standard error: the best of many numbers
    /// gains something by luck alone, and these are the rows that the trees will speak of. Source: Breiman et al. (1984),
    /// "Classification and Regression Trees", 3.4.3.
    pub(crate) fn surely_helpful(&self) -> usize {
        let (trees, Gain { sum, squares }) = best(&self.gains);
        // Rounding may leave a little less than nothing where all rows gain the same.
        let variance = (squares - sum * sum / self.rows as f64).max(0.0);
        if sum > variance.sqrt() { trees } else { 0 }
    }
}

/// How many trees the rows of all these curves together gain most by.
pub(crate) fn helpful<'a>(curves: impl Iterator<Item = &'a Curve> + Clone) -> usize {
    let trees = curves.clone().map(|curve| curve.gains.len()).max().unwrap_or(0);
    // Where trees were no longer grown they would have changed little.
    let gain =
        |curve: &Curve, at: usize| curve.gains.get(at).or(curve.gains.last()).map_or(0.0, |gain| gain.sum);
    let gains = (0..trees).map(|at| {
        let sum = curves.clone().map(|curve| gain(curve, at)).sum();
        Gain { sum, squares: 0.0 }
    });
    best(&gains.collect::<Vec<_>>()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(rows: usize, sums: &[f64]) -> Curve {
        // Every row gains the same but for a deviation of 1.
        let gain = |&sum: &f64| Gain { sum, squares: sum * sum / rows as f64 + rows as f64 };
        Curve { rows, gains: sums.iter().map(gain).collect() }
    }

    #[test]
    fn trees_surely_help_that_gain_more_than_a_standard_error() {
        // That of a sum over 100 rows is 10.
        assert_eq!(curve(100, &[4.0, 11.0, 9.0]).surely_helpful(), 2);
        assert_eq!(curve(100, &[4.0, 9.0, 8.0]).surely_helpful(), 0);
        assert_eq!(curve(100, &[]).surely_helpful(), 0);
        // Ten rows that gain 0.1 each, without a deviation but for rounding.
        let sum = (0..10).map(|_| 0.1).sum();
        let same = Gain { sum, squares: (0..10).map(|_| 0.1 * 0.1_f64).sum::<f64>() - 1e-15 };
        assert_eq!(Curve { rows: 10, gains: vec![same] }.surely_helpful(), 1);
    }

    #[test]
    fn curves_choose_together() {
        // One that ends keeps its last gain: 2 trees gain 7 - 1, 3 trees 7 + 1.
        let curves = [curve(10, &[5.0, 7.0]), curve(10, &[-3.0, -1.0, 1.0, 0.0])];
        assert_eq!(helpful(curves.iter()), 3);
        assert_eq!(helpful([curve(10, &[-1.0, -2.0])].iter()), 0);
        assert_eq!(helpful([].iter()), 0);
    }
}
