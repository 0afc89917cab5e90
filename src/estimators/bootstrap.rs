//! Bootstrap intervals: what the estimate would be if clusters were drawn anew.
//!
//! Every replicate counts each cluster as often as a Poisson draw of mean one says, made from a hash of the seed and the
//! cluster's key: the same for any order and partitioning of the rows. All rows of a cluster are drawn together, so that
//! the sums of the clusters hold all that replicates need. Interval: quantiles of the replicates' estimates.
//! Sources: Efron (1979); Chamandy, Muralidharan, Najmi and Naidu (2012), "Estimating Uncertainty for Massive Data Streams".

use super::statistic::{Statistic, Sums};
use crate::math::{mixed, poisson_of_mean_one, quantile};

/// What is drawn, and how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resampling {
    pub(crate) seed: u64,
    pub(crate) replicates: usize,
}

impl Resampling {
    /// How often each replicate draws the cluster of a key.
    fn draw(&self, key: u128, draws: &mut [f64]) {
        let start = mixed(self.seed ^ mixed(key as u64 ^ mixed((key >> 64) as u64)));
        for (pair, draws) in draws.chunks_mut(2).enumerate() {
            let bits = mixed(start.wrapping_add(pair as u64));
            for (half, draw) in draws.iter_mut().enumerate() {
                let uniform = (bits >> (32 * half)) as u32;
                *draw = f64::from(poisson_of_mean_one(uniform));
            }
        }
    }

    /// The interval of an estimate from the sums of its clusters; `None` unless nine in ten replicates have an estimate: the
    /// others were drawn without support, and those that are left would speak for samples with it alone.
    pub(super) fn interval<'a, S: Statistic>(
        &self,
        statistic: &S,
        clusters: impl Iterator<Item = (u128, &'a <S::Sums as Sums>::Totals)>,
        origin: f64,
        alpha: f64,
    ) -> Option<(f64, f64)>
    where
        <S::Sums as Sums>::Totals: 'a,
    {
        let mut draws = vec![0.0; self.replicates];
        let mut replicates = vec![vec![0.0; self.replicates]; S::Sums::TOTAL_FLOATS];
        for (key, totals) in clusters {
            self.draw(key, &mut draws);
            let mut sums = replicates.iter_mut();
            S::Sums::write_totals(totals, &mut |total| {
                let sums = sums.next().expect("there is a sum for every total");
                sums.iter_mut().zip(&draws).for_each(|(sum, draw)| *sum += draw * total);
            });
        }
        let estimate = |replicate: usize| {
            let mut totals = replicates.iter().map(|sums| sums[replicate]);
            let totals = S::Sums::read_totals(&mut || totals.next().unwrap_or(f64::NAN));
            let solution = statistic.solve(&S::Sums::of_totals(&totals), origin)?;
            Some(solution.linear::<S::Sums>().value).filter(|value| value.is_finite())
        };
        let mut estimates: Vec<f64> = (0..self.replicates).filter_map(estimate).collect();
        if estimates.len() < 2 || 10 * estimates.len() < 9 * self.replicates {
            return None;
        }
        estimates.sort_unstable_by(f64::total_cmp);
        Some((quantile(&estimates, alpha / 2.0), quantile(&estimates, 1.0 - alpha / 2.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::SelfNormalizedIps;
    use crate::estimators::laws::{column_rows, infer_plain, infer_resampled};

    /// A replicate is the estimate of the rows, each as often as its cluster is drawn.
    #[test]
    fn replicates_are_estimates_of_drawn_rows() {
        let rows: Vec<[f64; 3]> = (0..60)
            .map(|i| [1e6 + f64::from(i * i % 7), 0.1 + f64::from(i % 5) / 10.0, f64::from(i % 3) / 2.0])
            .collect();
        let table = column_rows(&rows);
        let statistic = SelfNormalizedIps { clip: 3.0 };
        let resampling = Resampling { seed: 11, replicates: 101 };
        let mut estimates: Vec<f64> = (0..resampling.replicates)
            .map(|replicate| {
                let drawn = table.drawn(|key| {
                    let mut draws = vec![0.0; resampling.replicates];
                    resampling.draw(key, &mut draws);
                    draws[replicate] as usize
                });
                infer_plain(&statistic, &drawn).estimate.unwrap()
            })
            .collect();
        estimates.sort_unstable_by(f64::total_cmp);
        let got = infer_resampled(&statistic, &table, resampling);
        for (end, share) in [(got.ci_low, 0.025), (got.ci_high, 0.975)] {
            assert!((end.unwrap() - quantile(&estimates, share)).abs() < 1e-8, "{got:?}");
        }
        assert_eq!(got.p_value, None);
    }

    /// Mean and variance one, and no dependence of neighbours, within five errors.
    #[test]
    fn draws_are_poisson_and_independent() {
        let resampling = Resampling { seed: 7, replicates: 400 };
        let (mut sum, mut squares, mut products, mut n) = (0.0, 0.0, 0.0, 0.0_f64);
        let mut last = vec![1.0; 400];
        for key in 0..2500_u128 {
            let mut draws = vec![0.0; 400];
            resampling.draw(key, &mut draws);
            for (pair, before) in draws.windows(2).zip(&last) {
                sum += pair[0] - 1.0;
                squares += (pair[0] - 1.0).powi(2) - 1.0;
                products += (pair[0] - 1.0) * (pair[1] - 1.0) + (pair[0] - 1.0) * (before - 1.0);
                n += 1.0;
            }
            last = draws;
        }
        // The fourth central moment of the law is 4.
        for (sum, variance) in [(sum, 1.0), (squares, 3.0), (products, 2.0)] {
            assert!((sum / n).abs() < 5.0 * (variance / n).sqrt(), "{}", sum / n);
        }
    }
}
