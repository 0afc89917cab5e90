//! The pacer: the largest liability that may be assigned now so that spend in the period stays within its cap.
//!
//! New liability `L`, of which a share `s` is redeemed in the period, comes to the old spend `S`; both are off by a bias `b`.
//! `m(L) = b (S + s L)`, `v(L) = (S + s L)^2 se(b)^2 + b^2 (se(S)^2 + L^2 se(s)^2)`: the largest `L` with
//! `m(L) + z sqrt(v(L)) <= cap`. For `z >= 0` the left side is convex, so from a value below the cap it crosses it once,
//! at the first positive root of `A L^2 + B L + C = (cap - m)^2 - z^2 v`.

/// What old liabilities will cost in the period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OldLiability {
    pub(crate) spend: f64,
    pub(crate) std_error: f64,
}

/// Which share of new liability is redeemed in the period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewLiability {
    pub(crate) share: f64,
    pub(crate) std_error: f64,
}

/// Returns the largest new liability, 0 when the old ones break the cap alone; `None` when any fits, since nothing of it
/// is redeemed in the period. `bias` is the factor with its error, `z` a normal quantile that is not negative.
pub(crate) fn largest_liability(
    cap: f64,
    old: OldLiability,
    new: NewLiability,
    bias: (f64, f64),
    z: f64,
) -> Option<f64> {
    // In units about as large as the greatest amount, whose squares are numbers whatever the currency; powers of two
    // divide without a rounding.
    let (_, exponent) = libm::frexp(cap.abs().max(old.spend.abs()).max(old.std_error));
    let unit = libm::ldexp(1.0, exponent - 1);
    let (cap, old) = (cap / unit, OldLiability { spend: old.spend / unit, std_error: old.std_error / unit });
    let (b, z_bias) = (bias.0, z * bias.1);
    let (room, slope) = (cap - b * old.spend, b * new.share);
    // Errors of the spend at L = 0, and of its growth with L.
    let error = (z_bias * old.spend).hypot(z * b * old.std_error);
    let growth = (z_bias * new.share).hypot(z * b * new.std_error);
    if room < error {
        return Some(0.0);
    }
    if slope + growth == 0.0 {
        return None;
    }
    if room == error {
        return Some(0.0);
    }
    let a = (slope - growth) * (slope + growth);
    let half_b = -(room * slope + z_bias * z_bias * old.spend * new.share);
    let c = (room - error) * (room + error);
    let root = (half_b * half_b - a * c).max(0.0).sqrt();
    // Of the two forms of a root, the one without a difference of like numbers.
    let liability = if half_b <= 0.0 { c / (root - half_b) } else { (-half_b - root) / a };
    Some(liability * unit).filter(|liability| liability.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Draws, normal_quantile};

    /// Upper end of the spend with new liability.
    fn upper(old: OldLiability, new: NewLiability, (b, error): (f64, f64), z: f64, liability: f64) -> f64 {
        let spend = old.spend + new.share * liability;
        let variance =
            (spend * error).powi(2) + b * b * (old.std_error.powi(2) + (liability * new.std_error).powi(2));
        b * spend + z * variance.sqrt()
    }

    #[test]
    fn is_where_bisection_meets_the_cap() {
        let mut draws = Draws::new(25);
        let mut positive = 0;
        for round in 0..2000 {
            let scale = 10_f64.powi(round % 9);
            let mut draw = |low: f64, high: f64| low + (high - low) * draws.uniform();
            let cap = scale * draw(0.5, 2.0);
            let old = OldLiability { spend: scale * draw(-0.5, 1.2), std_error: scale * draw(0.0, 0.3) };
            let new = NewLiability { share: draw(0.0, 1.0), std_error: draw(0.0, 0.2) };
            // Errors of the bias above 1 / z turn the sign of the square term.
            let (bias, z) = ((draw(0.3, 2.0), draw(0.0, 1.5)), normal_quantile(draw(0.5, 0.99)));
            let got = largest_liability(cap, old, new, bias, z).unwrap();
            let upper = |liability| upper(old, new, bias, z, liability);
            if upper(0.0) > cap {
                assert_eq!(got, 0.0);
                continue;
            }
            let (mut low, mut high) = (0.0, scale);
            while upper(high) <= cap {
                high *= 2.0;
            }
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                if upper(middle) <= cap { low = middle } else { high = middle }
            }
            assert!((got - low).abs() <= 1e-9 * (low + scale), "{got} {low}");
            positive += 1;
        }
        assert!(positive > 1000, "{positive}");
    }

    #[test]
    fn ends() {
        let budget = |spend, share, share_error, bias, z| {
            let (old, new) =
                (OldLiability { spend, std_error: 10.0 }, NewLiability { share, std_error: share_error });
            largest_liability(100.0, old, new, bias, z)
        };
        // At the median errors do not matter: (100 / 2 - 30) / 0.5.
        assert_eq!(budget(30.0, 0.5, 0.1, (2.0, 0.5), 0.0), Some(40.0));
        // Old liabilities fill the cap, or break it.
        assert_eq!(budget(90.0, 0.5, 0.0, (1.0, 0.0), 1.0), Some(0.0));
        assert_eq!(budget(100.0, 0.5, 0.0, (1.0, 0.0), 0.0), Some(0.0));
        assert_eq!(budget(95.0, 0.5, 0.0, (1.0, 0.0), 1.0), Some(0.0));
        // Nothing of new liability comes in the period, or perhaps something; nothing at all comes.
        assert_eq!(budget(30.0, 0.0, 0.0, (1.0, 0.1), 1.0), None);
        assert_eq!(budget(95.0, 0.0, 0.0, (1.0, 0.0), 1.0), Some(0.0));
        assert_eq!(budget(30.0, 0.5, 0.0, (0.0, 0.0), 1.0), None);
        let loose = budget(30.0, 0.0, 0.1, (1.0, 0.0), 1.0).unwrap();
        assert!((loose - (70_f64.powi(2) - 100.0).sqrt() / 0.1).abs() < 1e-9, "{loose}");
    }
}
