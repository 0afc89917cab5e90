//! Paired contrast of two policies on the same log.
//!
//! Estimand: `V(target) - V(baseline)`. Estimator: the mean of the difference of the two policies' row scores, IPS
//! or DR. The baseline is a policy given by its probabilities, or the logging policy, whose score is the reward.
//! Holds when: as IPS and DR. Pairing on the row makes the error smaller than that of two separate intervals.

use super::bounded::Bounds;
use super::doubly_robust::dr_score;
use super::ips::{importance_weight, ips_score, mean_score};
use super::statistic::{OneArm, Solution, Statistic};

/// What the target policy is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// The policy that made the log.
    Logging,
    /// A policy given by its probabilities.
    Policy,
}

impl Baseline {
    /// A policy when its probabilities were given, else the logging policy.
    pub(crate) fn given(given: bool) -> Self {
        if given { Self::Policy } else { Self::Logging }
    }
}

/// Columns: reward, propensity, target_prob, baseline_prob (unused with [`Baseline::Logging`]).
#[derive(Clone, Debug)]
pub(crate) struct IpsLift {
    pub(crate) baseline: Baseline,
    /// Largest weight of either policy, infinite for none.
    pub(crate) clip: f64,
}

impl Statistic for IpsLift {
    type Row = [f64; 4];
    /// The target policy's weight and the difference of the scores.
    type Sums = OneArm<2, 3>;

    const TESTED: bool = true;

    #[inline]
    fn terms(&self, &[reward, propensity, target_prob, baseline_prob]: &[f64; 4]) -> [f64; 2] {
        let score = |probability| ips_score([reward, propensity, probability], self.clip);
        let baseline = match self.baseline {
            Baseline::Logging => reward,
            Baseline::Policy => score(baseline_prob),
        };
        let weight = importance_weight(propensity, target_prob, self.clip);
        [weight, score(target_prob) - baseline]
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        let own = bounds.of_weighted(bounds.weight.min(self.clip));
        let baseline = match self.baseline {
            Baseline::Logging => bounds.reward,
            Baseline::Policy => own,
        };
        Bounds::of_difference(own, baseline)
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        mean_score(sums)
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0)
    }
}

/// Columns: reward, propensity, target_prob, q_logged, q_target, baseline_prob, q_baseline (the last two unused
/// with [`Baseline::Logging`]).
#[derive(Clone, Debug)]
pub(crate) struct DrLift {
    pub(crate) baseline: Baseline,
    /// Largest weight of either policy, infinite for none.
    pub(crate) clip: f64,
}

impl Statistic for DrLift {
    type Row = [f64; 7];
    /// The target policy's weight and the difference of the scores.
    type Sums = OneArm<2, 3>;

    const TESTED: bool = true;

    #[inline]
    fn terms(&self, row: &[f64; 7]) -> [f64; 2] {
        let &[reward, propensity, target_prob, q_logged, q_target, baseline_prob, q_baseline] = row;
        let score = |probability, q| dr_score([reward, propensity, probability, q_logged, q], self.clip);
        let baseline = match self.baseline {
            Baseline::Logging => reward,
            Baseline::Policy => score(baseline_prob, q_baseline),
        };
        let weight = importance_weight(propensity, target_prob, self.clip);
        [weight, score(target_prob, q_target) - baseline]
    }

    fn score_range(&self, bounds: &Bounds) -> Option<[f64; 2]> {
        let own = bounds.of_corrected(bounds.weight.min(self.clip));
        let baseline = match self.baseline {
            Baseline::Logging => bounds.reward,
            Baseline::Policy => own,
        };
        Bounds::of_difference(own, baseline)
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        mean_score(sums)
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0)
    }
}
