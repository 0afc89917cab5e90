//! Doubly robust (DR) policy value: a reward model, corrected by weighted residuals.
//!
//! Estimand: `V = E[r(x, a)]` under the target policy `π`.
//! Estimator: the mean of `sum_a π(a | x) q(x, a) + w (r - q(x, a_logged))`; `clip` caps the weight `w`.
//! Holds when: the logged propensities or the model `q` are right, and `q` was fitted without the row.
//! Source: Dudík, Langford and Li (2011), "Doubly Robust Policy Evaluation and Learning".

use super::bounded::Bounds;
use super::ips::{importance_weight, mean_score};
use super::statistic::{OneArm, Solution, Statistic};

/// Columns: reward, propensity, target_prob, q_logged, q_target.
#[derive(Clone, Debug)]
pub(crate) struct DoublyRobust {
    /// Largest weight, infinite for none.
    pub(crate) clip: f64,
}

/// The score of a row, whose mean is the value.
#[inline]
pub(crate) fn dr_score([reward, propensity, target_prob, q_logged, q_target]: [f64; 5], clip: f64) -> f64 {
    q_target + importance_weight(propensity, target_prob, clip) * (reward - q_logged)
}

impl Statistic for DoublyRobust {
    type Row = [f64; 5];
    /// The weight and the score.
    type Sums = OneArm<2, 3>;

    #[inline]
    fn terms(&self, row: &[f64; 5]) -> [f64; 2] {
        let &[_, propensity, target_prob, ..] = row;
        [importance_weight(propensity, target_prob, self.clip), dr_score(*row, self.clip)]
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        bounds.of_corrected(bounds.weight.min(self.clip))
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        mean_score(sums)
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0)
    }
}
