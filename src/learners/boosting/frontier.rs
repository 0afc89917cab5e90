//! Nodes of a tree that grows, and which of them is split next.

use super::histogram::Histogram;
use super::split::{Bounds, Found};

/// A node of a tree that grows: rows `start..end` of the order the tree leaves them in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) value: f64,
    /// The best split, if there is one.
    pub(super) found: Option<Found>,
    /// Nodes on both sides of the split, once they are worked out.
    pub(super) children: Option<[usize; 2]>,
    /// Whether the split is part of the tree.
    pub(super) is_split: bool,
    pub(super) depth: usize,
    pub(super) bounds: Bounds,
}

/// What a node's split is worked out from.
pub(super) struct Work<'r, C> {
    pub(super) rows: &'r mut [u32],
    pub(super) scratch: &'r mut [u32],
    pub(super) histogram: Histogram<C>,
}

/// The tree so far and what may become of it.
pub(super) struct State<'r, C> {
    pub(super) nodes: Vec<Node>,
    /// By node, until a thread takes it.
    pub(super) works: Vec<Option<Work<'r, C>>>,
    /// Leaves of the tree that have a split, in the order in which they came to be.
    pub(super) frontier: Vec<usize>,
    pub(super) leaves: usize,
    pub(super) is_done: bool,
}

impl<'r, C> State<'r, C> {
    /// Lets splits that are worked out join the tree for as long as the next one is among them.
    pub(super) fn settle(&mut self, most_leaves: usize) {
        while !self.is_done {
            let Some(first) = self.first() else {
                self.is_done = true;
                return;
            };
            let node = self.frontier[first];
            let Some(children) = self.nodes[node].children else { return };
            self.frontier.remove(first);
            self.nodes[node].is_split = true;
            self.leaves += 1;
            self.frontier.extend(children.into_iter().filter(|child| self.nodes[*child].found.is_some()));
            self.is_done = self.leaves >= most_leaves;
        }
    }

    fn gain(&self, node: usize) -> f64 {
        self.nodes[node].found.map_or(f64::NEG_INFINITY, |found| found.gain)
    }

    /// The place in the frontier of the leaf that is split next: the highest gain, of equal ones the oldest.
    fn first(&self) -> Option<usize> {
        let places = 0..self.frontier.len();
        places.reduce(|a, b| if self.gain(self.frontier[b]) > self.gain(self.frontier[a]) { b } else { a })
    }

    /// Takes the leaf that is split next, or else one that likely is soon.
    pub(super) fn next(&mut self, most_leaves: usize) -> Option<(usize, Work<'r, C>)> {
        let first = self.frontier[self.first()?];
        if let Some(work) = self.works[first].take() {
            return Some((first, work));
        }
        let left = most_leaves - self.leaves;
        let open = (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_split);
        let mut open: Vec<_> = open.filter(|node| self.nodes[*node].found.is_some()).collect();
        open.sort_by(|a, b| self.gain(*b).total_cmp(&self.gain(*a)));
        let likely = open.into_iter().take(left).find(|node| self.works[*node].is_some())?;
        Some((likely, self.works[likely].take()?))
    }
}
