//! The problem: pairs of a unit and an action, and the guardrails that a plan must keep.

/// Stands for "no offer" where a pair is asked for.
pub(crate) const NO_OFFER: u32 = u32::MAX;

/// Pairs of a unit and an action that may be chosen. The pairs of a unit stand together, in an order that follows from
/// the data alone, so that the same data give the same plan however they arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    /// Where the pairs of each unit start, and the number of pairs at the end.
    pub(crate) starts: Vec<u32>,
    /// Value and cost of each pair, finite.
    pub(crate) value: Vec<f64>,
    pub(crate) cost: Vec<f64>,
    /// Which guardrails count the pair: position in [`Problem::classes`].
    pub(crate) class: Vec<u32>,
}

impl Pairs {
    pub(crate) fn units(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The pairs of a unit.
    pub(crate) fn of(&self, unit: usize) -> std::ops::Range<usize> {
        self.starts[unit] as usize..self.starts[unit + 1] as usize
    }

    /// The pairs of some units, in the order given, without their classes.
    pub(super) fn subset(&self, units: &[u32]) -> Self {
        let mut subset = Self { starts: vec![0], ..Self::default() };
        for unit in units.iter().map(|&unit| unit as usize) {
            subset.value.extend_from_slice(&self.value[self.of(unit)]);
            subset.cost.extend_from_slice(&self.cost[self.of(unit)]);
            subset.starts.push(subset.value.len() as u32);
        }
        subset
    }
}

/// A linear guardrail: limits on a sum over the chosen pairs that it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guardrail {
    /// What a chosen pair adds.
    pub(crate) adds: Coefficients,
    /// Limits of the sum; infinite where there is none.
    pub(crate) minimum: f64,
    pub(crate) maximum: f64,
    /// What of the sum is decided already.
    pub(crate) taken: f64,
}

/// What a pair adds to a sum: `count + cost · its cost + value · its value`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Coefficients {
    pub(crate) count: f64,
    pub(crate) cost: f64,
    pub(crate) value: f64,
}

impl Coefficients {
    pub(crate) const COUNT: Self = Self { count: 1.0, cost: 0.0, value: 0.0 };
    pub(crate) const COST: Self = Self { count: 0.0, cost: 1.0, value: 0.0 };
    pub(crate) const VALUE: Self = Self { count: 0.0, cost: 0.0, value: 1.0 };

    /// What a pair of this value and cost adds.
    #[inline]
    pub(crate) fn of(self, value: f64, cost: f64) -> f64 {
        self.count + self.cost * cost + self.value * value
    }

    /// The size of its terms, which is what rounding is a share of.
    pub(crate) fn size(self, value: f64, cost: f64) -> f64 {
        self.count.abs() + (self.cost * cost).abs() + (self.value * value).abs()
    }

    /// The coefficients `self + factor · other`.
    pub(super) fn plus(self, factor: f64, other: Self) -> Self {
        Self {
            count: self.count + factor * other.count,
            cost: self.cost + factor * other.cost,
            value: self.value + factor * other.value,
        }
    }
}

/// An allocation problem: maximise the sum of `value - floor · cost` over the chosen pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    pub(crate) pairs: Pairs,
    pub(crate) guardrails: Vec<Guardrail>,
    /// The guardrails that count the pairs of each class, ascending.
    pub(crate) classes: Vec<Vec<u32>>,
    /// Least value per cost at which money is spent, 0 for any.
    pub(crate) floor: f64,
}
