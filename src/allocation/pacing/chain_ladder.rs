//! The chain ladder: how cumulative amounts grow from age to age.
//!
//! With cumulative amounts `C(c, d)` of cohort `c` at age `d`, and sums over the `n(d)` cohorts seen at age `d + 1`:
//! factor `f(d) = sum C(c, d + 1) / S(d)`, `S(d) = sum C(c, d)`; share redeemed by age `d`: `P(d) = prod over k >= d of
//! 1 / f(k)`; scatter `s2(d) = sum C(c, d) (C(c, d + 1) / C(c, d) - f(d))^2 / (m - 1)` over the `m` cohorts with a positive
//! `C(c, d)`; where `m` is below two, `min(y^2 / x, x, y)` of the two scatters `x`, `y` before it;
//! `var f(d) = s2(d) / S(d)`.
//! Source: Mack (1993), "Distribution-free Calculation of the Standard Error of Chain Ladder Reserve Estimates".

use super::triangle::Triangle;

/// What a triangle says of development.
#[derive(Clone, Debug)]
pub(super) struct ChainLadder {
    /// From each age to the next.
    pub(super) factors: Vec<Factor>,
    /// By age up to the largest: the share of all redemptions that have come by then.
    pub(super) shares: Vec<Option<f64>>,
    /// What each cohort has redeemed.
    pub(super) redeemed: Vec<f64>,
}

/// Development from an age to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor {
    /// Sums of the same cohorts, before and after.
    before: f64,
    after: f64,
    /// `None` unless both are positive.
    pub(super) value: Option<f64>,
    /// `s2`, how far single cohorts are from the factor.
    pub(super) scatter: Option<f64>,
}

impl Factor {
    /// The variance of the factor.
    pub(super) fn variance(&self) -> Option<f64> {
        Some(self.value.and(self.scatter)? / self.before)
    }

    /// The variance relative to the factor's square.
    pub(super) fn relative_variance(&self) -> Option<f64> {
        Some(self.variance()? / self.value?.powi(2))
    }

    /// The share by this age from that by the next.
    fn share_before(&self, after: f64) -> Option<f64> {
        match self.value {
            Some(factor) => Some(after / factor),
            // Nothing had come, and now something has; or still nothing.
            None if self.before == 0.0 && self.after > 0.0 => Some(0.0),
            None if self.before == 0.0 && self.after == 0.0 => Some(after),
            // Reversals have taken all of it back.
            None => None,
        }
    }
}

impl ChainLadder {
    pub(super) fn new(triangle: &Triangle) -> Self {
        let mut now = vec![0.0; triangle.cohorts.len()];
        let mut before = now.clone();
        let add = |amounts: &mut [f64], age: usize| {
            triangle.increments[age].iter().for_each(|&(cohort, amount)| amounts[cohort] += amount);
        };
        add(&mut now, 0);
        let mut factors: Vec<Factor> = vec![];
        for age in 1..=triangle.last_age() {
            before.copy_from_slice(&now);
            add(&mut now, age);
            let seen = triangle.seen(age);
            let mut factor = factor(&before[..seen], &now[..seen]);
            if factor.scatter.is_none() {
                factor.scatter = least_of_two_before(factors.iter().map(|factor| factor.scatter));
            }
            factors.push(factor);
        }
        // All of what has come by the largest age; unknown while nothing has come at all.
        let last = now.iter().any(|&amount| amount > 0.0).then_some(1.0);
        let mut shares = vec![last; factors.len() + 1];
        for (age, factor) in factors.iter().enumerate().rev() {
            shares[age] = shares[age + 1].and_then(|after| factor.share_before(after));
        }
        Self { factors, shares, redeemed: now }
    }
}

fn factor(before: &[f64], after: &[f64]) -> Factor {
    let (sum_before, sum_after) = (before.iter().sum::<f64>(), after.iter().sum::<f64>());
    let mut factor = Factor { before: sum_before, after: sum_after, value: None, scatter: None };
    if sum_before <= 0.0 || sum_after <= 0.0 {
        return factor;
    }
    let value = sum_after / sum_before;
    let (mut cohorts, mut squares) = (0.0, 0.0);
    for (&x, &y) in before.iter().zip(after).filter(|&(&x, _)| x > 0.0) {
        cohorts += 1.0;
        squares += x * (y / x - value).powi(2);
    }
    factor.value = Some(value);
    factor.scatter = (cohorts > 1.0).then(|| squares / (cohorts - 1.0));
    factor
}

/// Mack's scatter of a column that has too few cohorts for one: `min(y^2 / x, x, y)`.
pub(super) fn least_of_two_before(mut scatters: impl DoubleEndedIterator<Item = Option<f64>>) -> Option<f64> {
    let (y, x) = (scatters.next_back()??, scatters.next_back()??);
    // Of zero by zero the other two decide.
    Some((y * y / x).min(x).min(y))
}
