//! The best edge of a numeric feature.

use super::cell::{Cell, Sums, Units};
use super::split::{Found, Rule, Rules};
use crate::learners::matrix::{BINS, NULL_BIN};

/// Sums left of each edge, and what the edge is worth.
pub(super) struct Prefixes {
    gradient: [f64; BINS],
    hessian: [f64; BINS],
    weight: [f64; BINS],
    score: [f64; BINS],
}

/// The best split of a numeric feature with NULL on either side; its gain counts from nothing.
///
/// `cells` are those of NULL and of the bins in order.
pub(super) fn best_edge<C: Cell>(
    cells: &[C],
    sums: &Sums,
    rules: &Rules,
    units: &Units,
    monotone: i8,
    prefixes: &mut Prefixes,
) -> Option<Found> {
    let (null, numbers) = cells.split_first()?;
    let null_sums = null.sums(units);
    let mut search = |start: C, null_left: bool| {
        // Edge i is above the first i numbers; without any, NULL alone is left.
        prefixes.fill(start, &numbers[..numbers.len().max(1) - 1], units);
        let edges = numbers.len().max(1);
        if monotone == 0 && rules.is_free() {
            prefixes.score_free::<C>(edges, sums, rules);
        } else {
            prefixes.score_bound::<C>(edges, sums, rules, monotone, null_left);
        }
        let (score, edge) = prefixes.best(edges)?;
        let left = prefixes.at::<C>(edge);
        let right = sums.minus(&left);
        let is_ordered = !(null_left && edge == 0);
        Some(Found {
            gain: score,
            feature: 0,
            rule: Rule::AtMost { bin: edge as u8, null_left },
            values: [rules.value(&left), rules.value(&right)],
            sums: [left, right],
            monotone: if is_ordered { monotone } else { 0 },
        })
    };
    if null_sums.weight == 0.0 {
        let found = search(C::default(), false)?;
        let null_left = found.sums[0].weight > found.sums[1].weight;
        let Rule::AtMost { bin, .. } = found.rule else { return Some(found) };
        return Some(Found { rule: Rule::AtMost { bin, null_left }, ..found });
    }
    let [right, left] = [search(C::default(), false), search(*null, true)];
    match (right, left) {
        (Some(right), Some(left)) => Some(if left.gain > right.gain { left } else { right }),
        (right, left) => right.or(left),
    }
}

impl Rules {
    fn is_free(&self) -> bool {
        self.bounds.low == f64::NEG_INFINITY && self.bounds.high == f64::INFINITY
    }
}

impl Prefixes {
    pub(super) fn new() -> Self {
        Self { gradient: [0.0; BINS], hessian: [0.0; BINS], weight: [0.0; BINS], score: [0.0; BINS] }
    }

    fn fill<C: Cell>(&mut self, start: C, numbers: &[C], units: &Units) {
        let mut sum = start;
        self.set(usize::from(NULL_BIN), sum, units);
        for (edge, cell) in (1..BINS).zip(numbers) {
            sum.add(*cell);
            self.set(edge, sum, units);
        }
    }

    #[inline(always)]
    fn set<C: Cell>(&mut self, edge: usize, sum: C, units: &Units) {
        let sums = sum.sums(units);
        self.gradient[edge] = sums.gradient;
        self.weight[edge] = sums.weight;
        if C::HAS_HESSIAN {
            self.hessian[edge] = sums.hessian;
        }
    }

    fn at<C: Cell>(&self, edge: usize) -> Sums {
        let weight = self.weight[edge];
        let hessian = if C::HAS_HESSIAN { self.hessian[edge] } else { weight };
        Sums { gradient: self.gradient[edge], hessian, weight }
    }

    /// Scores of edges without bounds, `(G_l² H_r + G_r² H_l) / (H_l H_r)`: one division, and a loop of vectors.
    fn score_free<C: Cell>(&mut self, edges: usize, sums: &Sums, rules: &Rules) {
        let hessian = if C::HAS_HESSIAN { &self.hessian } else { &self.weight };
        let rows = self.gradient.iter().zip(hessian).zip(&self.weight).zip(&mut self.score);
        for (((gradient, hessian), weight), score) in rows.take(edges) {
            let (others, rest) = (sums.gradient - gradient, sums.hessian - hessian);
            let (left, right) = (hessian + rules.l2, rest + rules.l2);
            let both = (gradient * gradient * right + others * others * left) / (left * right);
            let lighter = min(*weight, sums.weight - weight);
            let flatter = min(*hessian, rest);
            *score = if lighter >= rules.min_weight && flatter >= rules.min_hessian {
                both
            } else {
                f64::NEG_INFINITY
            };
        }
    }

    /// Scores of edges whose leaves are within bounds and in order.
    fn score_bound<C: Cell>(
        &mut self,
        edges: usize,
        sums: &Sums,
        rules: &Rules,
        monotone: i8,
        null_left: bool,
    ) {
        for edge in 0..edges {
            let left = self.at::<C>(edge);
            let right = sums.minus(&left);
            let [a, b] = [rules.value(&left), rules.value(&right)];
            let is_ordered = f64::from(monotone) * (b - a) >= 0.0 || (null_left && edge == 0);
            self.score[edge] = if is_ordered && rules.allow(&left) && rules.allow(&right) {
                rules.score(&left, a) + rules.score(&right, b)
            } else {
                f64::NEG_INFINITY
            };
        }
    }

    /// The highest score and its edge; of edges with no rows between them that in the middle.
    fn best(&self, edges: usize) -> Option<(f64, usize)> {
        let scores = &self.score[..edges];
        let mut lanes = [f64::NEG_INFINITY; 4];
        let (fours, rest) = scores.as_chunks::<4>();
        for four in fours {
            for lane in 0..4 {
                lanes[lane] = max(lanes[lane], four[lane]);
            }
        }
        let best = lanes.iter().chain(rest).fold(f64::NEG_INFINITY, |best, score| max(best, *score));
        if best == f64::NEG_INFINITY {
            return None;
        }
        let first = scores.iter().position(|score| *score == best)?;
        let weight = self.weight[first];
        let same = self.weight[first + 1..edges].iter().take_while(|other| **other == weight).count();
        Some((best, first + same / 2))
    }
}

/// The lesser, in one instruction.
#[inline(always)]
fn min(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The greater, in one instruction.
#[inline(always)]
fn max(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
