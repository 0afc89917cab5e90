//! The redemption curve: which share of what a cohort will redeem has come by each age.
//!
//! The error of a share follows from those of the factors, which are uncorrelated:
//! `var P(d) = P(d)^2 sum over k >= d of var f(k) / f(k)^2`.
//! Source: Mack (1993).

use super::cells::{Cells, CellsFunction};
use super::chain_ladder::ChainLadder;
use super::triangle::{Triangle, TriangleError};

/// The curve, by age from zero.
#[derive(Clone, Debug)]
pub(crate) struct RedemptionCurve {
    /// The last age at which something can be redeemed.
    pub(crate) expiry: Option<usize>,
}

/// An age of the curve. `None` is NULL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CurveAge {
    pub(crate) age: u64,
    /// Cohorts that have been seen at this age.
    pub(crate) cohorts: u64,
    /// What they redeemed at this age.
    pub(crate) amount: f64,
    /// How many of them redeemed less than nothing at it.
    pub(crate) reversals: u64,
    pub(crate) factor: Option<f64>,
    pub(crate) factor_std_error: Option<f64>,
    pub(crate) share: Option<f64>,
    pub(crate) share_std_error: Option<f64>,
}

impl CellsFunction for RedemptionCurve {
    type Output = Vec<CurveAge>;

    fn apply(&self, cells: &Cells) -> Result<Vec<CurveAge>, TriangleError> {
        let Some(triangle) = Triangle::new(cells, self.expiry)? else { return Ok(vec![]) };
        let ladder = ChainLadder::new(&triangle);
        // Nothing is known of the spread of a single cohort, and nothing of a share of zero.
        let mut relative_variance = (triangle.cohorts.len() > 1).then_some(0.0);
        let mut ages: Vec<CurveAge> = (0..ladder.shares.len())
            .rev()
            .map(|age| {
                let (factor, share) = (ladder.factors.get(age), ladder.shares[age]);
                if let Some(factor) = factor {
                    relative_variance = relative_variance.zip(factor.relative_variance()).map(|(a, b)| a + b);
                }
                let amounts = triangle.increments[age].iter().map(|&(_, amount)| amount);
                CurveAge {
                    age: age as u64,
                    cohorts: triangle.seen(age) as u64,
                    amount: amounts.clone().fold(0.0, |sum, amount| sum + amount),
                    reversals: amounts.filter(|&amount| amount < 0.0).count() as u64,
                    factor: factor.and_then(|factor| factor.value),
                    factor_std_error: factor.and_then(|factor| factor.variance()).map(f64::sqrt),
                    share,
                    share_std_error: share
                        .zip(relative_variance)
                        .map(|(share, variance)| share * variance.sqrt()),
                }
            })
            .collect();
        ages.reverse();
        Ok(ages)
    }
}
