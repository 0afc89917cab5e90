//! Area under the cost curve (AUCC): how much of the value a ranking brings before how much of the cost.
//!
//! The curve leads from none to all of the rows, largest prediction first, over the share of the added cost, at the share
//! of the added value: one half for a ranking by chance. `theta = N / (V C)` with `V, C` the mean scores, `N = mean(Gamma^C
//! Vt)` and `Vt(s) = (1 / n) (sum of Gamma^V above s + half of its ties)`. Influence, `Ct` being the same of the cost below:
//! `(Gamma^C Vt + Gamma^V Ct - 2 N) / (V C) - theta ((Gamma^V - V) / V + (Gamma^C - C) / C)`.
//! Holds when: as all measures of rankings; the total effects on value and cost are positive.
//! Source: Du, Lee and Ghaffarizadeh (2019), "Improve User Retention with Causal Learning".

use super::blocks::upwards;
use super::influences::{Influences, unless_cancelled};
use super::over_rows::{RowEstimate, RowFunction};
use super::rows::{Dependence, Scored};
use super::scores::{Scorer, Scores};
use crate::estimators::aggregate::Rows;
use crate::estimators::inference::{Appended, Summary};

/// Columns: prediction, value, cost (or their scores), treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct Aucc<D> {
    scores: Scores,
    dependence: std::marker::PhantomData<D>,
}

/// The area, with what its influences need.
struct Area {
    theta: f64,
    /// Mean scores of value and cost.
    means: [f64; 2],
    scorers: [Scorer; 2],
}

impl<D: Dependence> Aucc<D> {
    pub(crate) fn new(scores: Scores) -> Self {
        Self { scores, dependence: std::marker::PhantomData }
    }

    fn area(&self, rows: &[Scored<D, [f64; 2]>]) -> Option<Area> {
        let scorer = |outcome: usize| Scorer::of(self.scores, rows, move |row| row.outcome[outcome]);
        let scorers = [scorer(0)?, scorer(1)?];
        let n = rows.len() as f64;
        let mut means = [0.0; 2];
        for row in rows {
            let scores = scores(&scorers, row);
            means.iter_mut().zip(scores).for_each(|(mean, score)| *mean += score / n);
        }
        let mut area = 0.0;
        visit_sums(rows, &scorers, means, |_, [_, cost], [value_above, _]| area += cost * value_above / n);
        let [value, cost] = means;
        let positive = value > 0.0 && cost > 0.0;
        positive.then(|| Area { theta: area / (value * cost), means, scorers })
    }

    fn variance(&self, rows: &[Scored<D, [f64; 2]>], area: &Area) -> Option<(f64, Option<f64>)> {
        let Area { theta, means: means @ [value, cost], scorers } = area;
        let mut sums = Influences::<1>::default();
        visit_sums(rows, scorers, *means, |row, [of_value, of_cost], [value_above, cost_below]| {
            let product = (of_cost * value_above + of_value * cost_below) / (value * cost);
            let shares = theta * (of_value / value + of_cost / cost);
            let influence = unless_cancelled(product - shares, product.abs() + shares.abs());
            sums.add([influence], row.dependence);
        });
        let ([[variance]], df) = sums.covariance::<D>(rows.len())?;
        Some((variance, df))
    }
}

fn scores<D>([of_value, of_cost]: &[Scorer; 2], row: &Scored<D, [f64; 2]>) -> [f64; 2] {
    let [value, cost] = row.outcome;
    [of_value.score_of(value, row.weight), of_cost.score_of(cost, row.weight)]
}

/// Calls `visit` with each row, its scores, and the means over all rows of the value above it and the cost below it.
fn visit_sums<'a, D>(
    rows: &'a [Scored<D, [f64; 2]>],
    scorers: &[Scorer; 2],
    [mean_value, _]: [f64; 2],
    mut visit: impl FnMut(&'a Scored<D, [f64; 2]>, [f64; 2], [f64; 2]),
) {
    let n = rows.len() as f64;
    let mut below = [0.0; 2];
    upwards(rows, |block| {
        let mut sums = [0.0; 2];
        for row in block.rows {
            let scores = scores(scorers, row);
            sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score / n);
        }
        let value_above = mean_value - below[0] - 0.5 * sums[0];
        let cost_below = below[1] + 0.5 * sums[1];
        for row in block.rows {
            visit(row, scores(scorers, row), [value_above, cost_below]);
        }
        below.iter_mut().zip(sums).for_each(|(below, sum)| *below += sum);
    });
}

impl<D: Dependence> RowFunction for Aucc<D> {
    type Dependence = D;
    type Outcome = [f64; 2];
    type Output = Option<f64>;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<D, [f64; 2]> {
        self.scores.read_pair(rows, i)
    }

    fn apply(&self, rows: &[Scored<D, [f64; 2]>]) -> Option<f64> {
        self.area(rows).map(|area| area.theta).filter(|theta| theta.is_finite())
    }
}

impl<D: Dependence> RowEstimate for Aucc<D> {
    fn summary(&self, rows: &[Scored<D, [f64; 2]>]) -> (Summary, Appended) {
        let mut summary = Summary { is_untested: true, ..Summary::default() };
        if let Some(area) = self.area(rows) {
            summary.estimate = Some(area.theta);
            summary.ess = Some(area.scorers[0].ess);
            if let Some((variance, cluster_df)) = self.variance(rows, &area) {
                summary.variance = Some(variance);
                summary.cluster_df = cluster_df;
            }
        }
        (summary, Appended::default())
    }
}
