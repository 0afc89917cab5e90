//! Whether two samples of a number have the same distribution: the test of Kolmogorov and Smirnov.
//!
//! Statistic: the largest distance of the two empirical distribution functions, after ties. p-value: Kolmogorov's limit
//! law, which is conservative where values tie.
//! Sources: Kolmogorov (1933); Smirnov (1948).

use super::blocks::downwards;
use super::over_rows::RowFunction;
use super::rows::{Independent, Scored};
use crate::estimators::aggregate::Rows;
use crate::math::kolmogorov_sf;

/// The test. Columns: x, is_current (1 for the one sample, 0 for the other).
#[derive(Clone, Debug)]
pub(crate) struct KolmogorovSmirnov;

/// A statistic and its p-value, `None` unless both samples have values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TestResult {
    pub(crate) statistic: Option<f64>,
    pub(crate) p_value: Option<f64>,
}

impl RowFunction for KolmogorovSmirnov {
    type Dependence = Independent;
    type Outcome = f64;
    type Output = TestResult;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<Independent> {
        Scored {
            prediction: rows.columns[0][i],
            outcome: 0.0,
            weight: rows.columns[1][i],
            dependence: Independent,
        }
    }

    fn apply(&self, rows: &[Scored<Independent>]) -> TestResult {
        let current = rows.iter().filter(|row| row.weight == 1.0).count() as f64;
        let other = rows.len() as f64 - current;
        if current == 0.0 || other == 0.0 {
            return TestResult::default();
        }
        let (mut above, mut above_other, mut statistic) = (0.0, 0.0, 0.0_f64);
        downwards(rows, |block| {
            let of_current: f64 = block.rows.iter().map(|row| row.weight).sum();
            above += of_current;
            above_other += block.len() - of_current;
            statistic = statistic.max((above / current - above_other / other).abs());
        });
        let p_value = kolmogorov_sf(statistic * (current * other / (current + other)).sqrt());
        TestResult { statistic: Some(statistic), p_value: Some(p_value) }
    }
}
