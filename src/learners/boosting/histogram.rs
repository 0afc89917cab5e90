//! Sums of rows by feature and bin.

use super::cell::Cell;
use crate::learners::binning::Binning;
use crate::learners::matrix::{BINS, BLOCK, BinnedMatrix};

/// Cells of a feature. With [`BINS`] of them the same bins of all features would compete for the same lines of the cache.
const CELLS: usize = BINS + 8;

/// A cell for each bin of each feature.
pub(super) struct Histogram<C> {
    blocks: Vec<[[C; CELLS]; BLOCK]>,
}

/// Bins that features have: the cells beyond them stay empty.
pub(super) struct Shape(Vec<[usize; BLOCK]>);

impl Shape {
    pub(super) fn new(binning: &Binning) -> Self {
        let mut counts = binning.features.iter().map(|bins| bins.count().min(BINS));
        let blocks = binning.features.len().div_ceil(BLOCK);
        // What fills the last block up is NULL in all rows.
        Self((0..blocks).map(|_| [(); BLOCK].map(|()| counts.next().unwrap_or(1))).collect())
    }
}

impl<C: Cell> Histogram<C> {
    pub(super) fn new(blocks: usize) -> Self {
        Self { blocks: vec![[[C::default(); CELLS]; BLOCK]; blocks] }
    }

    /// The cells of a feature.
    pub(super) fn of(&self, feature: usize) -> &[C; CELLS] {
        &self.blocks[feature / BLOCK][feature % BLOCK]
    }

    pub(super) fn clear(&mut self, shape: &Shape) {
        let features = self.blocks.as_flattened_mut().iter_mut();
        features.zip(shape.0.as_flattened()).for_each(|(cells, count)| cells[..*count].fill(C::default()));
    }

    /// Adds rows with the cell of each.
    pub(super) fn add(&mut self, matrix: &BinnedMatrix, rows: &[u32], cells: &[C]) {
        match self.blocks.len() {
            1 => self.add_blocks::<1>(matrix, rows, cells),
            2 => self.add_blocks::<2>(matrix, rows, cells),
            3 => self.add_blocks::<3>(matrix, rows, cells),
            4 => self.add_blocks::<4>(matrix, rows, cells),
            5 => self.add_blocks::<5>(matrix, rows, cells),
            6 => self.add_blocks::<6>(matrix, rows, cells),
            _ => self.add_any(matrix, rows, cells),
        }
    }

    /// As many blocks as the compiler knows of: the loop over features unrolls.
    fn add_blocks<const N: usize>(&mut self, matrix: &BinnedMatrix, rows: &[u32], cells: &[C]) {
        let (bins, _) = matrix.bins().as_chunks::<N>();
        let Some(sums) = self.blocks.first_chunk_mut::<N>() else { return };
        for row in rows {
            let (bins, cell) = (&bins[*row as usize], cells[*row as usize]);
            for block in 0..N {
                for feature in 0..BLOCK {
                    sums[block][feature][bins[block][feature] as usize].add(cell);
                }
            }
        }
    }

    fn add_any(&mut self, matrix: &BinnedMatrix, rows: &[u32], cells: &[C]) {
        let blocks = matrix.blocks();
        for row in rows {
            let cell = cells[*row as usize];
            let bins = &matrix.bins()[*row as usize * blocks..][..blocks];
            for (sums, bins) in self.blocks.iter_mut().zip(bins) {
                for feature in 0..BLOCK {
                    sums[feature][bins[feature] as usize].add(cell);
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self, shape: &Shape) {
        self.each(other, shape, C::add);
    }

    /// Leaves the sums of the rows that `other` has not.
    pub(super) fn subtract(&mut self, other: &Self, shape: &Shape) {
        self.each(other, shape, C::subtract);
    }

    fn each(&mut self, other: &Self, shape: &Shape, act: impl Fn(&mut C, C)) {
        let features = self.blocks.as_flattened_mut().iter_mut().zip(other.blocks.as_flattened());
        for ((cells, others), count) in features.zip(shape.0.as_flattened()) {
            cells[..*count].iter_mut().zip(&others[..*count]).for_each(|(cell, other)| act(cell, *other));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::features::{Column, Features};

    #[test]
    fn what_is_left_is_the_histogram_of_the_rest() {
        // As many features as fit none of the unrolled loops.
        let numbers = |feature: u32| (0..500_u32).map(|row| f64::from((row * (feature + 3)) % 97)).collect();
        let columns = (0..27).map(|feature| Column::Numeric(numbers(feature))).collect();
        let (features, rows) = (Features { columns, rows: 500 }, (0..500).collect::<Vec<u32>>());
        let binning = Binning::fit(&features, &rows, 1);
        let (matrix, shape) = (binning.bins(&features, 1), Shape::new(&binning));
        let cells: Vec<u64> = (0..500_i64).map(|row| (((row % 7 - 3) << 20) + 1) as u64).collect();
        let of = |rows: &[u32]| {
            let mut histogram = Histogram::new(matrix.blocks());
            histogram.add(&matrix, rows, &cells);
            histogram
        };
        let (mut all, part, rest) = (of(&rows), of(&rows[..123]), of(&rows[123..]));
        all.subtract(&part, &shape);
        assert_eq!(all.blocks, rest.blocks);
        all.merge(&part, &shape);
        assert_eq!(all.blocks, of(&rows).blocks);
        all.clear(&shape);
        assert_eq!(all.blocks, Histogram::<u64>::new(matrix.blocks()).blocks);
    }
}
