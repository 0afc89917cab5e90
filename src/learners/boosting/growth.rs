//! Growth of one tree, best gain first, by several threads.
//!
//! Which leaf is split next depends on the gains of all leaves, so that threads would wait for each other at every
//! split. Instead a thread that would wait works out the split of another leaf with a high gain, since most of them
//! are split later; splits join the tree in the order of their gains, and those that came to nothing are dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use super::cell::{Cell, Sums};
use super::frontier::{Node, State, Work};
use super::gradients::ROWS_FOR_THREAD;
use super::histogram::{Histogram, Shape};
use super::partition::partition;
use super::settings::Settings;
use super::split::{Bounds, Found, Leaf, Search};
use crate::learners::binning::Binning;
use crate::learners::matrix::BinnedMatrix;
use crate::learners::parts::{in_threads, share};

/// What all trees of a fit are grown with.
pub(super) struct Grower<'a, C> {
    pub(super) matrix: &'a BinnedMatrix,
    pub(super) threads: usize,
    pub(super) stopped: &'a AtomicBool,
    shape: Shape,
    leaves: usize,
    depth: usize,
    /// Histograms to use again.
    spare: Mutex<Vec<Histogram<C>>>,
}

impl<'a, C: Cell> Grower<'a, C> {
    pub(super) fn new(
        matrix: &'a BinnedMatrix,
        binning: &Binning,
        settings: &Settings,
        threads: usize,
        stopped: &'a AtomicBool,
    ) -> Self {
        let leaves = settings.leaves.clamp(1, 1 << 15);
        let depth = settings.depth.unwrap_or(usize::MAX);
        let shape = Shape::new(binning);
        Self { matrix, threads, stopped, shape, leaves, depth, spare: Mutex::new(vec![]) }
    }

    /// Grows a tree from rows, which it leaves in the order of the leaves; `None` where it was stopped.
    pub(super) fn grow(
        &self,
        search: &Search,
        cells: &[C],
        rows: &mut [u32],
        scratch: &mut [u32],
    ) -> Option<Vec<Node>> {
        let histogram = self.count_in_parts(cells, rows);
        let sums = self.sum(&histogram, cells, rows).sums(&search.units);
        let value = search.rules::<C>(Bounds::NONE).value(&sums);
        let mut root = Node {
            start: 0,
            end: rows.len(),
            value,
            found: None,
            children: None,
            is_split: false,
            depth: 0,
            bounds: Bounds::NONE,
        };
        if self.leaves > 1 && self.may_split(search, &root, &sums) {
            root.found = search.best(&Leaf { histogram: &histogram, sums, bounds: root.bounds });
        }
        let threads = if rows.len() < ROWS_FOR_THREAD { 1 } else { self.threads.max(1) };
        let state = State {
            nodes: vec![root],
            works: vec![Some(Work { rows, scratch, histogram })],
            frontier: if root.found.is_some() { vec![0] } else { vec![] },
            leaves: 1,
            is_done: root.found.is_none(),
        };
        let shared = (Mutex::new(state), Condvar::new());
        in_threads(vec![(); threads], |()| self.work(search, cells, &shared));
        let state = shared.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        state.works.into_iter().flatten().for_each(|work| self.give_back(work.histogram));
        (!self.is_stopped()).then_some(state.nodes)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The histogram of many rows, while no other thread has work.
    fn count_in_parts(&self, cells: &[C], rows: &[u32]) -> Histogram<C> {
        let part = share(rows.len(), self.threads, ROWS_FOR_THREAD);
        let parts = in_threads(rows.chunks(part).collect(), |rows| self.count(cells, rows));
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| self.count(cells, &[]));
        for part in parts {
            all.merge(&part, &self.shape);
            self.give_back(part);
        }
        all
    }

    /// The sum of all rows, which each feature's bins have together.
    fn sum(&self, histogram: &Histogram<C>, cells: &[C], rows: &[u32]) -> C {
        let mut sum = C::default();
        if self.matrix.blocks() > 0 {
            histogram.of(0).iter().for_each(|cell| sum.add(*cell));
        } else {
            rows.iter().for_each(|row| sum.add(cells[*row as usize]));
        }
        sum
    }

    fn count(&self, cells: &[C], rows: &[u32]) -> Histogram<C> {
        let spare = locked(&self.spare).pop();
        let mut histogram = spare.map_or_else(
            || Histogram::new(self.matrix.blocks()),
            |mut spare| {
                spare.clear(&self.shape);
                spare
            },
        );
        histogram.add(self.matrix, rows, cells);
        histogram
    }

    fn give_back(&self, histogram: Histogram<C>) {
        locked(&self.spare).push(histogram);
    }

    fn may_split(&self, search: &Search, node: &Node, sums: &Sums) -> bool {
        node.depth < self.depth && search.may_split::<C>(sums)
    }

    /// What each thread does until the tree is grown.
    fn work<'r>(&self, search: &Search, cells: &[C], shared: &(Mutex<State<'r, C>>, Condvar)) {
        let (state, changed) = shared;
        let _bell = Bell(shared);
        let mut state = locked(state);
        loop {
            state.settle(self.leaves);
            if state.is_done || self.is_stopped() {
                state.is_done = true;
                changed.notify_all();
                return;
            }
            let Some((at, work)) = state.next(self.leaves) else {
                state = changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            };
            let node = state.nodes[at];
            let is_last = state.leaves + 1 >= self.leaves;
            drop(state);
            let children = node.found.map(|found| self.split(search, cells, &node, &found, work, is_last));
            state = locked(&shared.0);
            if let Some(children) = children {
                let first = state.nodes.len();
                for (child, work) in children {
                    state.nodes.push(child);
                    state.works.push(work);
                }
                state.nodes[at].children = Some([first, first + 1]);
            }
            changed.notify_all();
        }
    }

    /// Both sides of a split, and what their own splits are worked out from.
    fn split<'r>(
        &self,
        search: &Search,
        cells: &[C],
        node: &Node,
        found: &Found,
        work: Work<'r, C>,
        is_last: bool,
    ) -> [(Node, Option<Work<'r, C>>); 2] {
        let Work { rows, scratch, mut histogram } = work;
        let left = partition(self.matrix, found.feature, found.rule, rows, scratch);
        let middle = node.start + left;
        let [bounds_left, bounds_right] = node.bounds.below(found, found.monotone);
        let child = |start, end, value, bounds| Node {
            start,
            end,
            value,
            found: None,
            children: None,
            is_split: false,
            depth: node.depth + 1,
            bounds,
        };
        let mut nodes = [
            child(node.start, middle, found.values[0], bounds_left),
            child(middle, node.end, found.values[1], bounds_right),
        ];
        let may_split =
            [0, 1].map(|side| !is_last && self.may_split(search, &nodes[side], &found.sums[side]));
        if may_split == [false; 2] {
            self.give_back(histogram);
            return nodes.map(|node| (node, None));
        }
        let (rows, scratch) = (rows.split_at_mut(left), scratch.split_at_mut(left));
        let fewer = usize::from(rows.0.len() > rows.1.len());
        let lesser = if fewer == 0 { &*rows.0 } else { &*rows.1 };
        let lesser =
            if node.depth == 0 { self.count_in_parts(cells, lesser) } else { self.count(cells, lesser) };
        histogram.subtract(&lesser, &self.shape);
        let histograms = if fewer == 0 { [lesser, histogram] } else { [histogram, lesser] };
        let sides = [(rows.0, scratch.0), (rows.1, scratch.1)];
        let mut side = 0;
        let works = histograms.map(|histogram| {
            if may_split[side] {
                let leaf = Leaf { histogram: &histogram, sums: found.sums[side], bounds: nodes[side].bounds };
                nodes[side].found = search.best(&leaf);
            }
            side += 1;
            histogram
        });
        let mut sides = sides.into_iter().zip(works);
        nodes.map(|node| {
            let work = sides.next().map(|((rows, scratch), histogram)| Work { rows, scratch, histogram });
            if node.found.is_some() {
                return (node, work);
            }
            work.into_iter().for_each(|work| self.give_back(work.histogram));
            (node, None)
        })
    }
}

/// Tells the other threads of a panic, or they would wait for what never comes.
struct Bell<'s, 'r, C>(&'s (Mutex<State<'r, C>>, Condvar));

impl<C> Drop for Bell<'_, '_, C> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            locked(&self.0.0).is_done = true;
            self.0.1.notify_all();
        }
    }
}

/// The lock, also after another thread's panic, which is passed on where the threads are joined.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
