//! How alike two rankings of the same rows are.
//!
//! Spearman: the correlation of midranks. Kendall: tau-b, which allows for ties, by counting exchanges in a merge sort.
//! Overlap: the rows that both have at the top over those that either has, the ties at the threshold being at the top.
//! Sources: Spearman (1904); Kendall (1945); Knight (1966).

use super::over_rows::RowFunction;
use super::rows::{Independent, Scored};
use crate::estimators::aggregate::Rows;

/// Columns: prediction, other.
#[derive(Clone, Debug)]
pub(crate) struct RankStability {
    /// Share of the rows at the top.
    pub(crate) top: f64,
}

/// How alike, 1 for rankings that are the same; `None` where a ranking tells no rows apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stability {
    pub(crate) spearman: Option<f64>,
    pub(crate) kendall_tau: Option<f64>,
    /// Jaccard's index of the rows at the top, `None` without rows.
    pub(crate) top_overlap: Option<f64>,
}

impl RowFunction for RankStability {
    type Dependence = Independent;
    type Outcome = f64;
    type Output = Stability;

    const ORDERED: bool = false;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<Independent> {
        // Adding zero turns -0 into 0, which it equals.
        let (prediction, outcome) = (rows.columns[0][i] + 0.0, rows.columns[1][i] + 0.0);
        Scored { prediction, outcome, weight: 0.0, dependence: Independent }
    }

    fn apply(&self, rows: &[Scored<Independent>]) -> Stability {
        let mut pairs: Vec<[f64; 2]> = rows.iter().map(|row| [row.prediction, row.outcome]).collect();
        Stability {
            spearman: spearman(&pairs),
            top_overlap: self.overlap(&pairs),
            kendall_tau: kendall_tau(&mut pairs),
        }
    }
}

impl RankStability {
    fn overlap(&self, pairs: &[[f64; 2]]) -> Option<f64> {
        // 0.07 of 100 rows are 7, though the product is a little more.
        let rows = self.top * pairs.len() as f64;
        let last = ((rows - 1e-9 * rows).ceil() as usize).checked_sub(1)?;
        let threshold = |ranking: usize| {
            let mut sorted: Vec<f64> = pairs.iter().map(|pair| pair[ranking]).collect();
            *sorted.select_nth_unstable_by(last, |a, b| b.total_cmp(a)).1
        };
        let thresholds = [threshold(0), threshold(1)];
        let is_top = |pair: &[f64; 2]| [pair[0] >= thresholds[0], pair[1] >= thresholds[1]];
        let both = pairs.iter().filter(|pair| is_top(pair) == [true; 2]).count();
        let either = pairs.iter().filter(|pair| is_top(pair) != [false; 2]).count();
        Some(both as f64 / either as f64)
    }
}

/// The correlation of midranks.
fn spearman(pairs: &[[f64; 2]]) -> Option<f64> {
    let (first, other) = (midranks(pairs, 0), midranks(pairs, 1));
    let mean = (pairs.len() as f64 - 1.0) / 2.0;
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = sum(&first, &first) * sum(&other, &other);
    (spread > 0.0).then(|| sum(&first, &other) / spread.sqrt())
}

/// Ranks from zero, ties sharing the mean of theirs.
fn midranks(pairs: &[[f64; 2]], ranking: usize) -> Vec<f64> {
    let mut order: Vec<u32> = (0..pairs.len() as u32).collect();
    let value = |&i: &u32| pairs[i as usize][ranking];
    order.sort_unstable_by(|a, b| value(a).total_cmp(&value(b)));
    let mut ranks = vec![0.0; pairs.len()];
    let mut below = 0;
    for ties in order.chunk_by(|a, b| value(a) == value(b)) {
        let rank = below as f64 + (ties.len() as f64 - 1.0) / 2.0;
        ties.iter().for_each(|&i| ranks[i as usize] = rank);
        below += ties.len();
    }
    ranks
}

/// `(concordant - discordant) / sqrt(pairs not tied in the one · pairs not tied in the other)`.
pub(crate) fn kendall_tau(pairs: &mut [[f64; 2]]) -> Option<f64> {
    let of = |count: usize| count as f64 * (count as f64 - 1.0) / 2.0;
    let all = of(pairs.len());
    pairs.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let tied_first: f64 = pairs.chunk_by(|a, b| a[0] == b[0]).map(|ties| of(ties.len())).sum();
    let tied_both: f64 = pairs.chunk_by(|a, b| a == b).map(|ties| of(ties.len())).sum();
    let mut others: Vec<f64> = pairs.iter().map(|pair| pair[1]).collect();
    let discordant = exchanges(&mut others);
    let tied_other: f64 = others.chunk_by(|a, b| a == b).map(|ties| of(ties.len())).sum();
    let spread = (all - tied_first) * (all - tied_other);
    let difference = all - tied_first - tied_other + tied_both - 2.0 * discordant;
    (spread > 0.0).then(|| difference / spread.sqrt())
}

/// Sorts and returns how many pairs stood in the wrong order.
fn exchanges(numbers: &mut [f64]) -> f64 {
    let mut merged = numbers.to_vec();
    let (mut count, mut width) = (0.0, 1);
    while width < numbers.len() {
        for (runs, out) in numbers.chunks(2 * width).zip(merged.chunks_mut(2 * width)) {
            let (left, right) = runs.split_at(width.min(runs.len()));
            let (mut i, mut j) = (0, 0);
            for slot in out {
                if j == right.len() || (i < left.len() && left[i] <= right[j]) {
                    *slot = left[i];
                    i += 1;
                } else {
                    *slot = right[j];
                    j += 1;
                    count += (left.len() - i) as f64;
                }
            }
        }
        numbers.copy_from_slice(&merged);
        width *= 2;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair is looked at.
    fn brute_force(pairs: &[[f64; 2]]) -> f64 {
        let (mut score, mut first, mut other) = (0.0, 0.0, 0.0);
        for (i, a) in pairs.iter().enumerate() {
            for b in &pairs[..i] {
                let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                let (one, two) = (sign(a[0] - b[0]), sign(a[1] - b[1]));
                score += one * two;
                first += one * one;
                other += two * two;
            }
        }
        score / f64::sqrt(first * other)
    }

    #[test]
    fn tau_equals_that_of_all_pairs() {
        for (n, levels) in [(2, 7), (3, 2), (17, 5), (200, 11), (200, 1000)] {
            let draw = |i: usize, salt: usize| ((i * i * salt + 31 * i) % 1009 % levels) as f64;
            let mut pairs: Vec<_> = (0..n).map(|i| [draw(i, 7), draw(i, 13)]).collect();
            let expected = brute_force(&pairs);
            match kendall_tau(&mut pairs) {
                Some(tau) => assert!((tau - expected).abs() < 1e-12, "{n} {levels}"),
                None => assert!(expected.is_nan()),
            }
        }
    }
}
