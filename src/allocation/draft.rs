//! A plan in the making: a pair or no offer for each unit, and what it uses of every limit.

use std::collections::BTreeSet;

use super::dual::Priced;
use super::model::Model;
use super::problem::{Coefficients, NO_OFFER};
use crate::math::Sum;

/// A plan in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    pub(super) model: &'a Model<'a>,
    pub(super) chosen: Vec<u32>,
    /// Units moved since the draft began.
    pub(super) moved: BTreeSet<u32>,
    used: Vec<Sum>,
    objective: Sum,
    /// Unit in which the excess over each limit is counted: what a pair typically adds.
    scales: Vec<f64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(model: &'a Model<'a>, chosen: Vec<u32>) -> Self {
        let mut draft = Self {
            model,
            moved: BTreeSet::new(),
            used: vec![Sum::default(); model.limits.len()],
            objective: Sum::default(),
            scales: model.typical_additions(),
            chosen,
        };
        let Self { chosen, used, objective, .. } = &mut draft;
        for &pair in chosen.iter().filter(|&&pair| pair != NO_OFFER) {
            model.additions(pair, |limit, by| used[limit].add(by));
            objective.add(model.worth(pair));
        }
        draft
    }

    pub(super) fn objective(&self) -> f64 {
        self.objective.value()
    }

    pub(super) fn used(&self, limit: usize) -> f64 {
        self.used[limit].value()
    }

    /// Whether every limit is kept.
    pub(super) fn is_feasible(&self) -> bool {
        self.model.limits.iter().zip(&self.used).all(|(limit, used)| limit.excess(used.value()) == 0.0)
    }

    /// Sum of the excesses over the limits, in what pairs typically add.
    pub(super) fn excess(&self) -> f64 {
        let limits = self.model.limits.iter().zip(&self.used).zip(&self.scales);
        limits.map(|((limit, used), scale)| limit.excess(used.value()) / scale).sum()
    }

    /// By how much that sum grows when a unit goes from its pair to another.
    pub(super) fn excess_change(&self, unit: usize, to: u32) -> f64 {
        let mut change = 0.0;
        self.model.changes(self.chosen[unit], to, |limit, by| {
            let (of, used) = (&self.model.limits[limit], self.used[limit].value());
            change += (of.excess(used + by) - of.excess(used)) / self.scales[limit];
        });
        change
    }

    /// Whether the limits that a move touches are kept after it.
    pub(super) fn fits(&self, unit: usize, to: u32) -> bool {
        let mut fits = true;
        self.model.changes(self.chosen[unit], to, |limit, by| {
            fits &= self.model.limits[limit].excess(self.used[limit].value() + by) == 0.0;
        });
        fits
    }

    /// By how much the objective grows when a unit goes from its pair to another.
    pub(super) fn gain(&self, unit: usize, to: u32) -> f64 {
        self.model.worth(to) - self.model.worth(self.chosen[unit])
    }

    /// The most that a pair of a unit is worth.
    pub(super) fn most_worth(&self, unit: usize) -> f64 {
        self.model
            .pairs
            .of(unit)
            .map(|pair| self.model.worth(pair as u32).abs())
            .filter(|w| w.is_finite())
            .fold(0.0, f64::max)
    }

    /// The limits that some choice of a unit counts in.
    pub(super) fn limits_of_choices(&self, unit: usize) -> Vec<u32> {
        let pairs = self.model.pairs.of(unit);
        let mut limits: Vec<u32> =
            pairs.flat_map(|pair| self.model.limits_of(pair as u32)).copied().collect();
        limits.sort_unstable();
        limits.dedup();
        limits
    }

    /// Whether some choice of a unit counts in a limit.
    pub(super) fn counts_in(&self, unit: usize, limit: u32) -> bool {
        self.model.pairs.of(unit).any(|pair| self.model.limits_of(pair as u32).contains(&limit))
    }

    /// How much worse a unit's pair is than its best at some prices.
    pub(super) fn loss(&self, prices: &[Coefficients], unit: usize) -> f64 {
        (self.model.best(prices, unit).1 - self.model.reduced(prices, self.chosen[unit])).max(0.0)
    }

    /// The sum of the losses of all units.
    pub(super) fn losses(&self, priced: &Priced) -> f64 {
        let limits = self.model.limits.iter().zip(&self.used).zip(&priced.multipliers);
        let unused: f64 = limits
            .filter(|(_, price)| **price != 0.0)
            .map(|((limit, used), price)| price * (limit.bound - used.value()))
            .sum();
        (priced.dual - self.objective() - unused).max(0.0)
    }

    /// Moves a unit from its pair to another.
    pub(super) fn set(&mut self, unit: usize, to: u32) {
        let from = std::mem::replace(&mut self.chosen[unit], to);
        self.moved.insert(unit as u32);
        let used = &mut self.used;
        self.model.changes(from, to, |limit, by| used[limit].add(by));
        self.objective.add(-self.model.worth(from));
        self.objective.add(self.model.worth(to));
    }
}
