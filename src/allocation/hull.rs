//! The steps along which one price moves a unit: its choices that are best at some price of a cap.
//!
//! As the price falls from infinity, a unit goes from its choice of least use to ever larger ones, each of which is worth
//! less per use than the one before: the vertices of the upper convex hull of its choices, (use, worth) each.
//! Source: Sinha and Zoltners (1979), "The Multiple-Choice Knapsack Problem"; Andrew (1979) for the hull.

use super::problem::NO_OFFER;

/// A choice: what it uses of the cap and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) pair: u32,
    pub(super) uses: f64,
    pub(super) worth: f64,
}

impl Choice {
    pub(super) const NONE: Self = Self { pair: NO_OFFER, uses: 0.0, worth: 0.0 };

    /// What the step from here to another choice is worth per use.
    fn ratio(&self, to: &Self) -> f64 {
        (to.worth - self.worth) / (to.uses - self.uses)
    }
}

/// A step of a unit to a pair, from what the step before led to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// What it is worth per use: the price below which it is taken.
    pub(super) ratio: f64,
    pub(super) unit: u32,
    pub(super) pair: u32,
}

/// Keeps the vertices of the upper hull of some choices, those of less use first.
///
/// The first is the choice of the least use, of several the one of the most worth.
pub(super) fn keep_upper_hull(choices: &mut Vec<Choice>) {
    // No offer first where a pair is no better.
    let place = |choice: &Choice| choice.pair.wrapping_add(1);
    choices.sort_unstable_by(|a, b| {
        a.uses.total_cmp(&b.uses).then(b.worth.total_cmp(&a.worth)).then(place(a).cmp(&place(b)))
    });
    let mut kept = 0;
    for i in 0..choices.len() {
        let next = choices[i];
        if kept > 0 && next.worth <= choices[kept - 1].worth {
            continue;
        }
        while kept > 1 && choices[kept - 2].ratio(&choices[kept - 1]) <= choices[kept - 1].ratio(&next) {
            kept -= 1;
        }
        choices[kept] = next;
        kept += 1;
    }
    choices.truncate(kept);
}

/// Adds the steps of a unit between the vertices of its hull.
pub(super) fn add_steps(steps: &mut Vec<Step>, unit: u32, hull: &[Choice]) {
    let step = |two: &[Choice]| Step { ratio: two[0].ratio(&two[1]), unit, pair: two[1].pair };
    steps.extend(hull.windows(2).map(step));
}

/// Puts steps in the order in which a falling price takes them; ties in the order of the pairs.
pub(super) fn sort_steps(steps: &mut [Step]) {
    steps.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then(a.pair.cmp(&b.pair)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Draws;

    fn hull(choices: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let choice = |(pair, &(uses, worth)): (u32, &(f64, f64))| Choice { pair, uses, worth };
        let mut kept: Vec<Choice> = (0..).zip(choices).map(choice).chain([Choice::NONE]).collect();
        keep_upper_hull(&mut kept);
        kept.iter().map(|choice| (choice.uses, choice.worth)).collect()
    }

    #[test]
    fn dominated_and_hollow_choices_are_left_out() {
        // (2, 1) is worth less than the line from (1, 3) to (3, 5); (4, 5) is no better than (3, 5).
        assert_eq!(
            hull(&[(3.0, 5.0), (2.0, 3.5), (4.0, 5.0), (1.0, 3.0)]),
            [(0.0, 0.0), (1.0, 3.0), (3.0, 5.0)]
        );
        // Points on a line are one step.
        assert_eq!(hull(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]), [(0.0, 0.0), (3.0, 3.0)]);
        // What saves is where the unit starts; what is free beats no offer.
        assert_eq!(hull(&[(-1.0, 1.0), (2.0, 4.0)]), [(-1.0, 1.0), (2.0, 4.0)]);
        assert_eq!(hull(&[(0.0, 2.0), (0.0, 1.0)]), [(0.0, 2.0)]);
        assert_eq!(hull(&[(1.0, -1.0)]), [(0.0, 0.0)]);
    }

    #[test]
    fn the_best_choice_at_every_price_is_where_the_steps_lead() {
        let mut draws = Draws::new(21);
        for _ in 0..500 {
            let choices: Vec<(f64, f64)> =
                (0..8).map(|_| (9.0 * draws.uniform() - 1.0, 9.0 * draws.uniform() - 1.0)).collect();
            let vertices = hull(&choices);
            let ratios: Vec<f64> =
                vertices.windows(2).map(|v| (v[1].1 - v[0].1) / (v[1].0 - v[0].0)).collect();
            assert!(ratios.windows(2).all(|r| r[0] > r[1]) && ratios.iter().all(|&r| r > 0.0), "{ratios:?}");
            for price in (0..60).map(|i| 0.1 * f64::from(i)) {
                let left = |(uses, worth): (f64, f64)| worth - price * uses;
                let best = choices.iter().copied().chain([(0.0, 0.0)]).map(left).fold(f64::MIN, f64::max);
                let taken = ratios.iter().filter(|&&ratio| ratio > price).count();
                assert!((left(vertices[taken]) - best).abs() < 1e-12, "{price}: {choices:?}");
            }
        }
    }
}
