//! Features as bins: one byte for each row and feature.

use super::parts::{in_threads, share};

/// Features that lie side by side as a block, so that loops over them unroll.
pub(crate) const BLOCK: usize = 4;
/// The bin of NULL.
pub(crate) const NULL_BIN: u8 = 0;
/// Bins that a feature can have.
pub(crate) const BINS: usize = 256;

/// Rows of bins. A row has its features in blocks; what fills the last block up is NULL everywhere.
#[derive(Clone, Debug)]
pub(crate) struct BinnedMatrix {
    rows: usize,
    blocks: usize,
    bins: Vec<[u8; BLOCK]>,
}

impl BinnedMatrix {
    /// All NULL.
    pub(super) fn new(rows: usize, features: usize) -> Self {
        let blocks = features.div_ceil(BLOCK);
        Self { rows, blocks, bins: vec![[NULL_BIN; BLOCK]; rows * blocks] }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Blocks of features in a row.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// The blocks of all rows, row by row.
    pub(super) fn bins(&self) -> &[[u8; BLOCK]] {
        &self.bins
    }

    /// Lets `fill` write rows: it is given the first row of a part and the part's blocks.
    pub(super) fn fill(&mut self, threads: usize, fill: impl Fn(usize, &mut [[u8; BLOCK]]) + Sync) {
        let rows = share(self.rows, threads, 4096);
        let parts = self.bins.chunks_mut((rows * self.blocks).max(1)).enumerate().collect();
        in_threads(parts, |(part, bins)| fill(part * rows, bins));
    }

    /// A matrix of the given rows, in their order.
    pub(super) fn select(&self, rows: &[u32]) -> Self {
        let of = |row: u32| &self.bins[row as usize * self.blocks..][..self.blocks];
        let bins = rows.iter().flat_map(|row| of(*row)).copied().collect();
        Self { rows: rows.len(), blocks: self.blocks, bins }
    }
}
