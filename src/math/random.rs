//! Numbers that look random and are the same each time.
//!
//! Source: Steele, Lea and Flood (2014), "Fast Splittable Pseudorandom Number Generators" (SplitMix64).

/// A step of the generator's counter.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Whether a number can be a seed: whole, not negative, and small enough that no other whole number rounds to it.
pub(crate) fn is_seed(x: f64) -> bool {
    (0.0..=9_007_199_254_740_991.0).contains(&x) & (x.fract() == 0.0)
}

/// [`is_seed`] in words, after "must be".
pub(crate) const SEEDS: &str = "a whole number from 0 to 2^53 - 1";

/// Mixes the bits of a number so that those of neighbours have nothing in common.
pub(crate) fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(STEP);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `P(X <= k)` of a Poisson variable of mean one, as shares of 2^32, for `k` from 0.
const THRESHOLDS: [u32; 12] = [
    1_580_030_169,
    3_160_060_337,
    3_950_075_422,
    4_213_413_783,
    4_279_248_374,
    4_292_415_292,
    4_294_609_778,
    4_294_923_276,
    4_294_962_463,
    4_294_966_817,
    4_294_967_253,
    4_294_967_292,
];

/// The Poisson variable of mean one that 32 uniform random bits are.
#[inline]
pub(crate) fn poisson_of_mean_one(uniform: u32) -> u32 {
    THRESHOLDS.iter().map(|&share| u32::from(uniform >= share)).sum()
}

/// Draws of a seeded generator.
#[derive(Clone, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws from [0, 1), with 53 random bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = mixed(self.0);
        self.0 = self.0.wrapping_add(STEP);
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws from the standard normal distribution. Source: Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::{Draws, THRESHOLDS};

    #[test]
    fn thresholds_are_those_of_poisson() {
        let (mut term, mut sum) = ((-1.0_f64).exp(), 0.0);
        for (k, &share) in THRESHOLDS.iter().enumerate() {
            sum += term;
            term /= (k + 1) as f64;
            assert!((f64::from(share) - sum * 2_f64.powi(32)).abs() <= 0.5 + 1e-6, "{k}: {share}");
        }
    }

    #[test]
    fn draws_have_the_moments_of_their_laws() {
        let mut draws = Draws::new(7);
        const N: usize = 200_000;
        let mean = |mut f: Box<dyn FnMut() -> f64 + '_>| (0..N).map(|_| f()).sum::<f64>() / N as f64;
        let uniform = mean(Box::new(|| draws.uniform()));
        assert!((uniform - 0.5).abs() < 5.0 * (1.0 / 12.0 / N as f64).sqrt(), "{uniform}");
        let square = mean(Box::new(|| draws.normal().powi(2)));
        assert!((square - 1.0).abs() < 5.0 * (2.0 / N as f64).sqrt(), "{square}");
    }
}
