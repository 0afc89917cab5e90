//! What a unit of cost buys, and what a unit of value costs.
//!
//! A quotient ranks pairs only where its denominator is positive: a loss over a saving is positive too, and looks like a
//! bargain. So each ratio is the quotient where what it divides by is above zero. Value that costs nothing is infinitely
//! cheap, which ranks it first; everything else has no ratio.

/// Value for a unit of cost: `v / c` where `c > 0`, infinite where `v > 0` and `c <= 0`, `None` elsewhere.
pub(crate) fn value_per_cost(value: f64, cost: f64) -> Option<f64> {
    if cost > 0.0 {
        // More than any number for its cost is as good as free; what falls below all numbers has no ratio.
        Some(value / cost).filter(|&ratio| ratio > f64::NEG_INFINITY)
    } else {
        (value > 0.0).then_some(f64::INFINITY)
    }
}

/// Cost of a unit of value: `c / v` where `v > 0`, below zero where the cost is; `None` where no value is bought.
pub(crate) fn cost_per_value(value: f64, cost: f64) -> Option<f64> {
    (value > 0.0).then(|| cost / value).filter(|ratio| ratio.is_finite())
}

#[cfg(test)]
mod tests {
    use super::{cost_per_value, value_per_cost};

    #[test]
    fn ratios_keep_their_sign_rules() {
        // value, cost, value per cost, cost per value
        let table = [
            (6.0, 2.0, Some(3.0), Some(2.0 / 6.0)),
            (6.0, 0.0, Some(f64::INFINITY), Some(0.0)),
            (6.0, -0.0, Some(f64::INFINITY), Some(0.0)),
            (6.0, -2.0, Some(f64::INFINITY), Some(-2.0 / 6.0)),
            (0.0, 2.0, Some(0.0), None),
            (0.0, 0.0, None, None),
            (0.0, -2.0, None, None),
            (-6.0, 2.0, Some(-3.0), None),
            (-6.0, 0.0, None, None),
            (-6.0, -2.0, None, None),
            (1e300, 1e-300, Some(f64::INFINITY), Some(0.0)),
            (-1e300, 1e-300, None, None),
            (1e-300, 1e300, Some(0.0), None),
        ];
        for (value, cost, bought, paid) in table {
            assert_eq!(value_per_cost(value, cost), bought, "{value} for {cost}");
            assert_eq!(cost_per_value(value, cost), paid, "{cost} for {value}");
        }
    }

    #[test]
    fn a_pair_that_dominates_ranks_no_lower() {
        let numbers = [-3.0, -1.0, 0.0, 0.5, 1.0, 4.0];
        // NULL comes last in either order.
        let bought = |v, c| value_per_cost(v, c).unwrap_or(f64::NEG_INFINITY);
        for value in numbers {
            for cost in numbers {
                // More value at the same cost, and the same positive value at less cost.
                assert!(bought(value + 1.0, cost) >= bought(value, cost));
                if value > 0.0 {
                    assert!(bought(value, cost - 1.0) >= bought(value, cost));
                    assert!(cost_per_value(value, cost - 1.0) <= cost_per_value(value, cost));
                }
            }
        }
    }
}
