//! The price of a cap that leaves room for nothing: what its first unit would buy.
//!
//! Where nothing more can be used, no pair that uses more is open, so the open ones say nothing of the price. Every price
//! from the best ratio of worth to use of the pairs that are closed on lets the dual function as it is; the least of them
//! is what a first unit of the limit is worth.

use super::model::Model;
use super::problem::NO_OFFER;

/// Raises the multipliers of caps without room to the least at which no pair is better than the open ones.
///
/// `all` is the model with all pairs, `open` the one in which those that never fit are closed.
pub(super) fn price_exhausted(all: &Model, open: &Model, exhausted: &[usize], multipliers: &mut [f64]) {
    for &limit in exhausted.iter().filter(|_| !all.is_stopped()) {
        let prices = [all.prices(multipliers), open.prices(multipliers)];
        let use_of = |pair: u32| {
            let mut of_pair = 0.0;
            all.changes(NO_OFFER, pair, |counted, by| of_pair += if counted == limit { by } else { 0.0 });
            of_pair
        };
        let mut price = 0.0_f64;
        for unit in 0..all.pairs.units() {
            let (best, worth) = open.best(&prices[1], unit);
            for pair in all.pairs.of(unit).map(|pair| pair as u32) {
                let gain = all.reduced(&prices[0], pair) - worth;
                if gain > 0.0 {
                    let more = use_of(pair) - use_of(best);
                    price = if more > 0.0 { price.max(gain / more) } else { price };
                }
            }
        }
        multipliers[limit] += price;
    }
}
