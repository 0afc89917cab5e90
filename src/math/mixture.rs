//! Uniform boundaries by mixtures: curves that a sum of deviations crosses at any time with probability alpha at most.
//!
//! Let `S_t` be a sum of deviations and `V_t` its intrinsic time, such that `exp(λ S_t - ψ(λ) V_t)` is a supermartingale
//! for all `λ` in `[0, 1 / c)`: with `ψ(λ) = λ² / 2` for sub-Gaussian deviations, where `c = 0`, and with
//! `ψ(λ) = (-ln(1 - c λ) - c λ) / c²` for sub-exponential ones of scale `c`. A mixture `M(S_t, V_t)` over `λ` is one too,
//! so by Ville's inequality `M` ever reaches `1 / α` with probability `α` at most: the boundary at `v` is the `s` with
//! `ln M(s, v) = -ln(α)`.
//! Source: Howard, Ramdas, McAuliffe and Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences".

use libm::{erfc, lgamma};
use statrs::function::gamma::checked_gamma_lr;

/// From this shape on the gamma distribution function is expanded around the normal one.
const EXPANDED_SHAPE: f64 = 1000.0;

/// A boundary that both `S` and `-S` stay below, of sub-Gaussian deviations: by a mixture over all `λ`, which is normal.
///
/// `ln M(s, v) = ln(ρ / (v + ρ)) / 2 + s² / (2 (v + ρ))`, with `ρ` such that the boundary is narrowest near `v_opt`.
pub(crate) fn two_sided_normal_boundary(v: f64, v_opt: f64, alpha: f64) -> Option<f64> {
    let rho = best_rho(v_opt, alpha)?;
    Some(((v + rho) * ((v / rho).ln_1p() - 2.0 * alpha.ln())).sqrt())
}

/// A boundary that `S` stays below; `None` unless `v_opt` is positive and `alpha` below 0.5.
///
/// The mixture is half of a normal one where `c = 0`, else a gamma distribution cut off at `1 / c`.
pub(crate) fn one_sided_boundary(v: f64, v_opt: f64, alpha: f64, c: f64) -> Option<f64> {
    let rho = best_rho(v_opt, 2.0 * alpha)?;
    if c > 0.0 { gamma_boundary(v, rho, alpha, c) } else { Some(half_normal_boundary(v, rho, alpha)) }
}

/// `v_opt / (l + ln(1 + l))` with `l = -2 ln(α)`: within a few percent of the `ρ` that is best at `v_opt`.
fn best_rho(v_opt: f64, alpha: f64) -> Option<f64> {
    let l = -2.0 * alpha.ln();
    Some(v_opt / (l + l.ln_1p())).filter(|rho| *rho > 0.0)
}

/// `ln M = ln(4 ρ / (v + ρ)) / 2 + z² / 2 + ln Φ(z)` with `z = s / sqrt(v + ρ)`.
fn half_normal_boundary(v: f64, rho: f64, alpha: f64) -> f64 {
    let wanted = 0.5 * (v / rho).ln_1p() - alpha.ln() - 2.0_f64.ln();
    // Φ is at least a half.
    let above = (2.0 * (wanted + 2.0_f64.ln())).sqrt();
    let z = descend(above, |z| {
        let (cdf, density) = normal(z);
        (0.5 * z * z + cdf.ln() - wanted, z + density / cdf)
    });
    z * (v + rho).sqrt()
}

/// `ln M = ln(q / m) / 2 + b(m) - b(q) - ln P(q, q) + m (d - ln(1 + d)) + ln P(m, m (1 + d))`, where `q = ρ / c²`,
/// `m = (v + ρ) / c²` and `d = c s / (v + ρ)`, `b` is the rest of Stirling's formula and `P` the gamma distribution
/// function: the form that does not cancel where `m` is large.
fn gamma_boundary(v: f64, rho: f64, alpha: f64, c: f64) -> Option<f64> {
    let (q, m) = ((rho.sqrt() / c).powi(2), ((v + rho).sqrt() / c).powi(2));
    if !m.is_finite() {
        // The limit of a small c.
        return Some(half_normal_boundary(v, rho, alpha));
    }
    let (start, _) = gamma(q, 0.0)?;
    let wanted = 0.5 * (v / rho).ln_1p() - stirling_rest(m) + stirling_rest(q) + start.ln() - alpha.ln();
    // P is at least a half where d is not negative, and d - ln(1 + d) at least d² / (2 (1 + d)).
    let share = (wanted + 2.0_f64.ln()) / m;
    let above = share + (share * (share + 2.0)).sqrt();
    let mut is_defined = true;
    let d = descend(above, |d| {
        let Some((cdf, density)) = gamma(m, d) else {
            is_defined = false;
            return (0.0, 1.0);
        };
        (m * excess(d) + cdf.ln() - wanted, m * (d / (1.0 + d) + density / cdf))
    });
    is_defined.then_some(d * (v + rho) / c)
}

/// Newton's method from above on a function that rises and is convex, as the logarithm of a mixture is: it only descends.
fn descend(above: f64, mut value_and_slope: impl FnMut(f64) -> (f64, f64)) -> f64 {
    let mut x = above;
    for _ in 0..100 {
        let (value, slope) = value_and_slope(x);
        let step = value / slope;
        x -= step;
        if step.abs() <= 1e-15 * x.abs() || !step.is_finite() {
            break;
        }
    }
    x
}

/// The normal distribution function and density.
fn normal(z: f64) -> (f64, f64) {
    (0.5 * erfc(-z / std::f64::consts::SQRT_2), (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt())
}

/// `d - ln(1 + d)` for `d` that is not negative.
fn excess(d: f64) -> f64 {
    if d > 0.1 {
        return d - d.ln_1p();
    }
    // The difference cancels: d² / 2 - d³ / 3 + …
    let series = (2..=16).rev().fold(0.0, |sum, k| 1.0 / f64::from(k) - d * sum);
    d * d * series
}

/// `P(m, m (1 + d))` of the gamma distribution with shape `m`, and the density of `d`, over `m`.
fn gamma(m: f64, d: f64) -> Option<(f64, f64)> {
    // The density at y = m (1 + d), y^(m - 1) exp(-y) / Γ(m).
    let kernel = (-m * excess(d) - stirling_rest(m)).exp() / (std::f64::consts::TAU * m).sqrt();
    let density = kernel / (1.0 + d);
    if m < EXPANDED_SHAPE {
        return Some((checked_gamma_lr(m, m * (1.0 + d)).ok()?, density));
    }
    // Temme's expansion: the tail is that of a normal at sqrt(m) η with η² / 2 = d - ln(1 + d), less
    // exp(-m η² / 2) / sqrt(2 π m) times a series in 1 / m, whose coefficients are series in η.
    let eta = (2.0 * excess(d)).sqrt();
    let tail = 0.5 * erfc(eta * (0.5 * m).sqrt());
    let correction = (-m * 0.5 * eta * eta).exp() / (std::f64::consts::TAU * m).sqrt();
    let terms = TEMME.iter().rev().fold(0.0, |sum, coefficients| {
        sum / m + coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * eta + coefficient)
    });
    // The series is for small η; beyond, the tail is below rounding.
    let tail = if m * eta * eta > 100.0 { 0.0 } else { tail + correction * terms };
    Some((1.0 - tail, density))
}

/// Coefficients of powers of `η`, for each power of `1 / m`: the first row expands `1 / d - 1 / η`, and each other follows
/// from the one before it. Source: Temme (1979), "The asymptotic expansion of the incomplete gamma functions".
const TEMME: [&[f64]; 3] = [
    &[
        -1.0 / 3.0,
        1.0 / 12.0,
        -2.0 / 135.0,
        1.0 / 864.0,
        1.0 / 2835.0,
        -139.0 / 777_600.0,
        1.0 / 25_515.0,
        -571.0 / 261_273_600.0,
        -281.0 / 151_559_100.0,
        163_879.0 / 197_522_841_600.0,
    ],
    &[-1.0 / 540.0, -1.0 / 288.0, 1.0 / 378.0, -77.0 / 77_760.0, 1.0 / 4860.0],
    &[25.0 / 6048.0, -139.0 / 51_840.0],
];

/// `ln Γ(x) - (x - 1/2) ln(x) + x - ln(2 π) / 2`, which is about `1 / (12 x)`.
fn stirling_rest(x: f64) -> f64 {
    if x < 10.0 {
        return lgamma(x) - (x - 0.5) * x.ln() + x - 0.5 * std::f64::consts::TAU.ln();
    }
    let squared = 1.0 / (x * x);
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0];
    series.iter().rev().fold(0.0, |sum, coefficient| sum * squared + coefficient) / x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(got: Option<f64>, want: f64) {
        let got = got.unwrap();
        assert!((got / want - 1.0).abs() < 1e-12, "{got} {want}");
    }

    // Roots of the logarithm of the mixture in mpmath 1.4.1, with 40 digits.
    #[test]
    fn agrees_with_mpmath() {
        assert_near(two_sided_normal_boundary(0.0, 100.0, 0.05), 8.688_832_739_838_338);
        assert_near(two_sided_normal_boundary(1000.0, 20.0, 0.001), 143.379_404_146_402_9);
        for (v, v_opt, alpha, c, boundary) in [
            (0.0, 100.0, 0.05, 0.0, 8.559_380_908_579_381),
            (1000.0, 20.0, 0.001, 0.0, 138.122_284_142_787_2),
            (50.0, 100.0, 0.3, 0.0, 14.048_841_511_635_41),
            (0.0, 100.0, 0.05, 1.0, 10.324_792_269_746_67),
            (0.5, 3.0, 0.0125, 1.0, 6.443_172_163_964_02),
            (2000.0, 400.0, 0.025, 1.0, 144.854_649_345_128),
            (50.0, 100.0, 0.05, 0.1, 20.169_419_615_679_97),
            (10.0, 5.0, 0.01, 20.0, 153.861_550_724_337_2),
            (1e5, 500.0, 1e-6, 1.0, 1_884.415_656_191_268),
        ] {
            assert_near(one_sided_boundary(v, v_opt, alpha, c), boundary);
        }
    }

    // A scale that vanishes is that of sub-Gaussian deviations.
    #[test]
    fn small_scales_meet_the_normal_mixture() {
        let normal = one_sided_boundary(50.0, 100.0, 0.05, 0.0).unwrap();
        for c in [1e-5, 1e-7, 1e-100] {
            let gap = one_sided_boundary(50.0, 100.0, 0.05, c).unwrap() / normal - 1.0;
            assert!(gap.abs() < 2.0 * c + 1e-13, "{c} {gap}");
        }
    }

    #[test]
    fn expansion_meets_the_library() {
        for d in [0.0, 0.001, 0.05, 0.2, 0.5] {
            let (expanded, _) = gamma(EXPANDED_SHAPE, d).unwrap();
            let library = checked_gamma_lr(EXPANDED_SHAPE, EXPANDED_SHAPE * (1.0 + d)).unwrap();
            assert!((expanded - library).abs() < 1e-12, "{d} {expanded} {library}");
        }
    }

    #[test]
    fn undefined() {
        assert_eq!(two_sided_normal_boundary(1.0, 0.0, 0.05), None);
        assert_eq!(one_sided_boundary(1.0, -1.0, 0.05, 0.0), None);
        assert_eq!(
            [one_sided_boundary(1.0, 1.0, 0.5, 0.0), one_sided_boundary(1.0, 1.0, 0.7, 1.0)],
            [None; 2]
        );
    }
}
