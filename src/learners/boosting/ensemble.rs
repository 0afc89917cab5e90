//! Sums of trees.

use super::masks;
use super::tree::Tree;
use crate::learners::matrix::{BLOCK, BinnedMatrix};
use crate::learners::parts::{in_threads, share};

/// Rows that all trees go over before the next ones, so that their bins and scores stay in cache.
const ROWS_AT_A_TIME: usize = 16_384;
/// Rows for which masks of a tree are worth making.
const ROWS_FOR_MASKS: usize = 256;

/// A fitted model: its score is `base` plus the values of all trees.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ensemble {
    pub(crate) base: f64,
    pub(crate) trees: Vec<Tree>,
    /// Trees that were grown, before those that did not help the held-out rows were dropped.
    pub(crate) rounds: usize,
}

impl Ensemble {
    /// Sets `scores` to those of the rows: means for squared loss, log-odds for logistic loss.
    pub(crate) fn predict(&self, matrix: &BinnedMatrix, scores: &mut [f64], threads: usize) {
        let blocks = matrix.blocks();
        scores.fill(self.base);
        if blocks == 0 {
            // Trees of no features are single leaves.
            return self.trees.iter().for_each(|tree| add(tree, &[], 0, scores));
        }
        let rows = share(scores.len(), threads, 1024);
        let parts = matrix.bins().chunks(rows * blocks).zip(scores.chunks_mut(rows)).collect();
        in_threads(parts, |(bins, scores)| {
            let rows = bins.chunks(ROWS_AT_A_TIME * blocks).zip(scores.chunks_mut(ROWS_AT_A_TIME));
            rows.for_each(|(bins, scores)| {
                self.trees.iter().for_each(|tree| add(tree, bins, blocks, scores))
            });
        });
    }

    /// What the splits of each feature gained, in all trees.
    pub(crate) fn gains(&self, features: usize) -> Vec<f64> {
        let mut gains = vec![0.0; features];
        for split in self.trees.iter().flat_map(|tree| &tree.splits) {
            if let Some(gain) = gains.get_mut(split.feature as usize) {
                *gain += f64::from(split.gain);
            }
        }
        gains
    }
}

/// Adds a tree's values to the scores of rows.
pub(super) fn add(tree: &Tree, bins: &[[u8; BLOCK]], blocks: usize, scores: &mut [f64]) {
    if scores.len() >= ROWS_FOR_MASKS && masks::add(tree, bins, blocks, scores) {
        return;
    }
    if blocks == 0 {
        return scores.iter_mut().for_each(|score| *score += f64::from(tree.value(&[])));
    }
    let rows = bins.chunks_exact(blocks).zip(scores);
    rows.for_each(|(row, score)| *score += f64::from(tree.value(row)));
}
