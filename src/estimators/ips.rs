//! Inverse propensity scoring (IPS): the value of one policy from another policy's log.
//!
//! Estimand: `V = E[r(x, a)]`, the mean reward when actions follow the target policy `π(a | x)`.
//! Estimator: the mean of `w r` with `w = π(a | x) / μ(a | x)`, `μ` being the logging policy; `clip` caps `w`.
//! Holds when: `μ(a | x) > 0` wherever `π(a | x) > 0`, and `μ` was logged when the action was chosen. Clipping
//! shrinks the value towards zero, and the interval does not say by how much.
//! Source: Dudík, Langford and Li (2011), "Doubly Robust Policy Evaluation and Learning".

use super::bounded::{Bounds, WeightedRewards};
use super::statistic::{Linear, OneArm, Solution, Statistic};

/// Columns: reward, propensity, target_prob.
#[derive(Clone, Debug)]
pub(crate) struct Ips {
    /// Largest weight, infinite for none.
    pub(crate) clip: f64,
}

/// The weight of a logged decision, `min(target_prob / propensity, clip)`.
#[inline]
pub(crate) fn importance_weight(propensity: f64, target_prob: f64, clip: f64) -> f64 {
    (target_prob / propensity).min(clip)
}

/// The score of a row, whose mean is the value.
#[inline]
pub(crate) fn ips_score([reward, propensity, target_prob]: [f64; 3], clip: f64) -> f64 {
    importance_weight(propensity, target_prob, clip) * reward
}

impl Statistic for Ips {
    type Row = [f64; 3];
    /// `w, w r`.
    type Sums = OneArm<2, 3>;

    #[inline]
    fn terms(&self, &[reward, propensity, target_prob]: &[f64; 3]) -> [f64; 2] {
        let weight = importance_weight(propensity, target_prob, self.clip);
        [weight, weight * reward]
    }

    fn largest_weight(&self, bounds: &Bounds) -> f64 {
        bounds.weight.min(self.clip)
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        bounds.of_weighted(self.largest_weight(bounds))
    }

    fn weighted_rewards(&self, sums: &Self::Sums) -> Option<WeightedRewards> {
        Some(WeightedRewards::of(sums))
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        mean_score(sums)
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0)
    }
}

/// The mean of the second term, a score, where the first, its weight, has support.
pub(super) fn mean_score(sums: &OneArm<2, 3>) -> Option<Solution<[[f64; 2]; 1]>> {
    let [weight, value] = sums.means()?;
    (weight > 0.0).then_some(Solution::Smooth(Linear { value, gradient: [[0.0, 1.0]] }))
}
