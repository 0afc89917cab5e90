//! Fieller's confidence set of a ratio.
//!
//! Source: Fieller (1954), "Some Problems in Interval Estimation"; Franz (2007).

/// Returns how far the confidence set of `R = U / V` reaches below and above the estimate, at critical value `critical`.
///
/// `residual` is `U - R V` at the estimate, whose value is zero: its variance and its covariance with `V` are asked
/// for instead of those of `U`, which would cancel when the errors are small beside the estimates. A denominator that is
/// not significantly different from zero leaves the set unbounded; its hull `(-inf, inf)` is returned.
pub(crate) fn fieller_reach(
    (denominator, variance_denominator): (f64, f64),
    variance_residual: f64,
    covariance: f64,
    critical: f64,
) -> (f64, f64) {
    // With D the residual and x = R' - R: (D - x V)^2 <= t^2 var(D - x V), so a x^2 + 2 t^2 c x - t^2 v_D <= 0.
    let square = critical * critical;
    let a = denominator * denominator - square * variance_denominator;
    if a <= 0.0 {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let b = square * covariance;
    let root = (b * b + a * square * variance_residual).sqrt();
    ((-b - root) / a, (-b + root) / a)
}

#[cfg(test)]
mod tests {
    use super::fieller_reach;

    #[test]
    fn strong_denominator_gives_the_delta_interval() {
        let (low, high) = fieller_reach((4.0, 1e-12), 0.01, 0.0, 1.96);
        assert!((low + 1.96 * 0.1 / 4.0).abs() < 1e-9);
        assert!((high - 1.96 * 0.1 / 4.0).abs() < 1e-9);
    }

    #[test]
    fn weak_denominator_is_unbounded() {
        let set = fieller_reach((0.1, 0.01), 0.01, 0.0, 1.96);
        assert_eq!(set, (f64::NEG_INFINITY, f64::INFINITY));
    }

    /// The textbook form, `a R^2 - 2 b R + d <= 0` in the moments of U and V.
    #[test]
    fn equals_the_textbook_form() {
        let (u, v, vu, vv, c, t) = (2.0, 3.0, 0.2, 0.3, 0.1, 1.96_f64);
        let (a, b, d) = (v * v - t * t * vv, u * v - t * t * c, u * u - t * t * vu);
        let root = f64::sqrt(b * b - a * d);
        let ratio: f64 = u / v;
        let residual = vu - 2.0 * ratio * c + ratio * ratio * vv;
        let (low, high) = fieller_reach((v, vv), residual, c - ratio * vv, t);
        assert!(
            (ratio + low - (b - root) / a).abs() < 1e-12 && (ratio + high - (b + root) / a).abs() < 1e-12
        );
    }
}
