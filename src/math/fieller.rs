//! Fieller's confidence set of a ratio.
//!
//! Source: Fieller (1954), "Some Problems in Interval Estimation"; Franz (2007).

/// Returns the confidence set of `numerator / denominator` at critical value `critical`.
///
/// The variances and the covariance are those of the two estimates. A denominator that is not significantly
/// different from zero leaves the set unbounded; its hull `(-inf, inf)` is returned.
pub(crate) fn fieller_interval(
    (numerator, variance_numerator): (f64, f64),
    (denominator, variance_denominator): (f64, f64),
    covariance: f64,
    critical: f64,
) -> (f64, f64) {
    // The set solves a R^2 - 2 b R + d <= 0.
    let square = critical * critical;
    let a = denominator * denominator - square * variance_denominator;
    let b = numerator * denominator - square * covariance;
    let d = numerator * numerator - square * variance_numerator;
    if a <= 0.0 {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let root = (b * b - a * d).max(0.0).sqrt();
    ((b - root) / a, (b + root) / a)
}

#[cfg(test)]
mod tests {
    use super::fieller_interval;

    #[test]
    fn strong_denominator_gives_the_delta_interval() {
        let (low, high) = fieller_interval((2.0, 0.01), (4.0, 1e-12), 0.0, 1.96);
        assert!((low - (0.5 - 1.96 * 0.1 / 4.0)).abs() < 1e-9);
        assert!((high - (0.5 + 1.96 * 0.1 / 4.0)).abs() < 1e-9);
    }

    #[test]
    fn weak_denominator_is_unbounded() {
        let set = fieller_interval((2.0, 0.01), (0.1, 0.01), 0.0, 1.96);
        assert_eq!(set, (f64::NEG_INFINITY, f64::INFINITY));
    }
}
