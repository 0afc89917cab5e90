//! Intervals from ranges that are known beforehand: they hold in samples of any size, or nearly so.
//!
//! Sources: Hoeffding (1963); Maurer and Pontil (2009), "Empirical Bernstein Bounds"; Clopper and Pearson (1934);
//! Karampatziakis, Langford and Mineiro (2020), "Empirical Likelihood for Contextual Bandits".

use super::statistic::{OneArm, Sums};
use crate::math::{beta_quantile, t_quantile};

/// What is known of rewards and weights before the data are seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Least and greatest reward.
    pub(crate) reward: Option<[f64; 2]>,
    /// Greatest weight, infinite when it is not known.
    pub(crate) weight: f64,
}

impl Bounds {
    /// The range of `w r` with weights of at most `weight`.
    pub(super) fn of_weighted(&self, weight: f64) -> Option<[f64; 2]> {
        let [low, high] = self.reward?;
        finite([(weight * low).min(0.0), (weight * high).max(0.0)])
    }

    /// The range of `q + w (r - q')` with weights of at most `weight` and predictions in the range of the reward.
    pub(super) fn of_corrected(&self, weight: f64) -> Option<[f64; 2]> {
        let [low, high] = self.reward?;
        let reach = weight * (high - low);
        finite([low - reach, high + reach])
    }

    /// The range of the difference of two scores.
    pub(super) fn of_difference(one: Option<[f64; 2]>, other: Option<[f64; 2]>) -> Option<[f64; 2]> {
        let ([low, high], [other_low, other_high]) = (one?, other?);
        Some([low - other_high, high - other_low])
    }
}

fn finite(range: [f64; 2]) -> Option<[f64; 2]> {
    range.iter().all(|end| end.is_finite()).then_some(range)
}

/// How far the empirical Bernstein interval reaches: of `n` scores in a range of `width` with variance `variance`.
pub(super) fn empirical_bernstein(variance: f64, n: f64, width: f64, alpha: f64) -> f64 {
    let log = (4.0 / alpha).ln();
    (2.0 * variance * log / n).sqrt() + 7.0 * width * log / (3.0 * (n - 1.0))
}

/// How far Hoeffding's interval reaches.
pub(super) fn hoeffding(n: f64, width: f64, alpha: f64) -> f64 {
    width * ((2.0 / alpha).ln() / (2.0 * n)).sqrt()
}

/// Sums of weights and weighted rewards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightedRewards {
    n: f64,
    w: f64,
    ww: f64,
    wr: f64,
    wwr: f64,
    wwrr: f64,
}

impl WeightedRewards {
    /// From the moments of `w, w r`.
    pub(super) fn of(sums: &OneArm<2, 3>) -> Self {
        let moments = sums.arm(0);
        let (n, [w, wr]) = (sums.count(), *moments.mean());
        Self {
            n,
            w: n * w,
            ww: moments.sum_of_squares(0),
            wr: n * wr,
            wwr: moments.comoment(0, 1) + n * w * wr,
            wwrr: moments.sum_of_squares(1),
        }
    }

    /// Clopper and Pearson's interval, for a share of `n / weight` trials that succeed. Rewards lie in `[low, high]`.
    pub(super) fn clopper_pearson(&self, [low, high]: [f64; 2], weight: f64, alpha: f64) -> (f64, f64) {
        let trials = self.n / weight;
        let successes = ((self.wr - low * self.w) / (high - low) / weight).clamp(0.0, trials);
        let failures = trials - successes;
        let below = beta_quantile(alpha / 2.0, successes, failures + 1.0).unwrap_or(0.0);
        let above = beta_quantile(1.0 - alpha / 2.0, successes + 1.0, failures).unwrap_or(1.0);
        (low + (high - low) * below, low + (high - low) * above)
    }

    /// The dual of reweighting the rows as little as their weights' mean of one asks for, in Cressie and Read's
    /// divergence. Rewards lie in `[low, high]`, weights in `[0, weight]`.
    pub(super) fn cressie_read(&self, [low, high]: [f64; 2], weight: f64, alpha: f64) -> Option<(f64, f64)> {
        let &Self { n, w, ww, .. } = self;
        // A row that nobody saw, at the end of the weights' range that the mean is short of, by more than rounding.
        let unseen = if n - w > n * 1e-12 { weight } else { 0.0 };
        let spread = if unseen.is_infinite() {
            1.0 + 1.0 / n
        } else {
            let (a, b) = ((unseen + w) / (n + 1.0), (unseen * unseen + ww) / (n + 1.0));
            (n + 1.0) * (a - 1.0).powi(2) / (b - a * a)
        };
        // The quantile of F with 1 and n degrees of freedom is that of t, squared.
        let critical = t_quantile(1.0 - alpha / 2.0, n)?.powi(2);
        let slack = -(spread + critical) / (2.0 * (n + 1.0));
        let bound = |sign: f64, extreme: f64| {
            let candidates =
                [0.0, weight].into_iter().filter_map(|f| self.candidate(f, sign, extreme, slack));
            let least = candidates.reduce(f64::min);
            least.map_or(extreme, |bound| sign * bound).clamp(low, high)
        };
        Some((bound(1.0, low), bound(-1.0, high)))
    }

    /// The bound when the unseen row has weight `f` and the reward `extreme`; upper bounds are lower ones of the
    /// negative.
    fn candidate(&self, f: f64, sign: f64, extreme: f64, slack: f64) -> Option<f64> {
        let &Self { n, w, ww, wr, wwr, wwrr } = self;
        let (x, y, z) = if f.is_infinite() {
            let gap = extreme * w - wr;
            (
                sign * (extreme - gap / n),
                gap * gap / (n * (n + 1.0))
                    - (extreme * extreme * ww - 2.0 * extreme * wwr + wwrr) / (n + 1.0),
                slack + 1.0 / (2.0 * n),
            )
        } else {
            let mean = |sum: f64| sum / (n + 1.0);
            let a = mean(f + w);
            let b = sign * mean(f * extreme + wr);
            let cross = sign * mean(f * f * extreme + wwr) - a * b;
            let square = mean(f * f * extreme * extreme + wwrr) - b * b;
            let d = mean(f * f + ww) - a * a;
            if d <= 0.0 {
                return None;
            }
            (b + (1.0 - a) * cross / d, cross * cross / d - square, slack + (1.0 - a).powi(2) / (2.0 * d))
        };
        (z <= 0.0 && y * z >= 0.0).then(|| x - (2.0 * y * z).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(got: (f64, f64), expected: (f64, f64)) {
        assert!(
            (got.0 - expected.0).abs() < 1e-6 && (got.1 - expected.1).abs() < 1e-6,
            "{got:?} {expected:?}"
        );
    }

    /// The log of definitions D: each of two actions half of the time, of which the first earns 1 and is wanted in 80 %.
    fn vowpal_wabbit(n: usize) -> WeightedRewards {
        let mut sums = OneArm::<2, 3>::default();
        for i in 0..n {
            let (weight, reward) = if i % 2 == 0 { (1.6, 1.0) } else { (0.4, 0.0) };
            sums.push(0, &[weight, weight * reward]);
        }
        WeightedRewards::of(&sums)
    }

    #[test]
    fn intervals_of_vowpal_wabbit() {
        for (n, clopper_pearson, cressie_read) in [
            (1000, (0.766_454, 0.830_681), (0.757_315, 0.810_671)),
            (100, (0.679_597, 0.890_529), (0.663_883, 0.834_029)),
        ] {
            let sums = vowpal_wabbit(n);
            assert_near(sums.clopper_pearson([0.0, 1.0], 1.6, 0.05), clopper_pearson);
            assert_near(sums.cressie_read([0.0, 1.0], f64::INFINITY, 0.05).unwrap(), cressie_read);
        }
    }

    /// Definitions 21: 30 ones among 100.
    #[test]
    fn thirty_in_a_hundred() {
        let variance = 0.3 * 0.7 * 100.0 / 99.0;
        let reach = empirical_bernstein(variance, 100.0, 1.0, 0.05);
        assert_near((0.3 - reach, 0.3 + reach), (0.060_373, 0.539_627));
        assert!((hoeffding(100.0, 1.0, 0.05) - 0.135_810).abs() < 1e-6);
    }
}
