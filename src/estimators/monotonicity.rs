//! Whether effects rise in the order that was predicted.
//!
//! Hypothesis: the true effects `v_1 <= v_2 <= ...`. Statistic: `sum (v_b - iso_b)^2 / se_b^2`, `iso` being the nearest
//! series that never falls (pooled adjacent violators with weights `1 / se^2`). Its law is drawn where the hypothesis is
//! hardest to tell from its opposite: all effects equal, the estimates normal with their errors.
//! Sources: Barlow, Bartholomew, Bremner and Brunk (1972); Robertson, Wright and Dykstra (1988).

use super::ranking::kendall_tau;
use crate::math::Draws;

/// Draws of the law of the statistic.
const DRAWS: usize = 10_000;

/// A point of a series: what was predicted, what was found, and its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) predicted: f64,
    pub(crate) actual: f64,
    /// Positive.
    pub(crate) std_error: f64,
}

/// How a series departs from its order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Monotonicity {
    /// Points that are below the one before.
    pub(crate) violations: u64,
    /// How far, at most.
    pub(crate) largest_violation: Option<f64>,
    /// Kendall's tau-b of predicted and actual, `None` with fewer than two different values of either.
    pub(crate) kendall_tau: Option<f64>,
    /// Of the hypothesis that effects never fall; `None` with fewer than two points.
    pub(crate) p_value: Option<f64>,
    /// Points used, and left out for want of an effect or an error.
    pub(crate) n: u64,
    pub(crate) n_skipped: u64,
}

/// Tests a series in its order.
pub(crate) fn monotonicity(points: &[Point], n_skipped: usize, seed: u64) -> Monotonicity {
    let falls = points.windows(2).map(|pair| pair[0].actual - pair[1].actual);
    let mut pairs: Vec<_> = points.iter().map(|point| [point.predicted, point.actual + 0.0]).collect();
    Monotonicity {
        violations: falls.clone().filter(|&fall| fall > 0.0).count() as u64,
        largest_violation: falls.reduce(f64::max).map(|fall| fall.max(0.0)),
        kendall_tau: kendall_tau(&mut pairs),
        p_value: p_value(points, seed),
        n: points.len() as u64,
        n_skipped: n_skipped as u64,
    }
}

/// The share of series without effects that depart at least as far, the one at hand being one of them.
fn p_value(points: &[Point], seed: u64) -> Option<f64> {
    if points.len() < 2 {
        return None;
    }
    // In units of the least error, so that neither weights nor squares leave the range of numbers.
    let least = points.iter().map(|point| point.std_error).fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = points.iter().map(|point| (least / point.std_error).powi(2)).collect();
    let mut pools = Vec::with_capacity(points.len());
    let mut series: Vec<f64> = points.iter().map(|point| point.actual / least).collect();
    let statistic = distance(&series, &weights, &mut pools);
    if statistic.is_nan() {
        return None;
    }
    if statistic == 0.0 {
        return Some(1.0);
    }
    let mut draws = Draws::new(seed);
    let further = (0..DRAWS).filter(|_| {
        for (value, point) in series.iter_mut().zip(points) {
            *value = point.std_error / least * draws.normal();
        }
        distance(&series, &weights, &mut pools) >= statistic
    });
    Some((further.count() + 1) as f64 / (DRAWS + 1) as f64)
}

/// The weighted square distance of a series from the nearest one that never falls. `pools` is scratch space.
fn distance(series: &[f64], weights: &[f64], pools: &mut Vec<(f64, f64)>) -> f64 {
    pools.clear();
    let mut distance = 0.0;
    for (&value, &weight) in series.iter().zip(weights) {
        let mut pool = (value, weight);
        while let Some(&(mean, sum)) = pools.last()
            && mean > pool.0
        {
            pools.pop();
            // Joining two pools moves their points apart from their means by just this.
            distance += sum * pool.1 / (sum + pool.1) * (mean - pool.0).powi(2);
            pool = ((mean * sum + pool.0 * pool.1) / (sum + pool.1), sum + pool.1);
        }
        pools.push(pool);
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(predicted: f64, actual: f64, std_error: f64) -> Point {
        Point { predicted, actual, std_error }
    }

    #[test]
    fn distances_by_hand() {
        let mut pools = vec![];
        assert_eq!(distance(&[1.0, 2.0, 2.0, 5.0], &[1.0; 4], &mut pools), 0.0);
        // 3, 1 become 2, 2.
        assert!((distance(&[0.0, 3.0, 1.0, 5.0], &[1.0; 4], &mut pools) - 2.0).abs() < 1e-12);
        // 4, 3, 1 with weights 1, 2, 1 become 11/4 each: 1.5625 + 2 * 0.0625 + 3.0625.
        assert!((distance(&[4.0, 3.0, 1.0], &[1.0, 2.0, 1.0], &mut pools) - 4.75).abs() < 1e-12);
    }

    /// With two equal errors the statistic is half a chi-square of one degree beside a half at zero.
    #[test]
    fn two_points_have_the_chi_bar_law() {
        let got =
            monotonicity(&[point(1.0, 1.0, 1.0), point(2.0, 1.0 - 2_f64.sqrt() * 1.644_854, 1.0)], 0, 7);
        let p_value = got.p_value.unwrap();
        assert!((p_value - 0.05).abs() < 5.0 * (0.05_f64 * 0.95 / DRAWS as f64).sqrt(), "{p_value}");
        assert_eq!((got.violations, got.kendall_tau), (1, Some(-1.0)));
    }

    #[test]
    fn the_test_keeps_its_size() {
        let mut draws = Draws::new(3);
        const SERIES: usize = 200;
        let rejected = (0..SERIES).filter(|&seed| {
            let points: Vec<_> = (0..10).map(|i| point(f64::from(i), 0.5 * draws.normal(), 0.5)).collect();
            p_value(&points, seed as u64).is_some_and(|p| p < 0.05)
        });
        let share = rejected.count() as f64 / SERIES as f64;
        assert!(share < 0.05 + 3.0 * (0.05_f64 * 0.95 / SERIES as f64).sqrt(), "{share}");
    }

    #[test]
    fn rising_effects_are_not_refuted() {
        let points: Vec<_> = (0..5).map(|i| point(f64::from(i), f64::from(i), 1.0)).collect();
        let got = monotonicity(&points, 2, 7);
        assert_eq!((got.violations, got.largest_violation, got.p_value), (0, Some(0.0), Some(1.0)));
        assert_eq!((got.n, got.n_skipped), (5, 2));
        assert_eq!(monotonicity(&points[..1], 0, 7).p_value, None);
    }
}
