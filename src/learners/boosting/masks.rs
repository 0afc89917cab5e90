//! Trees as masks of leaves.
//!
//! Each bin of a feature has a mask without the leaves that rows of this bin cannot come to since they go right of
//! them; the leaf of a row is the first that all its features' masks have. There is no branch to mispredict, and a
//! tree costs the same however deep it is.
//! Source: Lucchese et al. (2015), "QuickScorer: A Fast Algorithm to Rank Documents with Additive Ensembles of
//! Regression Trees".

use std::ops::BitAnd;

use super::tree::{Child, Test, Tree};
use crate::learners::matrix::{BINS, BLOCK};

/// Leaves that a mask has bits for.
const LEAVES: usize = 64;

/// A set of leaves, from the left one in the lowest bit.
trait Mask: Copy + BitAnd<Output = Self> {
    const ALL: Self;

    /// All leaves but `first..end`.
    fn without(first: u16, end: u16) -> Self;
    fn first(self) -> usize;
}

impl Mask for u32 {
    const ALL: Self = Self::MAX;

    fn without(first: u16, end: u16) -> Self {
        !((1 << end) - (1 << first))
    }

    #[inline(always)]
    fn first(self) -> usize {
        self.trailing_zeros() as usize
    }
}

impl Mask for u64 {
    const ALL: Self = Self::MAX;

    fn without(first: u16, end: u16) -> Self {
        !((1 << end) - (1 << first))
    }

    #[inline(always)]
    fn first(self) -> usize {
        self.trailing_zeros() as usize
    }
}

/// Adds the values of a tree to the scores of rows; `false` where it has too many leaves.
pub(super) fn add(tree: &Tree, bins: &[[u8; BLOCK]], blocks: usize, scores: &mut [f64]) -> bool {
    match tree.leaves.len() {
        ..=32 => Masks::<u32>::new(tree).add(bins, blocks, scores),
        33..=LEAVES => Masks::<u64>::new(tree).add(bins, blocks, scores),
        _ => return false,
    }
    true
}

/// Masks of a tree.
struct Masks<M> {
    /// Blocks with features that the tree splits, and a mask for each bin of each.
    blocks: Vec<(usize, Box<[[M; BINS]; BLOCK]>)>,
    leaves: [f64; LEAVES],
}

impl<M: Mask> Masks<M> {
    fn new(tree: &Tree) -> Self {
        let mut leaves = [0.0; LEAVES];
        leaves.iter_mut().zip(&tree.leaves).for_each(|(to, leaf)| *to = f64::from(*leaf));
        let mut blocks: Vec<(usize, Box<[[M; BINS]; BLOCK]>)> = vec![];
        for split in &tree.splits {
            // Rows that go right cannot come to the left leaves.
            let others = M::without(first_leaf(tree, split.left), first_leaf(tree, split.right));
            let (block, lane) = (split.feature as usize / BLOCK, split.feature as usize % BLOCK);
            let at = blocks.iter().position(|(of, _)| *of == block).unwrap_or_else(|| {
                blocks.push((block, Box::new([[M::ALL; BINS]; BLOCK])));
                blocks.len() - 1
            });
            let masks = &mut blocks[at].1[lane];
            let go_right = |mask: &mut M| *mask = *mask & others;
            if let Test::AtMost { bin, null_left } = split.test {
                masks[bin as usize + 1..].iter_mut().for_each(go_right);
                masks[..usize::from(!null_left)].iter_mut().for_each(go_right);
            } else {
                let bins = (0..=u8::MAX).zip(masks).filter(|(bin, _)| !tree.goes_left(split.test, *bin));
                bins.for_each(|(_, mask)| go_right(mask));
            }
        }
        blocks.sort_unstable_by_key(|(block, _)| *block);
        Self { blocks, leaves }
    }

    /// Adds the tree's values to the scores of rows.
    fn add(&self, bins: &[[u8; BLOCK]], blocks: usize, scores: &mut [f64]) {
        if self.blocks.is_empty() {
            return scores.iter_mut().for_each(|score| *score += self.leaves[0]);
        }
        match blocks {
            1 if self.blocks.len() == 1 => self.add_blocks::<1>(bins, scores),
            2 if self.blocks.len() == 2 => self.add_blocks::<2>(bins, scores),
            3 if self.blocks.len() == 3 => self.add_blocks::<3>(bins, scores),
            4 if self.blocks.len() == 4 => self.add_blocks::<4>(bins, scores),
            _ => self.add_any(bins, blocks, scores),
        }
    }

    /// As many blocks as the compiler knows of, all with splits: the loop over features unrolls.
    fn add_blocks<const N: usize>(&self, bins: &[[u8; BLOCK]], scores: &mut [f64]) {
        let masks: [&[[M; BINS]; BLOCK]; N] = std::array::from_fn(|block| &*self.blocks[block].1);
        let (rows, _) = bins.as_chunks::<N>();
        for (row, score) in rows.iter().zip(scores) {
            let mut leaves = M::ALL;
            for block in 0..N {
                for lane in 0..BLOCK {
                    leaves = leaves & masks[block][lane][row[block][lane] as usize];
                }
            }
            *score += self.leaves[leaves.first() % LEAVES];
        }
    }

    fn add_any(&self, bins: &[[u8; BLOCK]], blocks: usize, scores: &mut [f64]) {
        for (row, score) in bins.chunks_exact(blocks).zip(scores) {
            let mut leaves = M::ALL;
            for (block, masks) in &self.blocks {
                let bins = row[*block];
                for lane in 0..BLOCK {
                    leaves = leaves & masks[lane][bins[lane] as usize];
                }
            }
            *score += self.leaves[leaves.first() % LEAVES];
        }
    }
}

/// The leftmost leaf below.
fn first_leaf(tree: &Tree, mut child: Child) -> u16 {
    loop {
        match child {
            Child::Leaf(leaf) => return leaf,
            Child::Split(split) => child = tree.splits[split as usize].left,
        }
    }
}
