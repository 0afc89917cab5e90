//! Population stability index (PSI): how far the distribution of a value now is from that before.
//!
//! `sum over bins of (a - e) ln(a / e)` with the shares `e` of the rows before and `a` of those now. Bins of a number lie
//! between the deciles of the rows before, `x <= edge` going below; equal edges are one. A level is its own bin, and so is
//! NULL. A share of zero counts as half a row. Without drift `PSI n_e n_a / (n_e + n_a)` is about chi-square with a degree
//! of freedom less than there are bins.
//! Sources: Siddiqi (2006), "Credit Risk Scorecards"; Yurdakul (2018), "Statistical Properties of Population Stability Index".

use super::over_rows::RowFunction;
use super::rows::{Independent, Scored};
use crate::estimators::aggregate::Rows;
use crate::math::{chi_square_sf, quantile};

/// Columns: x, where NULL is infinite and levels are numbers that are their codes; is_current.
#[derive(Clone, Debug)]
pub(crate) struct StabilityIndex {
    /// Bins of a number.
    pub(crate) bins: usize,
    /// Whether every value is a bin of its own.
    pub(crate) levels: bool,
}

/// The index and its test; `None` unless there are rows before and now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Drift {
    pub(crate) statistic: Option<f64>,
    pub(crate) p_value: Option<f64>,
    pub(crate) bins: u64,
    /// Bins that have no rows before, or none now.
    pub(crate) empty_bins: u64,
}

impl RowFunction for StabilityIndex {
    type Dependence = Independent;
    type Outcome = f64;
    type Output = Drift;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<Independent> {
        let (prediction, outcome) = (rows.columns[0][i], rows.columns[1][i]);
        Scored { prediction, outcome, weight: 0.0, dependence: Independent }
    }

    /// Rows come by value, largest first.
    fn apply(&self, rows: &[Scored<Independent>]) -> Drift {
        let edges = if self.levels { vec![] } else { self.edges(rows) };
        let bin = |x: f64| match x {
            f64::INFINITY => usize::MAX,
            x => edges.partition_point(|&edge| edge < x),
        };
        let same_bin = |a: &Scored<Independent>, b: &Scored<Independent>| {
            if self.levels { a.prediction == b.prediction } else { bin(a.prediction) == bin(b.prediction) }
        };
        let current = |rows: &[Scored<Independent>]| rows.iter().map(|row| row.outcome).sum::<f64>();
        let now = current(rows);
        let before = rows.len() as f64 - now;
        if now == 0.0 || before == 0.0 {
            return Drift::default();
        }
        let (mut index, mut bins, mut empty_bins) = (0.0, 0, 0);
        for rows in rows.chunk_by(same_bin) {
            let of_now = current(rows);
            let of_before = rows.len() as f64 - of_now;
            let (actual, expected) = (of_now.max(0.5) / now, of_before.max(0.5) / before);
            index += (actual - expected) * (actual / expected).ln();
            bins += 1;
            empty_bins += u64::from(of_now == 0.0 || of_before == 0.0);
        }
        let scaled = index * (before * now / (before + now));
        let p_value = if bins > 1 { chi_square_sf(scaled, bins as f64 - 1.0) } else { Some(1.0) };
        Drift { statistic: Some(index), p_value, bins, empty_bins }
    }
}

impl StabilityIndex {
    /// Quantiles of the rows before, smallest first, each once.
    fn edges(&self, rows: &[Scored<Independent>]) -> Vec<f64> {
        let before = rows.iter().rev().filter(|row| row.outcome == 0.0 && row.prediction.is_finite());
        let before: Vec<f64> = before.map(|row| row.prediction).collect();
        if before.is_empty() {
            return vec![];
        }
        let mut edges: Vec<f64> =
            (1..self.bins).map(|bin| quantile(&before, bin as f64 / self.bins as f64)).collect();
        edges.dedup();
        edges
    }
}
