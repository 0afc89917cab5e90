//! What each of several budgets buys when the budget is the only limit: one ordering of all steps gives every plan.
//!
//! The best pairs at a price are those to which the steps of a higher ratio lead ([`super::hull`]), so the steps in the order
//! of their ratios, as far as a budget lasts, are its plan but for the last step, which does not fit. The units whose
//! steps are near that one are then decided once more, the others being fixed, as in a solution of its own: the price of
//! the last step bounds every plan, so the gap is known.

use super::hull::{Choice, Step, add_steps, keep_upper_hull, sort_steps};
use super::model::{Limit, Model, Side, rounding};
use super::problem::{Coefficients, NO_OFFER, Problem};
use super::rounding::{good_gap, optimise_at};
use super::{Effort, dual::Priced};
use crate::math::Sum;

/// Steps before and after the last one whose units are decided once more.
const NEARBY: usize = 2_500;

/// What a budget buys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bought {
    pub(crate) cost: f64,
    pub(crate) value: f64,
    pub(crate) treated: u64,
    /// What one more of the budget is worth in the objective.
    pub(crate) shadow_price: f64,
}

/// The steps of all units, taken as far as a budget lasts.
pub(crate) struct Frontier<'a> {
    model: Model<'a>,
    floor: f64,
    /// What is spent already.
    taken: f64,
    steps: Vec<Step>,
    /// How many of them are taken.
    at: usize,
    /// The pair of each unit before any step, and now.
    first: Vec<u32>,
    chosen: Vec<u32>,
    sums: Sums,
    /// The cost before any step, and after all.
    least: f64,
    most: f64,
    /// The most that a pair costs more than the least of its unit.
    largest: f64,
    /// The least size of a cost that is not zero.
    smallest: f64,
}

/// Sums over chosen pairs.
#[derive(Clone, Copy, Default)]
struct Sums {
    cost: Sum,
    value: Sum,
    treated: i64,
}

impl Sums {
    fn add(&mut self, model: &Model, pair: u32, sign: f64) {
        if pair != NO_OFFER {
            self.cost.add(sign * model.pairs.cost[pair as usize]);
            self.value.add(sign * model.pairs.value[pair as usize]);
            self.treated += sign as i64;
        }
    }

    fn objective(&self, floor: f64) -> f64 {
        self.value.value() - floor * self.cost.value()
    }
}

impl<'a> Frontier<'a> {
    /// Orders the steps; `None` where a budget is not the only limit.
    pub(crate) fn new(problem: &'a Problem, effort: &Effort) -> Option<Self> {
        let &[guardrail] = problem.guardrails.as_slice() else { return None };
        let is_budget = guardrail.adds == Coefficients::COST && guardrail.minimum == f64::NEG_INFINITY;
        if !is_budget || problem.classes.iter().any(|rails| rails != &[0]) {
            return None;
        }
        let mut model = Model::new(problem, effort);
        // Whatever the budget of the problem is.
        model.limits = vec![Limit {
            adds: Coefficients::COST,
            bound: f64::INFINITY,
            side: Side::AtMost,
            rounding: 0.0,
            penalty: f64::INFINITY,
            guardrail: 0,
        }];
        model.counted_by = vec![vec![0]; problem.classes.len()];
        let parts = model.by_parts(|units| {
            let (mut steps, mut first) = (vec![], Vec::with_capacity(units.len()));
            let (mut most, mut largest) = (Sum::default(), 0.0_f64);
            let mut choices = vec![];
            for unit in model.units_to_sum(units) {
                choices.clear();
                choices.push(Choice::NONE);
                // Zero for minus zero: of equal uses the worth decides.
                choices.extend(model.pairs.of(unit).map(|pair| Choice {
                    pair: pair as u32,
                    uses: model.pairs.cost[pair] + 0.0,
                    worth: model.worth(pair as u32),
                }));
                let dearest = choices.iter().map(|choice| choice.uses).fold(0.0, f64::max);
                keep_upper_hull(&mut choices);
                largest = largest.max(dearest - choices[0].uses);
                first.push(choices[0].pair);
                choices.last().into_iter().for_each(|choice| most.add(choice.uses));
                add_steps(&mut steps, unit as u32, &choices);
            }
            sort_steps(&mut steps);
            (steps, first, most, largest)
        });
        if model.is_stopped() {
            return None;
        }
        let mut steps = Vec::with_capacity(parts.iter().map(|(steps, ..)| steps.len()).sum());
        let mut first = vec![];
        let (mut most, mut largest) = (Sum::default(), 0.0_f64);
        for (steps_of_part, first_of_part, most_of_part, largest_of_part) in parts {
            steps.extend(steps_of_part);
            first.extend(first_of_part);
            most.merge(&most_of_part);
            largest = largest.max(largest_of_part);
        }
        sort_steps(&mut steps);
        let costs = problem.pairs.cost.iter().map(|cost| cost.abs()).filter(|&cost| cost > 0.0);
        let smallest = costs.fold(f64::INFINITY, f64::min);
        let mut frontier = Self {
            floor: problem.floor,
            taken: guardrail.taken,
            steps,
            at: 0,
            chosen: vec![],
            sums: Sums::default(),
            least: 0.0,
            most: most.value(),
            largest,
            smallest: if smallest.is_finite() { smallest } else { 0.0 },
            first,
            model,
        };
        frontier.restart();
        frontier.least = frontier.sums.cost.value();
        Some(frontier)
    }

    fn restart(&mut self) {
        self.at = 0;
        self.chosen.clone_from(&self.first);
        self.sums = Sums::default();
        self.first.iter().for_each(|&pair| self.sums.add(&self.model, pair, 1.0));
    }

    /// What is spent, with what is decided already, when the budget limits nothing.
    pub(crate) fn most(&self) -> f64 {
        self.most + self.taken
    }

    /// Takes the steps that a cost allows; returns the ratio of the first that it does not.
    fn take(&mut self, cost: f64, rounding: f64) -> f64 {
        if self.sums.cost.value() > cost + rounding {
            self.restart();
        }
        while let Some(&step) = self.steps.get(self.at) {
            let mut sums = self.sums;
            sums.add(&self.model, self.chosen[step.unit as usize], -1.0);
            sums.add(&self.model, step.pair, 1.0);
            if sums.cost.value() - cost > rounding {
                return step.ratio;
            }
            self.sums = sums;
            self.chosen[step.unit as usize] = step.pair;
            self.at += 1;
        }
        0.0
    }

    /// What a budget buys, ascending budgets being quickest; `None` where a solution of its own is needed: some pairs are
    /// dearer than the whole budget, or even the cheapest plan is.
    pub(crate) fn at(&mut self, budget: f64) -> Option<Bought> {
        let limit = Limit {
            bound: budget - self.taken,
            rounding: rounding(budget, self.smallest),
            ..self.model.limits[0]
        };
        let room = limit.bound - self.least;
        let is_exhausted = room.abs() <= limit.rounding;
        if room < -limit.rounding || !is_exhausted && self.largest > room {
            return None;
        }
        let price = self.take(limit.bound, limit.rounding);
        let greedy = self.sums;
        let objective = greedy.objective(self.floor);
        let bound = if is_exhausted || price == 0.0 {
            objective
        } else {
            objective + price * (limit.bound - greedy.cost.value()).max(0.0)
        };
        if !bound.is_finite() {
            return None;
        }
        let is_enough = bound - objective <= good_gap(&self.model, bound);
        let sums = if is_enough { greedy } else { self.decided_nearby(limit, price) };
        (limit.excess(sums.cost.value()) == 0.0).then(|| Bought {
            cost: sums.cost.value(),
            value: sums.value.value(),
            treated: sums.treated as u64,
            shadow_price: price,
        })
    }

    /// The sums when the units of the steps around the last one are decided once more.
    fn decided_nearby(&self, limit: Limit, price: f64) -> Sums {
        let near = &self.steps[self.at.saturating_sub(NEARBY)..(self.at + NEARBY).min(self.steps.len())];
        let mut units: Vec<u32> = near.iter().map(|step| step.unit).collect();
        units.sort_unstable();
        units.dedup();
        let mut others = self.sums;
        units.iter().for_each(|&unit| others.add(&self.model, self.chosen[unit as usize], -1.0));
        let fixed = others.cost.value();
        let mut part = self.model.part(&units, &[fixed], 1.0);
        part.limits[0] = Limit { bound: limit.bound - fixed, ..limit };
        part.objective_elsewhere = others.objective(self.floor);
        let priced = Priced { dual: part.exact(&[price]).dual, multipliers: vec![price] };
        let solution = optimise_at(&part, priced, &mut 0);
        if !solution.is_feasible {
            return self.sums;
        }
        let mut sums = others;
        solution.chosen.iter().for_each(|&pair| sums.add(&part, pair, 1.0));
        if sums.objective(self.floor) > self.sums.objective(self.floor) { sums } else { self.sums }
    }
}
