//! Direct method (DM): the value of a policy from a reward model alone.
//!
//! Estimand: `V = E[r(x, a)]` under the target policy. Estimator: the mean of `sum_a π(a | x) q(x, a)`.
//! Holds when: the model `q` is right. The error is model-conditional: it ignores that `q` was fitted.
//! Source: Dudík, Langford and Li (2011), "Doubly Robust Policy Evaluation and Learning".

use super::bounded::Bounds;
use super::mean::Mean;
use super::statistic::{OneArm, Solution, Statistic};

/// Columns: q_target.
#[derive(Clone, Debug)]
pub(crate) struct DirectMethod;

impl Statistic for DirectMethod {
    type Row = [f64; 1];
    type Sums = OneArm<1, 1>;

    fn terms(&self, &row: &[f64; 1]) -> [f64; 1] {
        row
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        bounds.reward
    }

    fn solve(&self, sums: &Self::Sums, origin: f64) -> Option<Solution<[[f64; 1]; 1]>> {
        Mean.solve(sums, origin)
    }
}
