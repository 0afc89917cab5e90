//! Fitting an ensemble, tree by tree.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;

use super::assembly::assemble;
use super::cell::Cell;
use super::ensemble::{Ensemble, add};
use super::gradients::Gradients;
use super::growth::Grower;
use super::held_out::{Curve, HeldOut};
use super::settings::{Loss, Settings};
use super::split::Search;
use super::weights::Weights;
use crate::learners::binning::Binning;
use crate::learners::matrix::BinnedMatrix;
use crate::math::mixed;

/// What a model is fitted to. Targets, weights and keys are by row of the matrix.
#[derive(Clone, Copy)]
pub(crate) struct Training<'a> {
    pub(crate) matrix: &'a BinnedMatrix,
    pub(crate) binning: &'a Binning,
    /// Rows that take part, each once; the order of sums follows theirs.
    pub(crate) rows: &'a [u32],
    /// Finite; in [0, 1] for logistic loss.
    pub(crate) target: &'a [f64],
    /// Finite; a row whose weight is not positive takes no part. A whole weight is as many rows.
    pub(crate) weight: Option<&'a [f64]>,
    /// A hash of each row, by which rows are drawn for a tree.
    pub(crate) keys: &'a [u64],
    /// Rows that no tree is grown from, and whose loss says when to stop.
    pub(crate) held_out: Option<&'a [u32]>,
}

/// How a fit runs; it does not change what is fitted.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) threads: usize,
    /// Set to end the fit; it is asked before each split.
    pub(crate) stopped: &'a AtomicBool,
}

/// The fit was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

/// An ensemble with all trees that were grown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grown {
    pub(crate) ensemble: Ensemble,
    /// What they did for the held-out rows, where there are such rows.
    pub(crate) curve: Option<Curve>,
}

/// Fits an ensemble.
///
/// # Errors
///
/// When it is stopped.
pub(crate) fn fit(training: &Training, settings: &Settings, run: Run) -> Result<Grown, Stopped> {
    match settings.loss {
        Loss::Squared => fit_with::<u64>(training, settings, run),
        Loss::Logistic => fit_with::<[u64; 2]>(training, settings, run),
    }
}

fn fit_with<C: Cell>(training: &Training, settings: &Settings, run: Run) -> Result<Grown, Stopped> {
    let rows = training.weighted(training.rows);
    let matrix = training.bins_of(&rows);
    let target: Vec<_> = rows.iter().map(|row| training.target[*row as usize]).collect();
    let weights = Weights::new(training.weights_of(&rows));
    let base = base(settings.loss, &target, &weights);
    let mut gradients = Gradients::<C>::new(settings.loss, target, weights, base);
    let held_out = |rows| HeldOut::new(training, rows, settings.loss, base);
    let mut held_out = training.held_out.map(held_out);
    let grower = Grower::new(&matrix, training.binning, settings, run.threads, run.stopped);
    let mut order: Vec<u32> = vec![];
    let mut scratch = vec![0; rows.len()];
    let mut ensemble = Ensemble { base, ..Ensemble::default() };
    for tree in 0..settings.trees {
        let Some(units) = gradients.update(run.threads) else { break };
        order.clear();
        order.extend((0..rows.len() as u32).filter(|row| {
            let key = || training.keys[rows[*row as usize] as usize];
            settings.row_share >= 1.0 || draw(settings.seed, tree, key()) < settings.row_share
        }));
        let search = Search {
            binning: training.binning,
            settings,
            units,
            features: features(training, settings, tree),
        };
        let scratch = &mut scratch[..order.len()];
        let nodes = grower.grow(&search, &gradients.cells, &mut order, scratch).ok_or(Stopped)?;
        let (tree, ranges) = assemble(&nodes, settings.learning_rate);
        let is_all = order.len() == rows.len();
        if tree.splits.is_empty() {
            // Without draws all trees to come are the same.
            if is_all && settings.column_share >= 1.0 {
                break;
            }
            continue;
        }
        if is_all {
            for (range, value) in ranges.into_iter().zip(&tree.leaves) {
                let value = f64::from(*value);
                order[range].iter().for_each(|row| gradients.score[*row as usize] += value);
            }
        } else {
            add(&tree, matrix.bins(), matrix.blocks(), &mut gradients.score);
        }
        ensemble.rounds += 1;
        let is_over = held_out.as_mut().is_some_and(|held_out| {
            held_out.add(&tree);
            held_out.is_over(settings.patience)
        });
        ensemble.trees.push(tree);
        if is_over {
            break;
        }
    }
    Ok(Grown { ensemble, curve: held_out.map(|held_out| held_out.curve) })
}

impl Training<'_> {
    /// The rows whose weight is positive.
    pub(super) fn weighted(&self, rows: &[u32]) -> Vec<u32> {
        let is_weighted = |row: &u32| self.weight.is_none_or(|weight| weight[*row as usize] > 0.0);
        rows.iter().copied().filter(is_weighted).collect()
    }

    pub(super) fn weights_of(&self, rows: &[u32]) -> Option<Vec<f64>> {
        self.weight.map(|weight| rows.iter().map(|row| weight[*row as usize]).collect())
    }

    /// The bins of rows, side by side.
    pub(super) fn bins_of(&self, rows: &[u32]) -> Cow<'_, BinnedMatrix> {
        if rows.len() == self.matrix.rows() && (0..).zip(rows).all(|(i, row)| *row == i) {
            Cow::Borrowed(self.matrix)
        } else {
            Cow::Owned(self.matrix.select(rows))
        }
    }
}

/// The best score without trees. A share of 0 or 1 is taken to be half a row away from it.
fn base(loss: Loss, target: &[f64], weights: &Weights) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, target) in target.iter().enumerate() {
        sum += weights.of(row) * target;
        total += weights.of(row);
    }
    if total == 0.0 {
        return 0.0;
    }
    match loss {
        Loss::Squared => sum / total,
        Loss::Logistic => {
            let least = (0.5 / (total + 1.0)).max(f64::EPSILON);
            let share = (sum / total).clamp(least, 1.0 - least);
            (share / (1.0 - share)).ln()
        }
    }
}

/// A number in [0, 1) for a tree and a key.
fn draw(seed: u64, tree: usize, key: u64) -> f64 {
    (mixed(key ^ mixed(seed ^ mixed(tree as u64))) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The features that a tree may split, ascending.
fn features(training: &Training, settings: &Settings, tree: usize) -> Vec<u32> {
    let mut features: Vec<u32> = (0..training.binning.features.len() as u32).collect();
    if settings.column_share < 1.0 {
        let count = (settings.column_share * features.len() as f64).ceil().max(1.0) as usize;
        let seed = mixed(settings.seed ^ 0x636f_6c75_6d6e);
        features.sort_by_key(|feature| mixed(u64::from(*feature) ^ mixed(seed ^ mixed(tree as u64))));
        features.truncate(count);
        features.sort_unstable();
    }
    features
}
