//! Tail probabilities and quantiles, from the survival function so that far tails keep their digits.

use libm::erfc;
use statrs::distribution::{Beta, Binomial, ChiSquared, ContinuousCDF, Discrete, Normal, StudentsT};

/// Above this many degrees of freedom the t quantile is expanded around the normal one: the incomplete beta
/// function loses digits there, and the expansion is exact to rounding.
const EXPANDED_DF: f64 = 10_000.0;

/// Returns the standard normal quantile of `p` in (0, 1).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let x = Normal::standard().inverse_cdf(p);
    // A Newton step on the nearer tail takes the library's quantile to full precision.
    let tail = 0.5 * erfc(x.abs() / std::f64::consts::SQRT_2);
    let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let step = (if x < 0.0 { p - tail } else { tail - (1.0 - p) }) / density;
    if step.is_finite() { x + step } else { x }
}

/// Returns `P(|Z| >= |z|)`.
pub(crate) fn normal_two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Returns the quantile of `p` in (0.5, 1) of Student's t; `None` unless `df` is positive.
pub(crate) fn t_quantile(p: f64, df: f64) -> Option<f64> {
    if df > EXPANDED_DF {
        return Some(t_quantile_expanded(normal_quantile(p), df));
    }
    let t = StudentsT::new(0.0, 1.0, df).ok()?;
    let mut x = t.inverse_cdf(p);
    // Newton steps on the survival function take the library's quantile to full precision.
    for _ in 0..2 {
        let density = statrs::distribution::Continuous::pdf(&t, x);
        let step = (t.sf(x) - (1.0 - p)) / density;
        if step.is_finite() {
            x += step;
        }
    }
    Some(x)
}

/// The expansion of the t quantile in 1 / df. Source: Abramowitz and Stegun (1964), 26.7.5.
fn t_quantile_expanded(z: f64, df: f64) -> f64 {
    let s = z * z;
    let g1 = (s + 1.0) * z / 4.0;
    let g2 = ((5.0 * s + 16.0) * s + 3.0) * z / 96.0;
    let g3 = (((3.0 * s + 19.0) * s + 17.0) * s - 15.0) * z / 384.0;
    z + (g1 + (g2 + g3 / df) / df) / df
}

/// Returns `P(|T| >= |t|)`; `None` unless `df` is positive.
pub(crate) fn t_two_sided(t: f64, df: f64) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, df).ok()?;
    Some((2.0 * distribution.sf(t.abs())).min(1.0))
}

/// Returns the quantile of `p` of a beta distribution; `None` unless both shapes are positive.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> Option<f64> {
    let beta = Beta::new(a, b).ok()?;
    let mut x = beta.inverse_cdf(p);
    // Newton steps take the library's quantile to full precision.
    for _ in 0..3 {
        let step = (beta.cdf(x) - p) / statrs::distribution::Continuous::pdf(&beta, x);
        if step.is_finite() && (0.0..=1.0).contains(&(x - step)) {
            x -= step;
        }
    }
    Some(x)
}

/// Returns `P(X >= x)` of a chi-square; `None` unless `df` is positive.
pub(crate) fn chi_square_sf(x: f64, df: f64) -> Option<f64> {
    Some(ChiSquared::new(df).ok()?.sf(x))
}

/// Returns `P(K >= x)` of Kolmogorov's distribution: `2 sum (-1)^(k - 1) exp(-2 k^2 x^2)`.
pub(crate) fn kolmogorov_sf(x: f64) -> f64 {
    // Near zero the sum converges slowly, and the distribution function is below the smallest number.
    if x < 0.04 {
        return 1.0;
    }
    let term = |k: i32| {
        let k = f64::from(k);
        (-2.0 * k * k * x * x).exp()
    };
    let terms = (1..).map(|k| (k, term(k))).take_while(|&(_, term)| term > 0.0);
    let sum: f64 = terms.map(|(k, term)| if k % 2 == 1 { term } else { -term }).sum();
    // A sum of nothing is -0.
    (2.0 * sum).clamp(0.0, 1.0).abs()
}

/// Returns the exact two-sided binomial p-value: the probability of all outcomes no likelier than the observed.
pub(crate) fn binomial_two_sided(successes: u64, trials: u64, probability: f64) -> Option<f64> {
    /// Outcomes whose probabilities differ by less than this are equally likely.
    const TIE: f64 = 1.0 + 1e-7;
    let distribution = Binomial::new(probability, trials).ok()?;
    let observed = distribution.pmf(successes);
    let p = (0..=trials).map(|k| distribution.pmf(k)).filter(|&pmf| pmf <= observed * TIE).sum::<f64>();
    Some(p.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_relative(got: f64, want: f64, tolerance: f64) {
        assert!((got / want - 1.0).abs() < tolerance, "{got} {want}");
    }

    // Values of scipy 1.17: t.ppf, t.sf, chi2.sf, binomtest.
    #[test]
    fn agrees_with_scipy() {
        assert_relative(normal_quantile(0.975), 1.959963984540054, 1e-13);
        assert_relative(t_quantile(0.975, 1.0).unwrap(), 12.706204736174694, 1e-12);
        assert_relative(t_quantile(0.9995, 2.5).unwrap(), 18.277893528131457, 1e-12);
        assert_relative(t_quantile(0.975, 307.132494).unwrap(), 1.9677179287396422, 1e-12);
        assert_relative(t_quantile(0.975, 20_000.0).unwrap(), 1.9600826051581348, 1e-12);
        assert_relative(t_two_sided(-14.0, 41_792.9).unwrap(), 1.9645719272490044e-44, 1e-9);
        assert_relative(normal_two_sided(8.5), 1.89590696444065e-17, 1e-9);
        assert_relative(chi_square_sf(0.20253125, 2.0).unwrap(), 0.9036929575604196, 1e-12);
        assert_relative(kolmogorov_sf(0.5), 0.9639452436648751, 1e-12);
        assert_relative(kolmogorov_sf(1.36), 0.049485876755377876, 1e-12);
        assert_relative(kolmogorov_sf(5.0), 3.857499695927835e-22, 1e-12);
        assert_eq!([kolmogorov_sf(0.0), kolmogorov_sf(0.039)], [1.0, 1.0]);
        assert_relative(beta_quantile(0.025, 3.0, 7.5).unwrap(), 0.07056332891416528, 1e-11);
        assert_relative(binomial_two_sided(3, 20, 0.5).unwrap(), 0.0025768280029296875, 1e-9);
    }

    #[test]
    fn expansion_meets_the_library() {
        for p in [0.9, 0.975, 0.9995] {
            let exact = t_quantile(p, EXPANDED_DF).unwrap();
            assert_relative(t_quantile_expanded(normal_quantile(p), EXPANDED_DF), exact, 1e-11);
        }
    }
}
