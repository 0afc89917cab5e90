//! One cap alone, by dynamic programming: for pairs of very different size, where no price is near the best plan.
//!
//! After each unit the states are the pairs (use, objective) that some choices so far lead to. One that uses no less and
//! is worth no more than another is dropped, and one whose bound is no better than the best plan known. The bound is the
//! least over several prices of the objective so far, the price of what is left, and the rest at that price.
//! Source: Pisinger (1995), "A Minimal Algorithm for the Multiple-Choice Knapsack Problem".

use super::draft::Draft;
use super::model::Model;
use super::problem::NO_OFFER;

/// States kept after one unit, and in all.
const STATES: usize = 20_000;
const ALL_STATES: usize = 6_000_000;
/// Prices at which states are bounded, from the price of the cap down and up.
const PRICES: i32 = 5;

/// Choices so far: what they use and are worth, and how they came about.
#[derive(Clone, Copy, Debug)]
struct State {
    used: f64,
    worth: f64,
    /// Position of the state before.
    before: u32,
    /// The pair of the unit, or no offer.
    pair: u32,
}

/// A price with what the units from each on are worth beyond it.
struct Priced {
    price: f64,
    rest: Vec<f64>,
}

/// How often the gap that is looked into is doubled.
const DOUBLINGS: i32 = 9;
/// What a state must be worth more than those that use less, as a share of the objective, after one unit.
const GRAIN: f64 = 1e-8;

/// Improves a plan of a model with one cap; returns a bound of all plans.
///
/// Plans within a small gap are looked for first: few states can still lead to one.
pub(super) fn improve(draft: &mut Draft, priced: &super::dual::Priced) -> f64 {
    let gap = priced.dual - draft.objective();
    let mut bound = priced.dual;
    for doublings in (0..=DOUBLINGS).rev() {
        let wanted = priced.dual - gap * 0.5_f64.powi(doublings);
        let (better, is_whole) = best_plan(draft.model, priced.multipliers[0], wanted);
        // What the grains of all units together can hide.
        let hidden = GRAIN * wanted.abs() * draft.chosen.len() as f64;
        if let Some(chosen) = better {
            *draft = Draft::new(draft.model, chosen);
            return if is_whole { bound.min(draft.objective() + hidden) } else { bound };
        }
        if is_whole {
            bound = bound.min(wanted + hidden);
        }
    }
    bound
}

/// The best plan of a model with one cap whose objective is above one, if it is found; and whether all states were kept.
fn best_plan(model: &Model, price: f64, better: f64) -> (Option<Vec<u32>>, bool) {
    let limit = &model.limits[0];
    let adds = |pair: u32| {
        let mut adds = 0.0;
        model.changes(NO_OFFER, pair, |_, by| adds = by);
        adds
    };
    let choices = |unit: usize| model.pairs.of(unit).map(|pair| pair as u32).chain([NO_OFFER]);
    let is_open = |pair: &u32| model.worth(*pair).is_finite();
    // Large units first: they decide what the others can do.
    let mut units: Vec<usize> = (0..model.pairs.units()).collect();
    let draft = Draft::new(model, vec![NO_OFFER; units.len()]);
    units.sort_by(|&a, &b| draft.most_worth(b).total_cmp(&draft.most_worth(a)));
    let mut least = vec![0.0; units.len() + 1];
    for (i, &unit) in units.iter().enumerate().rev() {
        least[i] = least[i + 1] + choices(unit).filter(is_open).map(adds).fold(0.0, f64::min);
    }
    let priced = |power: i32| {
        let price = price * 1.6_f64.powi(power);
        let mut rest = vec![0.0; units.len() + 1];
        for (i, &unit) in units.iter().enumerate().rev() {
            let reduced = |pair: u32| model.worth(pair) - price * adds(pair);
            rest[i] = rest[i + 1] + choices(unit).filter(is_open).map(reduced).fold(0.0, f64::max);
        }
        Priced { price, rest }
    };
    let prices: Vec<Priced> = (-PRICES..=PRICES).map(priced).collect();
    let bound = |state: &State, depth: usize| {
        let at = |p: &Priced| state.worth + p.price * (limit.bound - state.used) + p.rest[depth];
        prices.iter().map(at).fold(f64::INFINITY, f64::min)
    };
    let grain = GRAIN * better.abs();
    let (mut stages, mut is_whole, mut all) = (Vec::with_capacity(units.len()), true, 0);
    let mut states = vec![State { used: 0.0, worth: 0.0, before: 0, pair: NO_OFFER }];
    for (i, &unit) in units.iter().enumerate() {
        let mut next = vec![];
        for pair in choices(unit).filter(is_open) {
            let (by, worth) = (adds(pair), model.worth(pair));
            next.extend(states.iter().enumerate().filter_map(|(before, state)| {
                let state =
                    State { used: state.used + by, worth: state.worth + worth, before: before as u32, pair };
                let fits = limit.excess(state.used + least[i + 1]) == 0.0;
                (fits && bound(&state, i + 1) > better).then_some(state)
            }));
        }
        next.sort_unstable_by(|a, b| {
            a.used.total_cmp(&b.used).then(b.worth.total_cmp(&a.worth)).then(a.pair.cmp(&b.pair))
        });
        let mut most = f64::NEG_INFINITY;
        next.retain(|state| {
            state.worth > most + grain && {
                most = state.worth;
                true
            }
        });
        if next.len() > STATES {
            is_whole = false;
            next.sort_by(|a, b| bound(b, i + 1).total_cmp(&bound(a, i + 1)));
            next.truncate(STATES);
            next.sort_by(|a, b| a.used.total_cmp(&b.used));
        }
        all += next.len();
        if next.is_empty() || all > ALL_STATES {
            return (None, is_whole && next.is_empty());
        }
        stages.push(next.clone());
        states = next;
    }
    let best = (0..states.len()).max_by(|&a, &b| states[a].worth.total_cmp(&states[b].worth));
    let Some(mut at) = best else { return (None, is_whole) };
    let mut chosen = vec![NO_OFFER; units.len()];
    for (stage, &unit) in stages.iter().zip(&units).rev() {
        chosen[unit] = stage[at].pair;
        at = stage[at].before as usize;
    }
    (Some(chosen), is_whole)
}
