//! Diagnostics of weights: how many rows they are worth, how much the largest holds, whether their mean is one.
//!
//! Effective sample size: `(sum w)^2 / sum w^2`. Largest share: `max w / sum w`. Mean test: `z = (mean w - 1) / se`,
//! two-sided normal p-value; importance weights have mean one when the logged propensities are right.
//! Source: Kish (1965), "Survey Sampling".

use super::aggregate::{Aggregate, DecodeError, FloatReader, Rows};
use super::statistic::{OneArm, Sums};
use crate::math::normal_two_sided;

/// Which diagnostic is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WeightMeasure {
    /// Kish's effective sample size.
    EffectiveSampleSize,
    /// Share of the largest weight in the sum.
    MaxShare,
    /// p-value of "the mean weight is one".
    MeanTest,
}

/// A diagnostic of one column of weights.
#[derive(Clone, Debug)]
pub(crate) struct Weights(pub(crate) WeightMeasure);

/// Moments and the largest weight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WeightState {
    moments: OneArm<1, 1>,
    max: f64,
}

impl Aggregate for Weights {
    type State = WeightState;
    type Output = Option<f64>;

    const FLOATS: usize = <OneArm<1, 1>>::FLOATS + 1;

    fn update(&self, state: &mut WeightState, rows: Rows<'_>) {
        for &weight in rows.columns[0] {
            state.push(weight);
        }
    }

    fn update_groups(&self, states: &mut [WeightState], groups: &[usize], rows: Rows<'_>) {
        for (&group, &weight) in groups.iter().zip(rows.columns[0]) {
            states[group].push(weight);
        }
    }

    fn merge(&self, state: &mut WeightState, other: &WeightState) {
        state.moments.merge(&other.moments);
        state.max = state.max.max(other.max);
    }

    fn write(&self, state: &WeightState, out: &mut Vec<u8>) {
        let mut put = |x: f64| out.extend_from_slice(&x.to_le_bytes());
        state.moments.write(&mut put);
        put(state.max);
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<WeightState, DecodeError> {
        bytes.floats(Self::FLOATS, |mut next| WeightState { moments: OneArm::read(&mut next), max: next() })
    }

    fn finish(&self, state: &WeightState) -> Option<f64> {
        let [mean] = state.moments.means()?;
        match self.0 {
            WeightMeasure::EffectiveSampleSize => Some(state.moments.kish(0)),
            WeightMeasure::MaxShare => (mean > 0.0).then(|| state.max / (mean * state.moments.count())),
            WeightMeasure::MeanTest => {
                let std_error = state.moments.covariance(&[[1.0]], &[[1.0]])?.sqrt();
                (std_error > 0.0).then(|| normal_two_sided((mean - 1.0) / std_error))
            }
        }
    }
}

impl WeightState {
    fn push(&mut self, weight: f64) {
        self.moments.push(0, &[weight]);
        self.max = self.max.max(weight);
    }
}
