//! Net present value of an action: what it brings over the periods, less what it costs at a price.
//!
//! `score = sum_t w_t v_t / (1 + r)^t - price · sum_t c_t / (1 + r)^t`, the first period having `t = 0`. `v` are the lifts
//! in value by period, or proxies of a long effect that are seen early, whose weights `w` turn them into value; `r` is the
//! discount rate of a period, and `price` what a unit of cost is worth in value: with the shadow price of a budget, the
//! best plan takes each unit's action of the largest score, if it is positive.
//! Sources: Fisher (1930), "The Theory of Interest"; for weighted proxies Athey, Chetty, Imbens and Kang (2019), "The
//! Surrogate Index".

/// The terms on which values and costs of periods become one number.
#[derive(Clone, Debug)]
pub(crate) struct NetValue {
    /// What a period leaves of a value: `1 / (1 + r)`.
    factor: f64,
    cost_price: f64,
    /// Weights of the values, all 1 when empty.
    weights: Vec<f64>,
}

impl NetValue {
    pub(crate) fn new(discount: f64, cost_price: f64, weights: Vec<f64>) -> Self {
        Self { factor: 1.0 / (1.0 + discount), cost_price, weights }
    }

    /// How many values there must be; `None` when any number will do.
    pub(crate) fn values(&self) -> Option<usize> {
        (!self.weights.is_empty()).then_some(self.weights.len())
    }

    /// The score; `None` without values or costs, and beyond the range of numbers.
    pub(crate) fn score(&self, values: &[f64], costs: &[f64]) -> Option<f64> {
        if values.is_empty() || costs.is_empty() {
            return None;
        }
        let value = if self.weights.is_empty() {
            self.present(values.iter().copied())
        } else {
            self.present(values.iter().zip(&self.weights).map(|(value, weight)| value * weight))
        };
        let score = value - self.cost_price * self.present(costs.iter().copied());
        score.is_finite().then_some(score)
    }

    /// What amounts of successive periods are worth in the first: Horner's rule, from the last one back.
    fn present(&self, amounts: impl DoubleEndedIterator<Item = f64>) -> f64 {
        amounts.rev().fold(0.0, |later, amount| amount + self.factor * later)
    }
}

#[cfg(test)]
mod tests {
    use super::NetValue;

    #[test]
    fn amounts_are_discounted_from_the_second_period_on() {
        let net = NetValue::new(0.25, 2.0, vec![]);
        // 10 + 5 / 1.25 + 5 / 1.5625 - 2 * 3.
        assert!((net.score(&[10.0, 5.0, 5.0], &[3.0]).unwrap() - 11.2).abs() < 1e-12);
        // Costs fall due too: 2 * 2 / 1.25.
        assert!((net.score(&[10.0], &[0.0, 2.0]).unwrap() - 6.8).abs() < 1e-12);
        let weighted = NetValue::new(0.25, 1.0, vec![0.5, 0.25]);
        assert_eq!(weighted.values(), Some(2));
        assert!((weighted.score(&[10.0, 5.0], &[1.0]).unwrap() - 5.0).abs() < 1e-12);
        assert_eq!(NetValue::new(0.0, 1.0, vec![]).score(&[1.0, 2.0], &[4.0]), Some(-1.0));
    }

    #[test]
    fn nothing_and_too_much_have_no_score() {
        let net = NetValue::new(0.0, 1.0, vec![]);
        assert_eq!(net.score(&[], &[1.0]), None);
        assert_eq!(net.score(&[1.0], &[]), None);
        assert_eq!(net.score(&[f64::MAX, f64::MAX], &[1.0]), None);
    }
}
