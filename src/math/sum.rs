//! Sums that do not lose digits.

/// A sum with the rounding errors of its additions kept beside it.
///
/// Source: Neumaier (1974), "Rounding Error Analysis of Some Methods for Summing Finite Sums".
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    #[inline]
    pub(crate) fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    #[inline]
    pub(crate) fn value(&self) -> f64 {
        let value = self.sum + self.lost;
        // Beyond the largest number nothing is known of what was lost.
        if value.is_nan() { self.sum } else { value }
    }

    /// Adds what another sum has.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.add(other.sum);
        self.lost += other.lost;
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn small_numbers_survive_large_ones() {
        let mut sum = Sum::default();
        [1.0, 1e100, 1.0, -1e100].into_iter().for_each(|x| sum.add(x));
        assert_eq!(sum.value(), 2.0);
        let mut twice = sum;
        twice.merge(&sum);
        assert_eq!(twice.value(), 4.0);
    }

    #[test]
    fn too_large_a_sum_is_infinite() {
        let mut sum = Sum::default();
        [1e308; 3].into_iter().for_each(|x| sum.add(x));
        assert_eq!(sum.value(), f64::INFINITY);
    }
}
