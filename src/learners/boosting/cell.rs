//! Sums of gradients as integers.
//!
//! A cell holds a sum of gradients above a sum of weights in one 64-bit word, so that adding a row to both is one
//! instruction; where the second derivative is not the weight it has a word of its own. Sums of integers are exact:
//! a histogram minus one of its parts is the histogram of the rest, whatever the order of the rows.

/// Bits that a sum of gradients may take, so that it is exact as a float as well.
pub(super) const GRADIENT_BITS: u32 = 51;

/// What one integer of each kind is worth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Units {
    /// Bits of the sum of weights, below the gradients.
    pub(super) weight_bits: u32,
    pub(super) gradient: f64,
    pub(super) weight: f64,
    pub(super) hessian: f64,
}

/// Sums over rows: of negative gradients, of second derivatives and of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) weight: f64,
}

/// A sum of gradients and weights of rows, or that of one row.
pub(super) trait Cell: Copy + Default + Send + Sync {
    /// Whether second derivatives are other than weights.
    const HAS_HESSIAN: bool;

    /// A row of these integers.
    fn new(gradient: i64, weight: i64, hessian: i64, units: &Units) -> Self;
    fn add(&mut self, other: Self);
    fn subtract(&mut self, other: Self);
    fn sums(self, units: &Units) -> Sums;
}

impl Cell for u64 {
    const HAS_HESSIAN: bool = false;

    #[inline(always)]
    fn new(gradient: i64, weight: i64, _hessian: i64, units: &Units) -> Self {
        ((gradient << units.weight_bits) + weight) as u64
    }

    #[inline(always)]
    fn add(&mut self, other: Self) {
        *self = self.wrapping_add(other);
    }

    #[inline(always)]
    fn subtract(&mut self, other: Self) {
        *self = self.wrapping_sub(other);
    }

    #[inline(always)]
    fn sums(self, units: &Units) -> Sums {
        let low = (1_u64 << units.weight_bits) - 1;
        let weight = (self & low) as i64 as f64 * units.weight;
        Sums {
            gradient: ((self as i64) >> units.weight_bits) as f64 * units.gradient,
            hessian: weight,
            weight,
        }
    }
}

impl Cell for [u64; 2] {
    const HAS_HESSIAN: bool = true;

    #[inline(always)]
    fn new(gradient: i64, weight: i64, hessian: i64, units: &Units) -> Self {
        [u64::new(gradient, weight, hessian, units), hessian as u64]
    }

    #[inline(always)]
    fn add(&mut self, other: Self) {
        *self = [self[0].wrapping_add(other[0]), self[1].wrapping_add(other[1])];
    }

    #[inline(always)]
    fn subtract(&mut self, other: Self) {
        *self = [self[0].wrapping_sub(other[0]), self[1].wrapping_sub(other[1])];
    }

    #[inline(always)]
    fn sums(self, units: &Units) -> Sums {
        Sums { hessian: self[1] as i64 as f64 * units.hessian, ..self[0].sums(units) }
    }
}

impl Sums {
    pub(super) fn minus(&self, other: &Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            weight: self.weight - other.weight,
        }
    }
}

/// The nearest integer of a float of less than 51 bits, by the bits of a sum: there is no such instruction before SSE4.
#[inline(always)]
pub(super) fn nearest(x: f64) -> i64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    (x + SHIFT).to_bits() as i64 - SHIFT.to_bits() as i64
}

/// The largest power of two by which `sum` may be multiplied to stay within so many bits; 0 unless `sum` is positive
/// and finite.
pub(super) fn scale(sum: f64, bits: u32) -> f64 {
    if !(sum > 0.0 && sum.is_finite()) {
        return 0.0;
    }
    let exponent = (f64::from(bits) - sum.log2().ceil()).clamp(-1000.0, 1000.0);
    exponent.exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_both_sums() {
        let units = Units { weight_bits: 4, gradient: 0.5, weight: 1.0, hessian: 0.25 };
        let mut sum = <[u64; 2]>::default();
        for (gradient, weight) in [(3, 1), (-9, 4), (1, 0)] {
            sum.add(Cell::new(gradient, weight, 2 * weight, &units));
        }
        assert_eq!(sum.sums(&units), Sums { gradient: -2.5, hessian: 2.5, weight: 5.0 });
        sum.subtract(Cell::new(-9, 4, 8, &units));
        assert_eq!(sum.sums(&units), Sums { gradient: 2.0, hessian: 0.5, weight: 1.0 });
    }

    #[test]
    fn scales_are_powers_of_two_within_bits() {
        assert_eq!(scale(1.0, 10), 1024.0);
        assert_eq!(scale(1.1, 10), 512.0);
        assert_eq!(scale(0.0, 10), 0.0);
        assert_eq!(scale(f64::INFINITY, 10), 0.0);
        assert_eq!([-2.4, 2.6, 0.0, -1e12].map(nearest), [-2, 3, 0, -1_000_000_000_000]);
    }
}
