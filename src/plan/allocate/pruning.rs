//! Which rows are no choice: counted by reason, with the value that they would have carried.

use datafusion::common::{Result, exec_err};

use super::relation::Purpose;
use super::settings::Settings;
use crate::allocation::{PruneReason, Pruning};
use crate::math::Sum;

/// Why a row is no choice, in the order in which the reasons are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// The unit or the action is NULL.
    NullKey,
    /// The action is no-offer, which every unit has.
    NoOffer,
    Pruned(PruneReason),
}

impl Dropped {
    pub(super) const ALL: [Self; 6] = [
        Self::NullKey,
        Self::NoOffer,
        Self::Pruned(PruneReason::Ineligible),
        Self::Pruned(PruneReason::NotFinite),
        Self::Pruned(PruneReason::ValueNotPositive),
        Self::Pruned(PruneReason::CostPerValueTooHigh),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NullKey => "null_key",
            Self::NoOffer => "no_offer",
            Self::Pruned(reason) => reason.text(),
        }
    }
}

/// Value and cost of a row, and whether it is eligible, where they are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) eligible: Option<bool>,
    pub(super) value: Option<f64>,
    pub(super) cost: Option<f64>,
}

impl Row {
    /// Why the row is no choice.
    pub(super) fn pruned(&self, settings: &Settings) -> Option<PruneReason> {
        let pruning = Pruning { max_cost_per_value: settings.max_cost_per_value };
        pruning.reason(self.value, self.cost, self.eligible)
    }

    /// Refuses a row that is not finite.
    pub(super) fn refuse(&self, purpose: Purpose) -> Result<()> {
        for (name, number) in [("value", self.value), ("cost", self.cost)] {
            if !number.is_some_and(f64::is_finite) {
                let got = number.map_or("NULL".to_string(), |x| x.to_string());
                return exec_err!(
                    "{purpose}: {name} must be finite, got {got}; without strict such rows are dropped and counted"
                );
            }
        }
        Ok(())
    }
}

/// How many rows were dropped by reason, with the sums of their finite values and costs.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally([(u64, Sum, Sum); 6]);

impl Tally {
    pub(super) fn add(&mut self, reason: Dropped, row: &Row) {
        let at = Dropped::ALL.iter().position(|&known| known == reason);
        let (rows, value, cost) = &mut self.0[at.unwrap_or(0)];
        *rows += 1;
        value.add(row.value.filter(|x| x.is_finite()).unwrap_or(0.0));
        cost.add(row.cost.filter(|x| x.is_finite()).unwrap_or(0.0));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for ((rows, value, cost), (more, more_value, more_cost)) in self.0.iter_mut().zip(&other.0) {
            *rows += more;
            value.merge(more_value);
            cost.merge(more_cost);
        }
    }

    /// Reason, rows, value and cost.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Dropped, u64, f64, f64)> {
        Dropped::ALL.into_iter().zip(&self.0).map(|(reason, (n, v, c))| (reason, *n, v.value(), c.value()))
    }
}
