//! Trees as values.

use crate::learners::matrix::{BLOCK, NULL_BIN};

/// Bins as a set of 256 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BinSet(pub(crate) [u64; 4]);

impl BinSet {
    pub(crate) fn insert(&mut self, bin: u8) {
        self.0[(bin >> 6) as usize] |= 1 << (bin & 63);
    }

    pub(crate) fn remove(&mut self, bin: u8) {
        self.0[(bin >> 6) as usize] &= !(1 << (bin & 63));
    }

    pub(crate) fn contains(&self, bin: u8) -> bool {
        self.0[(bin >> 6) as usize] >> (bin & 63) & 1 == 1
    }
}

/// Which rows go left, by the bin of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Numbers in bins up to `bin`, and NULL if it is said so.
    AtMost { bin: u8, null_left: bool },
    /// Levels in a set of the tree, by its position.
    In(u16),
}

/// What is below a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    Split(u16),
    Leaf(u16),
}

/// A split of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) feature: u32,
    pub(crate) test: Test,
    pub(crate) left: Child,
    pub(crate) right: Child,
    /// What it lowered twice the loss by, before shrinkage.
    pub(crate) gain: f32,
}

/// A tree: splits from the root, each before those below it, the left ones first; leaves from left to right.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree {
    pub(crate) splits: Vec<Split>,
    pub(crate) sets: Vec<BinSet>,
    /// What each leaf adds to the score.
    pub(crate) leaves: Vec<f32>,
}

impl Tree {
    /// Whether a split sends rows of a bin left.
    pub(crate) fn goes_left(&self, test: Test, bin: u8) -> bool {
        match test {
            Test::AtMost { null_left, .. } if bin == NULL_BIN => null_left,
            Test::AtMost { bin: edge, .. } => bin <= edge,
            Test::In(set) => self.sets.get(set as usize).is_some_and(|set| set.contains(bin)),
        }
    }

    /// What the tree adds to the score of a row of bins.
    pub(crate) fn value(&self, row: &[[u8; BLOCK]]) -> f32 {
        let mut at = if self.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
        loop {
            match at {
                Child::Leaf(leaf) => return self.leaves.get(leaf as usize).copied().unwrap_or(0.0),
                Child::Split(split) => {
                    let split = &self.splits[split as usize];
                    let feature = split.feature as usize;
                    let bin = row.get(feature / BLOCK).map_or(NULL_BIN, |block| block[feature % BLOCK]);
                    at = if self.goes_left(split.test, bin) { split.left } else { split.right };
                }
            }
        }
    }
}
