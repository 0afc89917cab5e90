//! Pairs of a unit and an action that may not be offered, and why.
//!
//! The first reason that holds is the one that is told and counted: not eligible, then no numbers, then no value, then
//! too dear for its value. A negative cost with a positive value stays: it refunds the budget.

/// Why a pair is left out of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PruneReason {
    /// Eligibility is false or not known.
    Ineligible,
    /// Value or cost is missing, NaN or infinite.
    NotFinite,
    /// The value is zero or less, whatever the cost.
    ValueNotPositive,
    /// The cost is above the most that the value may cost.
    CostPerValueTooHigh,
}

impl PruneReason {
    /// The reason in results.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Ineligible => "ineligible",
            Self::NotFinite => "not_finite",
            Self::ValueNotPositive => "value_not_positive",
            Self::CostPerValueTooHigh => "cost_per_value_too_high",
        }
    }
}

/// The rule that prunes pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pruning {
    /// The most that a unit of value may cost.
    pub(crate) max_cost_per_value: Option<f64>,
}

impl Pruning {
    /// Why the pair is pruned; `None` when it stays. `None` among the arguments is NULL.
    pub(crate) fn reason(
        &self,
        value: Option<f64>,
        cost: Option<f64>,
        eligible: Option<bool>,
    ) -> Option<PruneReason> {
        if eligible != Some(true) {
            return Some(PruneReason::Ineligible);
        }
        let (Some(value), Some(cost)) = (value, cost) else { return Some(PruneReason::NotFinite) };
        if !(value.is_finite() && cost.is_finite()) {
            return Some(PruneReason::NotFinite);
        }
        if value <= 0.0 {
            return Some(PruneReason::ValueNotPositive);
        }
        // The product, not the ratio: it is right for costs of zero and below, and loses nothing to rounding at the cap.
        let is_too_high = self.max_cost_per_value.is_some_and(|most| cost > most * value);
        is_too_high.then_some(PruneReason::CostPerValueTooHigh)
    }
}

#[cfg(test)]
mod tests {
    use super::{PruneReason, Pruning};

    const CAPPED: Pruning = Pruning { max_cost_per_value: Some(4.0) };

    fn reason(value: f64, cost: f64) -> Option<PruneReason> {
        CAPPED.reason(Some(value), Some(cost), Some(true))
    }

    #[test]
    fn the_first_reason_is_told() {
        assert_eq!(CAPPED.reason(None, None, None), Some(PruneReason::Ineligible));
        assert_eq!(CAPPED.reason(Some(1.0), Some(1.0), Some(false)), Some(PruneReason::Ineligible));
        assert_eq!(CAPPED.reason(None, Some(1.0), Some(true)), Some(PruneReason::NotFinite));
        assert_eq!(CAPPED.reason(Some(-1.0), None, Some(true)), Some(PruneReason::NotFinite));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(reason(bad, 1.0), Some(PruneReason::NotFinite));
            assert_eq!(reason(-1.0, bad), Some(PruneReason::NotFinite));
        }
        assert_eq!(reason(-1.0, 100.0), Some(PruneReason::ValueNotPositive));
        assert_eq!(reason(0.0, 0.0), Some(PruneReason::ValueNotPositive));
        assert_eq!(reason(-0.0, -5.0), Some(PruneReason::ValueNotPositive));
        assert_eq!(reason(1.0, 4.5), Some(PruneReason::CostPerValueTooHigh));
    }

    #[test]
    fn pairs_at_the_cap_free_and_refunding_stay() {
        assert_eq!(reason(1.0, 4.0), None);
        assert_eq!(reason(1.0, 0.0), None);
        assert_eq!(reason(1.0, -5.0), None);
        let uncapped = Pruning::default();
        assert_eq!(uncapped.reason(Some(1e-300), Some(1e300), Some(true)), None);
        // The ratio would be infinite, and the cap's product is.
        let loose = Pruning { max_cost_per_value: Some(1e10) };
        assert_eq!(loose.reason(Some(1e300), Some(1e300), Some(true)), None);
        let free = Pruning { max_cost_per_value: Some(0.0) };
        assert_eq!(free.reason(Some(1.0), Some(0.0), Some(true)), None);
        assert_eq!(free.reason(Some(1.0), Some(1e-300), Some(true)), Some(PruneReason::CostPerValueTooHigh));
    }
}
