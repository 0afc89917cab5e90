//! Rows of a leaf moved to the sides of a split.

use super::split::Rule;
use crate::learners::matrix::{BINS, BLOCK, BinnedMatrix, NULL_BIN};

/// Moves rows that go left to the front and the others behind them, both in their order; returns how many go left.
pub(super) fn partition(
    matrix: &BinnedMatrix,
    feature: u32,
    rule: Rule,
    rows: &mut [u32],
    scratch: &mut [u32],
) -> usize {
    let goes_left = sides(rule);
    let (blocks, block, lane) = (matrix.blocks(), feature as usize / BLOCK, feature as usize % BLOCK);
    let bins = &matrix.bins()[block..];
    let (mut left, mut right) = (0, 0);
    for at in 0..rows.len() {
        let row = rows[at];
        let goes_left = goes_left[bins[row as usize * blocks][lane] as usize];
        // Written to both sides, kept on one: no branch to mispredict.
        rows[left] = row;
        scratch[right] = row;
        left += usize::from(goes_left);
        right += usize::from(!goes_left);
    }
    rows[left..].copy_from_slice(&scratch[..right]);
    left
}

/// By bin whether it goes left.
fn sides(rule: Rule) -> [bool; BINS] {
    let mut bin = NULL_BIN;
    [(); BINS].map(|()| {
        let goes_left = match rule {
            Rule::AtMost { null_left, .. } if bin == NULL_BIN => null_left,
            Rule::AtMost { bin: edge, .. } => bin <= edge,
            Rule::In(set) => set.contains(bin),
        };
        bin = bin.wrapping_add(1);
        goes_left
    })
}
