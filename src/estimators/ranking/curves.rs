//! Curves along a ranking: what treating a growing share of the rows, largest prediction first, would bring and cost.
//!
//! At share `q` of `n` rows: `G(q) = (1 / n) sum v Gamma`, `Gamma` being the rows' scores and `v` one above the threshold,
//! the part that is needed in the block of ties at it, and zero below. Influence: `v (Gamma - G / q)`, the top being as
//! given. The marginal cost per value of the rows between two points is the ratio of their mean effects, with Fieller's set.
//! Sources: Radcliffe (2007); Du, Lee and Ghaffarizadeh (2019); Fieller (1954).

use super::blocks::between;
use super::influences::{Influences, count_clusters, unless_cancelled};
use super::over_rows::RowFunction;
use super::rows::{Dependence, Scored};
use super::scores::{Scorer, Scores};
use crate::estimators::aggregate::Rows;
use crate::math::{fieller_reach, normal_quantile, t_quantile};

/// The curve of the uplift. Columns: prediction, outcome (or score), treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct UpliftCurve<D> {
    pub(crate) scores: Scores,
    pub(crate) points: usize,
    pub(crate) alpha: f64,
    dependence: std::marker::PhantomData<D>,
}

/// A point of the curve of the uplift.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CurvePoint {
    /// Share of the rows that are treated.
    pub(crate) share: f64,
    /// Smallest prediction among them, `None` at share 0.
    pub(crate) threshold: Option<f64>,
    /// Uplift per row of all.
    pub(crate) uplift: f64,
    pub(crate) std_error: Option<f64>,
    pub(crate) ci_low: Option<f64>,
    pub(crate) ci_high: Option<f64>,
}

/// The curve of value and cost. Columns: prediction, value, cost (or their scores), treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct CostCurve<D> {
    pub(crate) scores: Scores,
    pub(crate) points: usize,
    pub(crate) alpha: f64,
    dependence: std::marker::PhantomData<D>,
}

/// A point of the curve of value and cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CostPoint {
    /// Share of the rows that are treated.
    pub(crate) share: f64,
    /// Smallest prediction among them, `None` at share 0.
    pub(crate) threshold: Option<f64>,
    /// Value and cost that the treatment adds, per row of all.
    pub(crate) value: f64,
    pub(crate) value_std_error: Option<f64>,
    pub(crate) cost: f64,
    pub(crate) cost_std_error: Option<f64>,
    /// Added cost per added value of the rows since the point before, `None` when they add no value.
    pub(crate) cost_per_value: Option<f64>,
    pub(crate) std_error: Option<f64>,
    pub(crate) ci_low: Option<f64>,
    pub(crate) ci_high: Option<f64>,
}

impl CurvePoint {
    /// Nobody is treated.
    pub(super) fn zero() -> Self {
        let zero = Some(0.0);
        Self { std_error: zero, ci_low: zero, ci_high: zero, ..Self::default() }
    }

    /// The point with its error, and an interval that is normal or t with degrees of freedom.
    pub(super) fn with_error(mut self, std_error: Option<f64>, alpha: f64, df: Option<f64>) -> Self {
        let reach = std_error.and_then(|std_error| Some(critical(alpha, df)? * std_error));
        self.std_error = std_error;
        self.ci_low = reach.map(|reach| self.uplift - reach);
        self.ci_high = reach.map(|reach| self.uplift + reach);
        self
    }
}

impl<D> UpliftCurve<D> {
    pub(crate) fn new(scores: Scores, points: usize, alpha: f64) -> Self {
        Self { scores, points, alpha, dependence: std::marker::PhantomData }
    }
}

impl<D> CostCurve<D> {
    pub(crate) fn new(scores: Scores, points: usize, alpha: f64) -> Self {
        Self { scores, points, alpha, dependence: std::marker::PhantomData }
    }
}

/// The critical value of an interval: normal, or t with the degrees of freedom of clusters.
fn critical(alpha: f64, df: Option<f64>) -> Option<f64> {
    let upper = 1.0 - alpha / 2.0;
    df.map_or_else(|| Some(normal_quantile(upper)), |df| t_quantile(upper, df))
}

/// A score about its mean.
fn about(score: f64, mean: f64) -> f64 {
    unless_cancelled(score - mean, score.abs() + mean.abs())
}

/// All rows, and how many clusters they are of.
struct Ranked<'a, D, Y> {
    rows: &'a [Scored<D, Y>],
    clusters: usize,
    points: usize,
}

impl<'a, D: Dependence, Y> Ranked<'a, D, Y> {
    fn new(rows: &'a [Scored<D, Y>], points: usize) -> Self {
        Self { rows, clusters: count_clusters(rows.iter().map(|row| row.dependence)), points }
    }

    /// The rows from one point to another.
    fn window(&self, from: usize, to: usize) -> Window<'_, D, Y> {
        let rank = |point: usize| (self.rows.len() * point) as f64 / self.points as f64;
        Window { ranked: self, from: rank(from), to: rank(to) }
    }
}

/// The rows from rank `from` to rank `to`.
struct Window<'a, D, Y> {
    ranked: &'a Ranked<'a, D, Y>,
    from: f64,
    to: f64,
}

impl<D: Dependence, Y> Window<'_, D, Y> {
    /// Means of the scores in the window.
    fn means<const K: usize>(&self, scores: impl Fn(&Scored<D, Y>) -> [f64; K]) -> [f64; K] {
        let (mut parts, mut sums) = (0.0, [0.0; K]);
        between(self.ranked.rows, self.from, self.to, |row, part| {
            parts += part;
            sums.iter_mut().zip(scores(row)).for_each(|(sum, score)| *sum += part * score);
        });
        sums.map(|sum| sum / parts)
    }

    /// The covariance of the means over all rows of influences that the rows of the window have.
    fn covariance<const K: usize>(
        &self,
        influences: impl Fn(&Scored<D, Y>) -> [f64; K],
    ) -> Option<([[f64; K]; K], Option<f64>)> {
        let mut sums = Influences::<K>::default();
        between(self.ranked.rows, self.from, self.to, |row, part| {
            sums.add(influences(row).map(|influence| part * influence), row.dependence);
        });
        sums.covariance_of::<D>(self.ranked.rows.len(), self.ranked.clusters)
    }

    fn threshold(&self) -> Option<f64> {
        let rows = self.ranked.rows;
        let last = (self.to.ceil() as usize).min(rows.len()).checked_sub(1)?;
        Some(rows[last].prediction)
    }
}

impl<D: Dependence> RowFunction for UpliftCurve<D> {
    type Dependence = D;
    type Outcome = f64;
    type Output = Vec<CurvePoint>;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<D> {
        self.scores.read(rows, i)
    }

    fn apply(&self, rows: &[Scored<D>]) -> Vec<CurvePoint> {
        let Some(scorer) = Scorer::new(self.scores, rows) else { return vec![] };
        let ranked = Ranked::new(rows, self.points);
        let mut curve = vec![CurvePoint::zero()];
        curve.extend((1..=self.points).map(|point| {
            let share = point as f64 / self.points as f64;
            let top = ranked.window(0, point);
            let [mean] = top.means(|row| [scorer.score(row)]);
            let at = CurvePoint {
                share,
                threshold: top.threshold(),
                uplift: share * mean,
                ..CurvePoint::default()
            };
            let error = top.covariance(|row| [about(scorer.score(row), mean)]);
            let (variance, df) = error.map(|([[variance]], df)| (variance, df)).unzip();
            at.with_error(variance.map(f64::sqrt), self.alpha, df.flatten())
        }));
        curve
    }
}

impl<D: Dependence> RowFunction for CostCurve<D> {
    type Dependence = D;
    type Outcome = [f64; 2];
    type Output = Vec<CostPoint>;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<D, [f64; 2]> {
        self.scores.read_pair(rows, i)
    }

    fn apply(&self, rows: &[Scored<D, [f64; 2]>]) -> Vec<CostPoint> {
        let scorer = |outcome: usize| Scorer::of(self.scores, rows, move |row| row.outcome[outcome]);
        let Some((of_value, of_cost)) = scorer(0).zip(scorer(1)) else { return vec![] };
        let ranked = Ranked::new(rows, self.points);
        let scores = |row: &Scored<D, [f64; 2]>| {
            let [value, cost] = row.outcome;
            [of_value.score_of(value, row.weight), of_cost.score_of(cost, row.weight)]
        };
        let zero = Some(0.0);
        let mut curve =
            vec![CostPoint { value_std_error: zero, cost_std_error: zero, ..CostPoint::default() }];
        curve.extend((1..=self.points).map(|point| {
            let share = point as f64 / self.points as f64;
            let top = ranked.window(0, point);
            let means = top.means(scores);
            let [value, cost] = means.map(|mean| share * mean);
            let about_means = |row: &Scored<D, [f64; 2]>, means: [f64; 2]| {
                let [of_value, of_cost] = scores(row);
                [about(of_value, means[0]), about(of_cost, means[1])]
            };
            let errors = top.covariance(|row| about_means(row, means)).map(|(covariance, _)| covariance);
            let mut at = CostPoint {
                share,
                threshold: top.threshold(),
                value,
                value_std_error: errors.map(|errors| errors[0][0].sqrt()),
                cost,
                cost_std_error: errors.map(|errors| errors[1][1].sqrt()),
                ..CostPoint::default()
            };
            let added = ranked.window(point - 1, point);
            let means @ [value, cost] = added.means(scores);
            if value == 0.0 {
                return at;
            }
            let ratio = cost / value;
            at.cost_per_value = Some(ratio);
            // Of the window's means: influences on means over all rows, times the points.
            let scale = self.points as f64;
            let influences = |row: &Scored<D, [f64; 2]>| {
                let [of_value, of_cost] = about_means(row, means);
                [scale * about(of_cost, ratio * of_value), scale * of_value]
            };
            if let Some(([[residual, mixed], [_, of_value]], df)) = added.covariance(influences) {
                at.std_error = Some(residual.sqrt() / value.abs());
                if let Some(critical) = critical(self.alpha, df) {
                    let (below, above) = fieller_reach((value, of_value), residual, mixed, critical);
                    (at.ci_low, at.ci_high) = (Some(ratio + below), Some(ratio + above));
                }
            }
            at
        }));
        curve
    }
}
