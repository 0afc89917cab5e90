//! Numbers of twice the digits of an `f64`.

use super::wide::{halves, two_sum};

/// The sum of two numbers, the second below the last digit of the first: 106 bits.
///
/// Source: Dekker (1971), "A Floating-Point Technique for Extending the Available Precision".
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Double {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

impl Double {
    pub(crate) const ZERO: Self = Self { high: 0.0, low: 0.0 };

    /// The sum of two numbers to its last digit.
    pub(crate) fn sum(a: f64, b: f64) -> Self {
        let (high, low) = two_sum(a, b);
        Self { high, low }
    }

    /// The product of two numbers to its last digit.
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ((a_head, a_tail), (b_head, b_tail)) = (halves(a), halves(b));
        Self { high, low: ((a_head * b_head - high) + a_head * b_tail + a_tail * b_head) + a_tail * b_tail }
    }

    /// The nearest number.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    pub(crate) fn is_finite(self) -> bool {
        self.high.is_finite() && self.low.is_finite()
    }
}

impl From<f64> for Double {
    fn from(x: f64) -> Self {
        Self { high: x, low: 0.0 }
    }
}

impl std::ops::Add for Double {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, carried) = two_sum(self.high, other.high);
        let (low, rest) = two_sum(self.low, other.low);
        let sum = Self::sum(high, carried + low);
        Self::sum(sum.high, sum.low + rest)
    }
}

impl std::ops::AddAssign for Double {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::Neg for Double {
    type Output = Self;

    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl std::ops::Sub for Double {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl std::ops::Mul for Double {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        Self::sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl std::ops::Div for Double {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let second = (self - other * first.into()).high / other.high;
        let quotient = Self::sum(first, second);
        let third = (self - other * quotient).high / other.high;
        quotient + third.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Double;

    #[test]
    fn digits_beyond_the_last_one_are_kept() {
        let third = Double::from(1.0) / Double::from(3.0);
        let rest = third * Double::from(3.0) - Double::from(1.0);
        assert!(rest.value().abs() < 1e-31, "{rest:?}");
        // (1e8 + 1/3)^2 - 1e16 - 2e8/3 = 1/9.
        let x = Double::from(1e8) + third;
        let left = x * x - Double::from(1e16) - Double::from(2e8) * third;
        assert!((left.value() - 1.0 / 9.0).abs() < 1e-14, "{left:?}");
        assert_eq!(Double::product(1.0 + f64::EPSILON, 1.0 - f64::EPSILON).low, -f64::EPSILON * f64::EPSILON);
        assert_eq!((x - x).value(), 0.0);
    }
}
