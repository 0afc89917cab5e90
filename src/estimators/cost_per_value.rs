//! What an additional unit of value costs: the effect of a treatment on cost over its effect on value.
//!
//! Estimand: `E[C(1) - C(0)] / E[V(1) - V(0)]`. Estimator: the ratio of the differences of the arms' means, plain or
//! Hájek-weighted. The interval is Fieller's at every strength of the effect on value, the standard error the delta
//! method's; the p-value inverts the interval: it is the test of no effect on cost.
//! Holds when: treatment was randomised with one probability, or the propensity is that of the assignment.
//! Sources: Fieller (1954); Deng, Knoblich and Lu (2018).

use super::inference::Interval;
use super::ipw::{Estimand, weighted_mean};
use super::statistic::{Linear, OneArm, Outcome, Solution, Statistic, TwoArms};

/// Ratio of plain effects. Columns: value, cost, treated.
#[derive(Clone, Debug)]
pub(crate) struct CostPerValue;

impl Statistic for CostPerValue {
    type Row = [f64; 3];
    /// Value and cost.
    type Sums = TwoArms<2, 3>;

    const INTERVAL: Interval = Interval::Fieller;
    const TESTED: bool = true;

    fn arm(&self, &[_, _, treated]: &[f64; 3]) -> usize {
        usize::from(treated == 1.0)
    }

    fn terms(&self, &[value, cost, _]: &[f64; 3]) -> [f64; 2] {
        [value, cost]
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 2]>> {
        let [value, cost] = sums.effects()?;
        (value != 0.0).then_some(Solution::Ratio {
            numerator: Linear { value: cost, gradient: [[0.0, -1.0], [0.0, 1.0]] },
            denominator: Linear { value, gradient: [[-1.0, 0.0], [1.0, 0.0]] },
            offset: 0.0,
        })
    }
}

/// Difference of two means, as a share of them, that is only their rounding.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// Ratio of Hájek-weighted effects. Columns: value, cost, treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct WeightedCostPerValue;

impl Statistic for WeightedCostPerValue {
    type Row = [f64; 4];
    /// `a, a V, a C, b, b V, b C` with the weights `a` of the treated and `b` of the controls.
    type Sums = OneArm<6, 21>;

    const INTERVAL: Interval = Interval::Fieller;
    const TESTED: bool = true;
    const APART: usize = 3;

    #[inline]
    fn terms(&self, &[value, cost, treated, propensity]: &[f64; 4]) -> [f64; 6] {
        let [a, b] = Estimand::Ate.arm_weights(treated, propensity);
        [a, a * value, a * cost, b, b * value, b * cost]
    }

    /// The value: its effect divides, and must be zero where the value is constant.
    fn outcome(&self) -> Option<Outcome> {
        Some(Outcome { argument: 0, weighted: &[(1, 0), (4, 3)] })
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 6]; 1]>> {
        let [a, av, ac, b, bv, bc] = sums.means()?;
        if a == 0.0 || b == 0.0 {
            return None;
        }
        let value = [weighted_mean(a, av), weighted_mean(b, bv)];
        let cost = [weighted_mean(a, ac), weighted_mean(b, bc)];
        let effect = |[treated, control]: [Linear<[f64; 2]>; 2]| treated.value - control.value;
        let [by_value, by_cost] =
            [value, cost].map(|[treated, control]| [treated.gradient, control.gradient]);
        let [[ga, gav], [gb, gbv]] = by_value;
        let [[ha, hac], [hb, hbc]] = by_cost;
        // Means that differ by their rounding alone do not differ: sums that met in another order would give a ratio.
        let size = value.iter().map(|arm| arm.value.abs()).fold(0.0, f64::max);
        (effect(value).abs() > ROUNDING * size).then_some(Solution::Ratio {
            numerator: Linear { value: effect(cost), gradient: [[ha, 0.0, hac, -hb, 0.0, -hbc]] },
            denominator: Linear { value: effect(value), gradient: [[ga, gav, 0.0, -gb, -gbv, 0.0]] },
            offset: 0.0,
        })
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0) + sums.kish(3)
    }
}
