//! Self-normalised policy values: weights divided by their sample mean.
//!
//! Estimand: `V = E[r(x, a)]` under the target policy.
//! Estimators: SNIPS, `sum w r / sum w`; SNDR, `mean(DM) + sum w (r - q) / sum w`, with delta-method errors.
//! Holds when: as IPS and DR. Both are biased in small samples, the bias vanishing with 1 / n, and bounded by
//! the range of the reward.
//! Source: Swaminathan and Joachims (2015), "The Self-Normalized Estimator for Counterfactual Learning".

use super::ips::importance_weight;
use super::ipw::weighted_mean;
use super::statistic::{Linear, OneArm, Outcome, Solution, Statistic};

/// Columns: reward, propensity, target_prob.
#[derive(Clone, Debug)]
pub(crate) struct SelfNormalizedIps {
    /// Largest weight, infinite for none.
    pub(crate) clip: f64,
}

impl Statistic for SelfNormalizedIps {
    type Row = [f64; 3];
    /// `w, w r`.
    type Sums = OneArm<2, 3>;

    #[inline]
    fn terms(&self, &[reward, propensity, target_prob]: &[f64; 3]) -> [f64; 2] {
        let weight = importance_weight(propensity, target_prob, self.clip);
        [weight, weight * reward]
    }

    fn outcome(&self) -> Option<Outcome> {
        Some(Outcome { argument: 0, weighted: &[(1, 0)] })
    }

    fn solve(&self, sums: &Self::Sums, origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        let [weight, weighted] = sums.means()?;
        let ratio = weighted_mean(weight, weighted);
        (weight > 0.0)
            .then_some(Solution::Smooth(Linear { value: ratio.value + origin, gradient: [ratio.gradient] }))
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0)
    }
}

/// Columns: reward, propensity, target_prob, q_logged, q_target.
#[derive(Clone, Debug)]
pub(crate) struct SelfNormalizedDr {
    /// Largest weight, infinite for none.
    pub(crate) clip: f64,
}

impl Statistic for SelfNormalizedDr {
    type Row = [f64; 5];
    /// `q_target, w, w (r - q_logged)`.
    type Sums = OneArm<3, 6>;

    #[inline]
    fn terms(&self, &[reward, propensity, target_prob, q_logged, q_target]: &[f64; 5]) -> [f64; 3] {
        let weight = importance_weight(propensity, target_prob, self.clip);
        [q_target, weight, weight * (reward - q_logged)]
    }

    fn outcome(&self) -> Option<Outcome> {
        Some(Outcome { argument: 0, weighted: &[(2, 1)] })
    }

    fn origin(&self, &[reward, _, _, q_logged, _]: &[f64; 5]) -> f64 {
        reward - q_logged
    }

    fn solve(&self, sums: &Self::Sums, origin: f64) -> Option<Solution<[[f64; 3]; 1]>> {
        let [direct, weight, residual] = sums.means()?;
        let correction = weighted_mean(weight, residual);
        let [by_weight, by_residual] = correction.gradient;
        (weight > 0.0).then_some(Solution::Smooth(Linear {
            value: direct + correction.value + origin,
            gradient: [[1.0, by_weight, by_residual]],
        }))
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(1)
    }
}
