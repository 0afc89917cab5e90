//! Evaluation of rankings by predicted effects: qini, AUUC, AUTOC, the effect among the top.
//!
//! Every row has a score whose mean is the effect of the treatment; rows are ranked by a prediction, ties stay together,
//! and the order of rows never matters. Errors are those of the influence values.
//! Holds when: the predictions were made without the rows they are evaluated on, and scores are those of a randomised
//! experiment or of known propensities.
//! Sources: Radcliffe (2007); Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), "Evaluating Treatment Prioritization
//! Rules via Rank-Weighted Average Treatment Effects".

mod bins;
mod blocks;
mod conventions;
mod measures;
mod over_rows;
mod rows;
mod scores;
mod slope;
mod sorting;
mod two_samples;

use hashbrown::HashMap;

use super::aggregate::Rows;
use super::inference::{Appended, Summary};
pub(crate) use bins::{Bin, CalibrationBins};
pub(crate) use conventions::Convention;
pub(crate) use measures::Measure;
pub(crate) use over_rows::OverRows;
use over_rows::{RowEstimate, RowFunction};
use rows::Scored;
pub(crate) use rows::{Dependence, InCluster, Independent};
use scores::Scorer;
pub(crate) use scores::Scores;
pub(crate) use slope::{CalibrationSlope, SlopeForm};
pub(crate) use two_samples::{KolmogorovSmirnov, TestResult};

/// A measure of a ranking. Columns: prediction, outcome (or score), treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct Ranking<D> {
    pub(crate) measure: Measure,
    pub(crate) scores: Scores,
    pub(crate) convention: Convention,
    dependence: std::marker::PhantomData<D>,
}

impl<D: Dependence> Ranking<D> {
    pub(crate) fn new(measure: Measure, scores: Scores, convention: Convention) -> Self {
        Self { measure, scores, convention, dependence: std::marker::PhantomData }
    }

    fn estimate(&self, rows: &[Scored<D>], scorer: &Scorer) -> f64 {
        let mut sum = 0.0;
        self.measure.influences(rows, scorer, |block, influence| {
            sum += influence.factor * block.sum(scorer);
        });
        sum / rows.len() as f64
    }

    /// The variance of the estimate, and with clusters the degrees of freedom.
    fn variance(&self, rows: &[Scored<D>], scorer: &Scorer, estimate: f64) -> Option<(f64, Option<f64>)> {
        let mut errors = Squares::default();
        self.measure.influences(rows, scorer, |block, influence| {
            let constant = influence.shift - influence.recoil * estimate;
            for row in block.rows {
                errors.add(influence.factor * scorer.score(row) + constant, row.dependence);
            }
        });
        errors.variance::<D>(rows.len())
    }
}

/// Squares of influences: of rows, or of the sums of clusters.
#[derive(Default)]
struct Squares {
    rows: f64,
    clusters: HashMap<u128, f64>,
}

impl Squares {
    #[inline]
    fn add(&mut self, influence: f64, dependence: impl Dependence) {
        match dependence.key() {
            None => self.rows += influence * influence,
            Some(key) => *self.clusters.entry(key).or_default() += influence,
        }
    }

    /// The variance of an estimate of `n` rows: with n - 1, or CR1 with clusters and their degrees of freedom.
    fn variance<D: Dependence>(&self, n: usize) -> Option<(f64, Option<f64>)> {
        let n = n as f64;
        if D::BYTES == 0 {
            return (n >= 2.0).then(|| (self.rows / (n * (n - 1.0)), None));
        }
        let groups = self.clusters.len() as f64;
        let squares: f64 = self.clusters.values().map(|sum| sum * sum).sum();
        (groups >= 2.0).then(|| (groups / (groups - 1.0) * squares / (n * n), Some(groups - 1.0)))
    }
}

/// The variance of an estimate with these influences.
fn variance_of<D: Dependence>(
    influences: impl Iterator<Item = (f64, D)>,
    n: usize,
) -> Option<(f64, Option<f64>)> {
    let mut squares = Squares::default();
    influences.for_each(|(influence, dependence)| squares.add(influence, dependence));
    squares.variance::<D>(n)
}

impl<D: Dependence> RowFunction for Ranking<D> {
    type Dependence = D;
    type Output = Option<f64>;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<D> {
        self.scores.read(rows, i)
    }

    fn apply(&self, rows: &[Scored<D>]) -> Option<f64> {
        if self.convention != Convention::Canonical {
            return conventions::number(self.convention, self.measure.curve(), rows);
        }
        let scorer = Scorer::new(self.scores, rows)?;
        Some(self.estimate(rows, &scorer)).filter(|estimate| estimate.is_finite())
    }
}

impl<D: Dependence> RowEstimate for Ranking<D> {
    fn summary(&self, rows: &[Scored<D>]) -> (Summary, Appended) {
        let mut summary = Summary::default();
        if self.convention != Convention::Canonical {
            summary.estimate = self.apply(rows);
        } else if let Some(scorer) = Scorer::new(self.scores, rows) {
            let estimate = self.estimate(rows, &scorer);
            summary.estimate = Some(estimate);
            summary.ess = Some(scorer.ess);
            if let Some((variance, cluster_df)) = self.variance(rows, &scorer, estimate) {
                summary.variance = Some(variance);
                summary.cluster_df = cluster_df;
            }
        }
        (summary, Appended::default())
    }
}
