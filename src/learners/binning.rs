//! Bins of features: numbers by quantiles, levels by how frequent they are.
//!
//! Trees compare bins alone, in training as in prediction. Source: Ke et al. (2017), "LightGBM: A Highly Efficient
//! Gradient Boosting Decision Tree".

use super::edges::{Edges, Search};
use super::features::{Column, Features, NULL};
use super::matrix::{BLOCK, BinnedMatrix, NULL_BIN};
use super::parts::{in_threads, share};
use crate::math::mixed;

/// Bins of numbers, beside the one of NULL.
const NUMERIC_BINS: usize = 254;
/// Levels with a bin of their own, beside those of NULL and of all other levels.
const LEVELS: usize = 254;
/// Rows from which bins are made; of more rows a sample is taken.
const SAMPLE: usize = 1 << 17;
/// Rows that are binned at a time, so that what is written stays in cache.
const ROWS_AT_A_TIME: usize = 2048;

/// The bins of one feature. Bin 0 is NULL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FeatureBins {
    /// Numbers are in bins from 1, ascending.
    Numeric(Edges),
    /// The bin of each level by its code; rare levels share the last bin with those that are not known.
    Categorical { bin_of: Vec<u8>, others: u8 },
}

impl FeatureBins {
    /// How many bins there are, with that of NULL.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Numeric(edges) => edges.as_slice().len() + 2,
            Self::Categorical { others, .. } => *others as usize + 1,
        }
    }

    pub(crate) fn is_categorical(&self) -> bool {
        matches!(self, Self::Categorical { .. })
    }
}

/// The bins of all features.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binning {
    pub(crate) features: Vec<FeatureBins>,
}

impl Binning {
    /// Makes bins from the given rows, whose order decides which of many are looked at.
    pub(crate) fn fit(features: &Features, rows: &[u32], threads: usize) -> Self {
        let rows = sample(rows);
        let columns = share(features.columns.len(), threads, 1);
        let parts = features.columns.chunks(columns).collect();
        let bins = in_threads(parts, |part| part.iter().map(|column| fit(column, &rows)).collect::<Vec<_>>());
        Self { features: bins.concat() }
    }

    /// The bins of a table; a column that is not what bins were made from is NULL.
    pub(crate) fn bins(&self, features: &Features, threads: usize) -> BinnedMatrix {
        let mut matrix = BinnedMatrix::new(features.rows, self.features.len());
        let blocks = matrix.blocks();
        let searches: Vec<_> = self.features.iter().map(Lookup::new).collect();
        matrix.fill(threads, |first, bins| {
            for (at, bins) in bins.chunks_mut(ROWS_AT_A_TIME * blocks).enumerate() {
                let first = first + at * ROWS_AT_A_TIME;
                for (feature, (lookup, column)) in searches.iter().zip(&features.columns).enumerate() {
                    let bins = bins[feature / BLOCK..].iter_mut().step_by(blocks);
                    lookup.write(column, first, bins.map(|block| &mut block[feature % BLOCK]));
                }
            }
        });
        matrix
    }
}

/// The rows, or about [`SAMPLE`] of them: one of each so many, at random so that no period of theirs is met.
fn sample(rows: &[u32]) -> Vec<u32> {
    let step = rows.len().div_ceil(SAMPLE).max(1);
    let at = |(i, rows): (usize, &[u32])| rows[(mixed(i as u64) % rows.len() as u64) as usize];
    rows.chunks(step).enumerate().map(at).collect()
}

fn fit(column: &Column, rows: &[u32]) -> FeatureBins {
    match column {
        Column::Numeric(numbers) => {
            let numbers = rows.iter().map(|row| numbers[*row as usize]);
            FeatureBins::Numeric(Edges::fit(
                &mut numbers.filter(|x| !x.is_nan()).collect::<Vec<_>>(),
                NUMERIC_BINS,
            ))
        }
        Column::Categorical { codes, levels } => {
            let mut counts = vec![0_u32; *levels as usize];
            for row in rows {
                if let Some(count) = counts.get_mut(codes[*row as usize] as usize) {
                    *count += 1;
                }
            }
            let mut by_count: Vec<_> = (0..counts.len()).filter(|code| counts[*code] > 0).collect();
            by_count.sort_by_key(|code| (std::cmp::Reverse(counts[*code]), *code));
            by_count.truncate(LEVELS);
            let others = by_count.len() as u8 + 1;
            let mut bin_of = vec![others; counts.len()];
            by_count.iter().zip(1..).for_each(|(code, bin)| bin_of[*code] = bin);
            FeatureBins::Categorical { bin_of, others }
        }
    }
}

/// How the bin of a value is found.
enum Lookup<'a> {
    Numeric(Search),
    Categorical { bin_of: &'a [u8], others: u8 },
}

impl<'a> Lookup<'a> {
    fn new(bins: &'a FeatureBins) -> Self {
        match bins {
            FeatureBins::Numeric(edges) => Self::Numeric(Search::new(edges)),
            FeatureBins::Categorical { bin_of, others } => Self::Categorical { bin_of, others: *others },
        }
    }

    fn write<'b>(&self, column: &'b Column, first: usize, bins: impl Iterator<Item = &'b mut u8>) {
        match (self, column) {
            (Self::Numeric(search), Column::Numeric(numbers)) => {
                search.each(numbers[first..].iter().zip(bins), |number, below, bin| {
                    *bin = if number.is_nan() { NULL_BIN } else { below + 1 };
                });
            }
            (Self::Categorical { bin_of, others }, Column::Categorical { codes, .. }) => {
                for (bin, code) in bins.zip(&codes[first..]) {
                    let known = bin_of.get(*code as usize).copied().unwrap_or(*others);
                    *bin = if *code == NULL { NULL_BIN } else { known };
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_has_a_bin_and_levels_not_seen_share_one() {
        let features = Features {
            columns: vec![
                Column::Numeric(vec![1.0, f64::NAN, 3.0, 7.0]),
                Column::Categorical { codes: vec![2, 2, NULL, 0], levels: 4 },
            ],
            rows: 4,
        };
        let binning = Binning::fit(&features, &[0, 1, 2, 3], 2);
        assert_eq!(binning.features[1], FeatureBins::Categorical { bin_of: vec![2, 3, 1, 3], others: 3 });
        let matrix = binning.bins(&features, 1);
        assert_eq!(matrix.bins(), [[1, 1, 0, 0], [0, 1, 0, 0], [2, 0, 0, 0], [3, 2, 0, 0]]);
        let unseen = Features {
            columns: vec![
                Column::Numeric(vec![-9.0, 2.0, 5.1]),
                Column::Categorical { codes: vec![3, 9, 2], levels: 10 },
            ],
            rows: 3,
        };
        assert_eq!(binning.bins(&unseen, 3).bins(), [[1, 3, 0, 0], [1, 3, 0, 0], [3, 1, 0, 0]]);
    }

    #[test]
    fn many_levels_keep_the_frequent_ones_apart() {
        let codes: Vec<u32> = (0..300).chain(290..300).collect();
        let features =
            Features { rows: codes.len(), columns: vec![Column::Categorical { codes, levels: 300 }] };
        let rows: Vec<u32> = (0..310).collect();
        let binning = Binning::fit(&features, &rows, 1);
        assert_eq!(binning.features[0].count(), 256);
        let matrix = binning.bins(&features, 1);
        assert_eq!((matrix.bins()[290][0], matrix.bins()[299][0]), (1, 10));
        assert_eq!((matrix.bins()[0][0], matrix.bins()[289][0]), (11, 255));
    }
}
