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
/// States that are looked at in all.
const ALL_LOOKED_AT: usize = 100_000_000;
/// States after one unit beyond which those that are dropped are looked for early.
const MANY: usize = 8 * STATES;
/// Prices at which states are bounded, from the price of the cap down and up.
const PRICES: i32 = 5;
/// How often the gap that is looked into is doubled.
const DOUBLINGS: i32 = 9;
/// What all units together may hide of a gap, as a share of it, by dropping states that are hardly worth more than
/// others that use less.
const HIDDEN: f64 = 1e-2;

/// Choices so far: what they use and are worth, the most that a plan with them can be worth, and how they came about.
#[derive(Clone, Copy, Debug)]
struct State {
    used: f64,
    worth: f64,
    bound: f64,
    /// Position of the state before.
    before: u32,
    /// The pair of the unit, or no offer.
    pair: u32,
}

/// A choice of a unit: what it uses and is worth.
#[derive(Clone, Copy, Debug)]
struct Choice {
    pair: u32,
    uses: f64,
    worth: f64,
}

/// A price with what the units from each on are worth beyond it.
struct Priced {
    price: f64,
    rest: Vec<f64>,
}

/// Improves a plan of a model with one cap; returns a bound of all plans.
///
/// Plans within a small gap are looked for first: few states can still lead to one.
pub(super) fn improve(draft: &mut Draft, priced: &super::dual::Priced) -> f64 {
    let gap = priced.dual - draft.objective();
    let program = Program::new(draft.model, priced.multipliers[0]);
    let mut bound = priced.dual;
    for doublings in (0..=DOUBLINGS).rev() {
        let within = gap * 0.5_f64.powi(doublings);
        let hidden = HIDDEN * within;
        let (better, is_whole) = program.best_plan(priced.dual - within, hidden);
        if let Some(chosen) = better {
            *draft = Draft::new(draft.model, chosen);
            return if is_whole { bound.min(draft.objective() + hidden) } else { bound };
        }
        if is_whole {
            bound = bound.min(priced.dual - within + hidden);
        }
    }
    bound
}

/// The units with their choices, in the order in which they are decided.
struct Program<'a> {
    model: &'a Model<'a>,
    units: Vec<usize>,
    choices: Vec<Vec<Choice>>,
    /// The least that the units from each on use.
    least: Vec<f64>,
    prices: Vec<Priced>,
}

impl<'a> Program<'a> {
    fn new(model: &'a Model<'a>, price: f64) -> Self {
        let of_unit = |unit: usize| -> (usize, Vec<Choice>) { (unit, choices(model, unit)) };
        let mut units: Vec<(usize, Vec<Choice>)> = (0..model.pairs.units()).map(of_unit).collect();
        // Large units first: they decide what the others can do.
        let most = |choices: &[Choice]| choices.iter().map(|choice| choice.worth.abs()).fold(0.0, f64::max);
        units.sort_by(|(_, a), (_, b)| most(b).total_cmp(&most(a)));
        let (units, choices): (Vec<usize>, Vec<Vec<Choice>>) = units.into_iter().unzip();
        let sums = |of: &dyn Fn(&Choice) -> f64, better: fn(f64, f64) -> f64| {
            let mut sums = vec![0.0; choices.len() + 1];
            for (i, choices) in choices.iter().enumerate().rev() {
                sums[i] = sums[i + 1] + choices.iter().map(of).fold(0.0, better);
            }
            sums
        };
        let least = sums(&|choice| choice.uses, f64::min);
        let priced = |power: i32| {
            let price = price * 1.6_f64.powi(power);
            Priced { price, rest: sums(&|choice| choice.worth - price * choice.uses, f64::max) }
        };
        let prices = (-PRICES..=PRICES).map(priced).collect();
        Self { model, least, prices, units, choices }
    }

    /// The best plan whose objective is above one, if it is found; and whether no state was given up that could lead to a
    /// plan better by more than `hidden`.
    fn best_plan(&self, better: f64, hidden: f64) -> (Option<Vec<u32>>, bool) {
        let limit = &self.model.limits[0];
        let grain = hidden / self.units.len() as f64;
        let (mut is_whole, mut kept, mut looked_at) = (true, 0, 0);
        let mut stages: Vec<Vec<(u32, u32)>> = Vec::with_capacity(self.units.len());
        let mut states =
            vec![State { used: 0.0, worth: 0.0, bound: f64::INFINITY, before: 0, pair: NO_OFFER }];
        for (depth, choices) in (1..).zip(&self.choices) {
            let mut next: Vec<State> = vec![];
            for choice in choices {
                for (before, state) in (0..).zip(&states) {
                    let (used, worth) = (state.used + choice.uses, state.worth + choice.worth);
                    let at = |p: &Priced| worth + p.price * (limit.bound - used) + p.rest[depth];
                    let bound = self.prices.iter().map(at).fold(f64::INFINITY, f64::min);
                    if bound > better && limit.excess(used + self.least[depth]) == 0.0 {
                        next.push(State { used, worth, bound, before, pair: choice.pair });
                    }
                }
                looked_at += states.len();
                if next.len() > MANY {
                    is_whole &= reduce(&mut next, 0.0);
                }
            }
            is_whole &= reduce(&mut next, grain);
            kept += next.len();
            if next.is_empty() {
                return (None, is_whole);
            }
            if kept > ALL_STATES || looked_at > ALL_LOOKED_AT || self.model.is_stopped() {
                return (None, false);
            }
            stages.push(next.iter().map(|state| (state.before, state.pair)).collect());
            states = next;
        }
        let best = (0..states.len()).max_by(|&a, &b| states[a].worth.total_cmp(&states[b].worth));
        let Some(mut at) = best else { return (None, is_whole) };
        let mut chosen = vec![NO_OFFER; self.units.len()];
        for (stage, &unit) in stages.iter().zip(&self.units).rev() {
            let (before, pair) = stage[at];
            chosen[unit] = pair;
            at = before as usize;
        }
        (Some(chosen), is_whole)
    }
}

/// The choices of a unit, each of which uses more and is worth more than the one before.
fn choices(model: &Model, unit: usize) -> Vec<Choice> {
    let pairs = model.pairs.of(unit).map(|pair| pair as u32).chain([NO_OFFER]);
    let of_pair = |pair: u32| {
        let mut uses = 0.0;
        model.changes(NO_OFFER, pair, |_, by| uses = by);
        Choice { pair, uses, worth: model.worth(pair) }
    };
    let mut choices: Vec<Choice> = pairs.map(of_pair).filter(|choice| choice.worth.is_finite()).collect();
    choices.sort_by(|a, b| {
        a.uses.total_cmp(&b.uses).then(b.worth.total_cmp(&a.worth)).then(a.pair.cmp(&b.pair))
    });
    let mut most = f64::NEG_INFINITY;
    choices.retain(|choice| {
        let is_worth_more = choice.worth > most;
        most = most.max(choice.worth);
        is_worth_more
    });
    choices
}

/// Drops the states that others make needless, and those of the lowest bounds where there are too many; returns whether
/// there were not.
fn reduce(states: &mut Vec<State>, grain: f64) -> bool {
    states.sort_unstable_by(|a, b| {
        a.used
            .total_cmp(&b.used)
            .then(b.worth.total_cmp(&a.worth))
            .then((a.pair, a.before).cmp(&(b.pair, b.before)))
    });
    let mut most = f64::NEG_INFINITY;
    states.retain(|state| {
        state.worth > most + grain && {
            most = state.worth;
            true
        }
    });
    if states.len() <= STATES {
        return true;
    }
    states.sort_by(|a, b| b.bound.total_cmp(&a.bound));
    states.truncate(STATES);
    states.sort_by(|a, b| a.used.total_cmp(&b.used));
    false
}
