//! Covariate balance between arms: standardised mean difference (SMD) and variance ratio.
//!
//! SMD: `(m1 - m0) / s` with `s^2 = (s1^2 + s0^2) / 2` of the unweighted data, so that values before and after
//! weighting compare; the means are weighted when weights are given. Variance ratio: `s1^2 / s0^2`, of weighted
//! variances `sum w (x - m)^2 / (sum w - sum w^2 / sum w)` when weights are given.
//! Sources: Austin (2009); Stuart, Lee and Leacy (2013).

use super::aggregate::{Aggregate, DecodeError, FloatReader, Rows};
use super::statistic::{Sums, TwoArms};

/// Which measure of balance is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BalanceMeasure {
    /// Standardised mean difference, treated minus control.
    StandardizedMeanDifference,
    /// Variance of the treated over that of the controls.
    VarianceRatio,
}

/// Balance of one covariate. Columns: x, treated, weight (1 without weights).
#[derive(Clone, Debug)]
pub(crate) struct CovariateBalance(pub(crate) BalanceMeasure);

/// Unweighted and weighted moments of each arm.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BalanceState {
    plain: TwoArms<1, 1>,
    weighted: [WeightedMoments; 2],
}

/// Weighted mean and variance by West's (1979) update.
#[derive(Clone, Copy, Debug, Default)]
struct WeightedMoments {
    sum: f64,
    sum_of_squares: f64,
    mean: f64,
    /// `sum w (x - mean)^2`.
    deviation: f64,
}

impl WeightedMoments {
    fn push(&mut self, x: f64, weight: f64) {
        if weight > 0.0 {
            self.merge(&Self { sum: weight, sum_of_squares: weight * weight, mean: x, deviation: 0.0 });
        }
    }

    fn merge(&mut self, other: &Self) {
        if other.sum == 0.0 {
            return;
        }
        if self.sum == 0.0 {
            // Not by the update below, whose rounding would make a constant vary.
            *self = *other;
            return;
        }
        let sum = self.sum + other.sum;
        let delta = other.mean - self.mean;
        self.mean += delta * other.sum / sum;
        self.deviation += other.deviation + delta * delta * self.sum * other.sum / sum;
        self.sum_of_squares += other.sum_of_squares;
        self.sum = sum;
    }

    fn mean(&self) -> Option<f64> {
        (self.sum > 0.0).then_some(self.mean)
    }

    fn variance(&self) -> Option<f64> {
        let divisor = self.sum - self.sum_of_squares / self.sum;
        (divisor > 0.0).then(|| self.deviation / divisor)
    }
}

impl BalanceState {
    fn push(&mut self, [x, treated, weight]: [f64; 3]) {
        let arm = usize::from(treated == 1.0);
        self.plain.push(arm, &[x]);
        self.weighted[arm].push(x, weight);
    }

    fn standardized_mean_difference(&self) -> Option<f64> {
        let [control, treated] = [0, 1].map(|arm| {
            let moments = self.plain.arm(arm);
            (moments.count() >= 2.0).then(|| moments.comoment(0, 0) / (moments.count() - 1.0))
        });
        let scale = ((control? + treated?) / 2.0).sqrt();
        let difference = self.weighted[1].mean()? - self.weighted[0].mean()?;
        if difference == 0.0 {
            return Some(0.0);
        }
        (scale > 0.0).then(|| difference / scale)
    }

    fn variance_ratio(&self) -> Option<f64> {
        let control = self.weighted[0].variance()?;
        let treated = self.weighted[1].variance()?;
        (control > 0.0).then(|| treated / control)
    }
}

impl Aggregate for CovariateBalance {
    type State = BalanceState;
    type Output = Option<f64>;

    const FLOATS: usize = <TwoArms<1, 1>>::FLOATS + 8;

    fn update(&self, state: &mut BalanceState, rows: Rows<'_>) {
        for i in 0..rows.len {
            state.push([0, 1, 2].map(|column: usize| rows.columns[column][i]));
        }
    }

    fn update_groups(&self, states: &mut [BalanceState], groups: &[usize], rows: Rows<'_>) {
        for (i, &group) in groups.iter().enumerate() {
            states[group].push([0, 1, 2].map(|column: usize| rows.columns[column][i]));
        }
    }

    fn merge(&self, state: &mut BalanceState, other: &BalanceState) {
        state.plain.merge(&other.plain);
        for (mine, theirs) in state.weighted.iter_mut().zip(&other.weighted) {
            mine.merge(theirs);
        }
    }

    fn write(&self, state: &BalanceState, out: &mut Vec<u8>) {
        let mut put = |x: f64| out.extend_from_slice(&x.to_le_bytes());
        state.plain.write(&mut put);
        for arm in &state.weighted {
            [arm.sum, arm.sum_of_squares, arm.mean, arm.deviation].into_iter().for_each(&mut put);
        }
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<BalanceState, DecodeError> {
        bytes.floats(Self::FLOATS, |mut next| BalanceState {
            plain: TwoArms::read(&mut next),
            weighted: std::array::from_fn(|_| WeightedMoments {
                sum: next(),
                sum_of_squares: next(),
                mean: next(),
                deviation: next(),
            }),
        })
    }

    fn finish(&self, state: &BalanceState) -> Option<f64> {
        match self.0 {
            BalanceMeasure::StandardizedMeanDifference => state.standardized_mean_difference(),
            BalanceMeasure::VarianceRatio => state.variance_ratio(),
        }
    }
}
