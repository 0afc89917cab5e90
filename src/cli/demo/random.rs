//! Random numbers by address: the same seed, purpose and key always give the same numbers.
//!
//! Nothing depends on the order in which addresses are visited, so any part of the campaign can be
//! drawn alone. The generator is PCG64-MCG (O'Neill, 2014), seeded with the xxh3 hash of the address.

use rand_pcg::{
    Pcg64Mcg,
    rand_core::{Rng, SeedableRng},
};
use twox_hash::XxHash3_64;

/// What the numbers are for. Two purposes never share a stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Household,
    User,
    Assignment,
    Response,
}

/// The stream of numbers at one address.
#[derive(Debug)]
pub(super) struct Draws(Pcg64Mcg);

impl Draws {
    pub(super) fn new(seed: u64, purpose: Purpose, key: i64) -> Self {
        let mut address = [0; 16];
        address[..8].copy_from_slice(&(purpose as u64).to_le_bytes());
        address[8..].copy_from_slice(&key.to_le_bytes());
        Self(Pcg64Mcg::seed_from_u64(XxHash3_64::oneshot_with_seed(seed, &address)))
    }

    /// Draws uniformly from [0, 1), with 53 random bits.
    pub(super) fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * STEP
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Draws a whole number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + (self.uniform() * f64::from(high - low + 1)) as i32
    }

    /// Draws an index with the given probabilities, which sum to 1.
    pub(super) fn index(&mut self, probabilities: &[f64]) -> usize {
        let mut left = self.uniform();
        for (index, probability) in probabilities.iter().enumerate() {
            left -= probability;
            if left < 0.0 {
                return index;
            }
        }
        probabilities.len() - 1
    }

    /// Draws from the standard normal distribution (Box and Muller, 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Draws a log-normal number whose mean is 1 and whose logarithm has the deviation `spread`.
    pub(super) fn noise_around_one(&mut self, spread: f64) -> f64 {
        (spread * self.normal() - spread * spread / 2.0).exp()
    }

    /// Draws a Poisson count (Knuth, 1969); meant for means of at most a few dozen.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let mut count = 0;
        let mut product = self.uniform();
        while product > limit {
            count += 1;
            product *= self.uniform();
        }
        count
    }

    /// Draws an exponential delay of scale `scale`, given that it ends before `limit`.
    pub(super) fn delay(&mut self, scale: f64, limit: f64) -> f64 {
        let within = 1.0 - (-limit / scale).exp();
        -scale * (1.0 - self.uniform() * within).ln()
    }
}
