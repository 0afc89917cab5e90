//! Sample ratio mismatch (SRM): whether the arms have the sizes the design says.
//!
//! Statistic: Pearson's `X^2 = sum (O - E)^2 / E` over arms, each of which has a positive expected share; chi-square
//! on one less degrees of freedom than arms. With two arms and an expected count below five the p-value is the exact
//! binomial one.
//! Holds when: rows are the units that were randomised. A p-value very close to one means blocked randomisation.
//! Sources: Pearson (1900); Fabijan et al. (2019), "Diagnosing Sample Ratio Mismatch".

use super::aggregate::{Aggregate, DecodeError, FloatReader, Rows};
use crate::math::{binomial_two_sided, chi_square_sf};

/// Below this expected count the chi-square law is too rough.
const SMALL_EXPECTED: f64 = 5.0;

/// The test of arm counts against shares. Its column holds positions of arms in `shares`.
#[derive(Clone, Debug)]
pub(crate) struct SampleRatio {
    /// Expected shares of the arms, positive, with sum 1.
    pub(crate) shares: Vec<f64>,
}

/// A goodness-of-fit test. `None` is NULL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GoodnessOfFit {
    pub(crate) chi2: Option<f64>,
    pub(crate) df: u64,
    pub(crate) p_value: Option<f64>,
    /// Rows counted.
    pub(crate) n: u64,
}

impl SampleRatio {
    /// The test against the shares of named arms.
    pub(crate) fn new(shares: &[(String, f64)]) -> Self {
        Self { shares: shares.iter().map(|(_, share)| *share).collect() }
    }

    fn counts<'a>(&self, state: &'a mut Vec<f64>) -> &'a mut Vec<f64> {
        state.resize(self.shares.len(), 0.0);
        state
    }
}

impl Aggregate for SampleRatio {
    /// Rows of each arm; empty before the first row.
    type State = Vec<f64>;
    type Output = GoodnessOfFit;

    const FLOATS: usize = 0;

    fn update(&self, state: &mut Vec<f64>, rows: Rows<'_>) {
        let counts = self.counts(state);
        for &arm in rows.columns[0] {
            counts[arm as usize] += 1.0;
        }
    }

    fn update_groups(&self, states: &mut [Vec<f64>], groups: &[usize], rows: Rows<'_>) {
        for (&group, &arm) in groups.iter().zip(rows.columns[0]) {
            self.counts(&mut states[group])[arm as usize] += 1.0;
        }
    }

    fn merge(&self, state: &mut Vec<f64>, other: &Vec<f64>) {
        for (mine, theirs) in self.counts(state).iter_mut().zip(other) {
            *mine += theirs;
        }
    }

    fn write(&self, state: &Vec<f64>, out: &mut Vec<u8>) {
        for count in state {
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Vec<f64>, DecodeError> {
        let arms = bytes.remaining() / size_of::<f64>();
        if arms > self.shares.len() {
            return Err(DecodeError::Length);
        }
        bytes.floats(arms, |next| (0..arms).map(|_| next()).collect())
    }

    fn heap_size(&self, state: &Vec<f64>) -> usize {
        state.capacity() * size_of::<f64>()
    }

    fn finish(&self, state: &Vec<f64>) -> GoodnessOfFit {
        let n = state.iter().sum::<f64>();
        let arms = || state.iter().zip(&self.shares);
        let df = self.shares.len().saturating_sub(1) as u64;
        let mut result = GoodnessOfFit { chi2: None, df, p_value: None, n: n as u64 };
        if n == 0.0 {
            return result;
        }
        let chi2 = arms().map(|(count, share)| (count - n * share).powi(2) / (n * share)).sum();
        result.chi2 = Some(chi2);
        result.p_value = match arms().next() {
            Some((&count, &share)) if df == 1 && n * share.min(1.0 - share) < SMALL_EXPECTED => {
                binomial_two_sided(count as u64, n as u64, share)
            }
            _ => chi_square_sf(chi2, df as f64),
        };
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn madlib_counts() {
        let test = SampleRatio { shares: [82.28, 84.15, 14.96, 5.61].map(|e| e / 187.0).to_vec() };
        let got = test.finish(&vec![67.0, 83.0, 29.0, 8.0]);
        assert!((got.chi2.unwrap() - 17.0481).abs() < 1e-3, "{got:?}");
        assert_eq!((got.df, got.n), (3, 187));
    }

    #[test]
    fn small_counts_are_exact() {
        let test = SampleRatio { shares: vec![0.5, 0.5] };
        let p = test.finish(&vec![0.0, 5.0]).p_value.unwrap();
        assert!((p - 2.0 / 32.0).abs() < 1e-12, "{p}");
    }

    #[test]
    fn an_expected_arm_without_rows_counts() {
        let test = SampleRatio { shares: vec![0.5, 0.5] };
        let got = test.finish(&vec![100.0, 0.0]);
        assert!((got.chi2.unwrap() - 100.0).abs() < 1e-12);
    }
}
