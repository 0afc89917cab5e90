//! Evaluation of rankings by predicted effects: qini, AUUC, AUTOC, the effect among the top.
//!
//! Every row has a score whose mean is the effect of the treatment; rows are ranked by a prediction, ties stay together,
//! and the order of rows never matters. Errors are those of the influence values.
//! Holds when: the predictions were made without the rows they are evaluated on, and scores are those of a randomised
//! experiment or of known propensities.
//! Sources: Radcliffe (2007); Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), "Evaluating Treatment Prioritization
//! Rules via Rank-Weighted Average Treatment Effects".

mod approximate;
mod aucc;
mod bins;
mod blocks;
mod conventions;
mod curves;
mod influences;
mod measures;
mod over_rows;
mod rows;
mod scores;
mod slope;
mod sorting;
mod stability;
mod stability_index;
mod two_samples;

use super::aggregate::Rows;
use super::inference::{Appended, Summary};
pub(crate) use approximate::OverCells;
pub(crate) use aucc::Aucc;
pub(crate) use bins::{Bin, CalibrationBins};
pub(crate) use conventions::Convention;
pub(crate) use curves::{CostCurve, CostPoint, CurvePoint, UpliftCurve};
use influences::{Influences, unless_cancelled};
pub(crate) use measures::Measure;
use measures::ScoredRows;
pub(crate) use over_rows::OverRows;
use over_rows::{RowEstimate, RowFunction};
use rows::Scored;
pub(crate) use rows::{Dependence, InCluster, Independent};
use scores::Scorer;
pub(crate) use scores::Scores;
pub(crate) use slope::{CalibrationSlope, SlopeForm};
pub(crate) use stability::{RankStability, Stability, kendall_tau};
pub(crate) use stability_index::{Drift, StabilityIndex};
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
        self.measure.influences(&ScoredRows { rows, scorer }, |_, tie, influence| {
            sum += influence.factor * tie.sum;
        });
        sum / rows.len() as f64
    }

    /// The variance of the estimate, and with clusters the degrees of freedom.
    fn variance(&self, rows: &[Scored<D>], scorer: &Scorer, estimate: f64) -> Option<(f64, Option<f64>)> {
        let mut errors = Influences::<1>::default();
        self.measure.influences(&ScoredRows { rows, scorer }, |tied, _, influence| {
            let constant = influence.constant(estimate);
            for row in tied {
                let scored = influence.factor * scorer.score(row);
                let magnitude = scored.abs() + influence.magnitude(estimate);
                errors.add([unless_cancelled(scored + constant, magnitude)], row.dependence);
            }
        });
        let ([[variance]], df) = errors.covariance::<D>(rows.len())?;
        Some((variance, df))
    }
}

impl<D: Dependence> RowFunction for Ranking<D> {
    type Dependence = D;
    type Outcome = f64;
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
