//! Exploration: how likely each action should be, and which one a unit gets.
//!
//! Probabilities, over `K` actions of value `v` and cost `c` (our choice): `u = v / max|v| - c / max|c|` with `0 / 0 = 0`, and
//! `p = floor + (1 - K floor) softmax(u / temperature)`: every action keeps `floor`, and the rest goes by value and cost.
//! Assignment: one uniform number of each unit, made from a hash of seed and unit, is placed among the cumulative
//! probabilities. Partitions, order and time change nothing, and whoever knows the seed can draw again.

use crate::math::{Draws, mixed};

/// How far probabilities may sum from 1.
pub(crate) const TOLERANCE: f64 = 1e-9;

/// Keeps draws apart from those that other methods make from the same seed and unit.
const PURPOSE: u64 = 0x6578_706c_6f72_6174;

/// How probabilities follow values and costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exploration {
    pub(crate) floor: f64,
    pub(crate) temperature: f64,
}

impl Exploration {
    /// Whether `actions` floors are at most 1, up to the rounding of floors such as 1 / 49.
    pub(crate) fn has_room_for(&self, actions: usize) -> bool {
        actions as f64 * self.floor <= 1.0 + 1e-12
    }

    /// Appends the probability of each action. `values` and `costs` are finite and as many; there is room for them.
    pub(crate) fn push_probabilities(&self, values: &[f64], costs: &[f64], probabilities: &mut Vec<f64>) {
        let (most_value, most_cost) = (largest(values), largest(costs));
        let start = probabilities.len();
        let utility = |(&v, &c): (&f64, &f64)| share(v, most_value) - share(c, most_cost);
        probabilities.extend(values.iter().zip(costs).map(utility));
        let shares = &mut probabilities[start..];
        // From the best one down, so that no power overflows and one of them is 1.
        let best = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Not the platform's `exp`: its last digits differ between machines.
        shares.iter_mut().for_each(|share| *share = libm::exp((*share - best) / self.temperature));
        let sum: f64 = shares.iter().sum();
        let rest = (1.0 - shares.len() as f64 * self.floor).max(0.0);
        shares.iter_mut().for_each(|share| *share = self.floor + rest * (*share / sum));
    }
}

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most, x| x.abs().max(most))
}

fn share(x: f64, most: f64) -> f64 {
    if most > 0.0 { x / most } else { 0.0 }
}

/// The number in [0, 1) of the unit with a key: uniform over units, and another for each seed.
pub(crate) fn unit_draw(seed: u64, key: u128) -> f64 {
    let unit = mixed(key as u64 ^ mixed((key >> 64) as u64));
    Draws::new(mixed(mixed(seed ^ PURPOSE) ^ unit)).uniform()
}

/// The position of the action whose share of [0, 1) holds `draw`; `None` when no probability is positive.
///
/// The last action takes what rounding leaves below 1, unless its probability is zero.
pub(crate) fn chosen(probabilities: &[f64], draw: f64) -> Option<usize> {
    let mut reached = 0.0;
    for (action, probability) in probabilities.iter().enumerate() {
        reached += probability;
        if draw < reached {
            return Some(action);
        }
    }
    probabilities.iter().rposition(|&probability| probability > 0.0)
}

#[cfg(test)]
mod tests {
    use super::{Exploration, chosen, unit_draw};
    use crate::math::{Draws, chi_square_sf, mixed};

    fn probabilities(floor: f64, temperature: f64, values: &[f64], costs: &[f64]) -> Vec<f64> {
        let mut probabilities = vec![];
        Exploration { floor, temperature }.push_probabilities(values, costs, &mut probabilities);
        probabilities
    }

    #[test]
    fn probabilities_are_the_floor_and_a_softmax() {
        // u = 0, 1 - 0.5, 0.5 - 1; softmax 1, e^0.5, e^-0.5 over their sum.
        let expected = [0.0_f64, 0.5, -0.5].map(f64::exp);
        let sum: f64 = expected.iter().sum();
        let got = probabilities(0.1, 1.0, &[0.0, 4.0, 2.0], &[0.0, 1.0, 2.0]);
        for (got, power) in got.iter().zip(expected) {
            assert!((got - (0.1 + 0.7 * power / sum)).abs() < 1e-15);
        }
    }

    #[test]
    fn probabilities_sum_to_one_and_keep_the_floor() {
        let mut draws = Draws::new(3);
        for actions in 1..60 {
            for temperature in [1e-300, 1e-3, 0.1, 1.0, 1e9] {
                for floor in [0.0, 0.5 / f64::from(actions), 1.0 / f64::from(actions)] {
                    let scale = 10_f64.powf(600.0 * draws.uniform() - 300.0);
                    let numbers = |draws: &mut Draws| -> Vec<f64> {
                        (0..actions).map(|_| scale * draws.normal()).collect()
                    };
                    let (values, costs) = (numbers(&mut draws), numbers(&mut draws));
                    assert!(Exploration { floor, temperature }.has_room_for(actions as usize));
                    let got = probabilities(floor, temperature, &values, &costs);
                    let sum: f64 = got.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-14, "{sum} of {actions}");
                    assert!(got.iter().all(|&p| p >= floor && p <= 1.0 + 1e-14), "{floor} {got:?}");
                }
            }
        }
        assert!(!Exploration { floor: 0.02, temperature: 1.0 }.has_room_for(51));
    }

    #[test]
    fn nothing_to_tell_actions_apart_makes_them_alike() {
        assert_eq!(probabilities(0.02, 1.0, &[0.0; 4], &[0.0; 4]), vec![0.25; 4]);
        assert_eq!(probabilities(0.02, 1.0, &[1e8; 4], &[-3.0; 4]), vec![0.25; 4]);
        assert_eq!(probabilities(0.0, 1e-300, &[1.0, 2.0], &[0.0; 2]), vec![0.0, 1.0]);
    }

    #[test]
    fn a_draw_is_placed_among_cumulative_probabilities() {
        let p = [0.25, 0.0, 0.75];
        assert_eq!([0.0, 0.249, 0.25, 0.999].map(|draw| chosen(&p, draw).unwrap()), [0, 0, 2, 2]);
        // Never an action of probability zero, also where rounding leaves the sum below the draw.
        assert_eq!(chosen(&[0.0, 1.0], 0.0), Some(1));
        assert_eq!(chosen(&[0.3, 0.7 - 1e-10, 0.0], 1.0 - 1e-12), Some(1));
        assert_eq!(chosen(&[0.0], 0.5), None);
        assert_eq!(chosen(&[], 0.5), None);
    }

    /// The p-value of counts that are all as likely.
    fn p_value(counts: &[usize]) -> f64 {
        let total: usize = counts.iter().sum();
        let expected = total as f64 / counts.len() as f64;
        let chi2: f64 = counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
        chi_square_sf(chi2, (counts.len() - 1) as f64).unwrap()
    }

    #[test]
    fn draws_are_uniform_over_units_and_independent_between_seeds() {
        const UNITS: u64 = 200_000;
        let mut cells = vec![0; 100];
        let mut pairs = vec![0; 100];
        let mut with_resampling = vec![0; 100];
        for unit in 0..UNITS {
            // Keys as near each other as keys can be.
            let key = u128::from(unit);
            let cell = |draw: f64, cells: f64| (draw * cells) as usize;
            let (a, b) = (unit_draw(0, key), unit_draw(1, key));
            cells[cell(a, 100.0)] += 1;
            pairs[10 * cell(a, 10.0) + cell(b, 10.0)] += 1;
            // What a bootstrap draws from the same seed and unit.
            let other = Draws::new(mixed(mixed(unit ^ mixed(0)))).uniform();
            with_resampling[10 * cell(a, 10.0) + cell(other, 10.0)] += 1;
        }
        for counts in [&cells, &pairs, &with_resampling] {
            assert!(p_value(counts) > 1e-3, "{}", p_value(counts));
        }
        assert_eq!(unit_draw(7, 9), unit_draw(7, 9));
    }
}
