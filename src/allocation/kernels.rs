//! The door of the benchmarks to the kernels of the solver, each alone.

use super::hull::{Choice, Step, add_steps, keep_upper_hull, sort_steps};
use super::model::Model;
use super::{Coefficients, Effort, Frontier, Guardrail, Pairs, Problem};

/// Kernels of the solver over pairs in memory; for benchmarks, no part of what this crate promises.
#[derive(Debug)]
pub struct AllocationKernels {
    problem: Problem,
    effort: Effort,
}

impl AllocationKernels {
    /// Takes units of `actions` pairs each, a budget over all pairs, and one over each action where `by_action`.
    pub fn new(values: Vec<f64>, costs: Vec<f64>, actions: u32, by_action: bool, threads: usize) -> Self {
        let pairs = values.len() as u32;
        let total: f64 = costs.iter().sum();
        let cap = |share: f64| Guardrail {
            adds: Coefficients::COST,
            minimum: f64::NEG_INFINITY,
            maximum: share * total,
            taken: 0.0,
        };
        let mut guardrails = vec![cap(0.1)];
        if by_action {
            guardrails.extend((0..actions).map(|_| cap(0.1 / f64::from(actions))));
        }
        let rails = |action: u32| if by_action { vec![0, 1 + action] } else { vec![0] };
        let pairs = Pairs {
            starts: (0..=pairs / actions).map(|unit| unit * actions).collect(),
            class: (0..pairs).map(|pair| pair % actions).collect(),
            value: values,
            cost: costs,
        };
        let effort = Effort {
            threads,
            is_quick: true,
            closest: false,
            stopped: Default::default(),
            on_pass: std::sync::Arc::new(|| ()),
        };
        Self {
            problem: Problem { pairs, guardrails, classes: (0..actions).map(rails).collect(), floor: 0.0 },
            effort,
        }
    }

    /// The upper hulls of all units: the number of their steps, and the steps themselves for [`Self::order`].
    pub fn hulls(&self) -> Steps {
        let pairs = &self.problem.pairs;
        let (mut steps, mut choices) = (vec![], vec![]);
        for unit in 0..pairs.units() {
            choices.clear();
            choices.push(Choice::NONE);
            choices.extend(pairs.of(unit).map(|pair| Choice {
                pair: pair as u32,
                uses: pairs.cost[pair],
                worth: pairs.value[pair],
            }));
            keep_upper_hull(&mut choices);
            add_steps(&mut steps, unit as u32, &choices);
        }
        Steps(steps)
    }

    /// Puts steps in the order in which a falling price takes them.
    pub fn order(&self, mut steps: Steps) -> Steps {
        sort_steps(&mut steps.0);
        steps
    }

    /// What each of some budgets buys: hulls, their order and the plan of each budget.
    pub fn frontier(&self, points: u32) -> Option<f64> {
        let mut frontier = Frontier::new(&self.problem, &self.effort)?;
        let most = frontier.most();
        (1..=points).map(|i| frontier.at(most * f64::from(i) / f64::from(points)).map(|b| b.value)).sum()
    }

    /// The price of the budget, the other limits being free.
    pub fn price(&self) -> f64 {
        Model::new(&self.problem, &self.effort).price_single(0, &mut 0)[0]
    }

    /// One pass of the dual function, at the same price for all limits.
    pub fn dual_pass(&self, price: f64) -> f64 {
        let model = Model::new(&self.problem, &self.effort);
        model.exact(&vec![price; model.limits.len()]).dual
    }

    /// One pass of the smoothed dual function with its derivatives.
    pub fn smoothed_pass(&self, price: f64, smoothness: f64) -> f64 {
        let model = Model::new(&self.problem, &self.effort);
        model.smoothed(&vec![price; model.limits.len()], smoothness).value
    }
}

/// Steps along the hulls of units.
#[derive(Clone, Debug)]
pub struct Steps(Vec<Step>);
