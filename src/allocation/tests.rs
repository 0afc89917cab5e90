use super::*;
use crate::math::Draws;

/// One cap on cost over all pairs.
fn with_budget(units: &[&[(f64, f64)]], budget: f64) -> Problem {
    let mut pairs = Pairs { starts: vec![0], ..Pairs::default() };
    for unit in units {
        for &(cost, value) in *unit {
            pairs.value.push(value);
            pairs.cost.push(cost);
            pairs.class.push(0);
        }
        pairs.starts.push(pairs.value.len() as u32);
    }
    let budget =
        Guardrail { adds: Coefficients::COST, minimum: f64::NEG_INFINITY, maximum: budget, taken: 0.0 };
    Problem { pairs, guardrails: vec![budget], classes: vec![vec![0]], floor: 0.0 }
}

#[test]
fn the_fixture_by_hand() {
    let units: [&[(f64, f64)]; 3] =
        [&[(1.0, 3.0), (3.0, 5.0)], &[(2.0, 4.0), (3.0, 4.2)], &[(1.0, 0.5), (2.0, 3.0)]];
    for (budget, best) in
        [(0.0, 0.0), (1.0, 3.0), (3.0, 7.0), (4.0, 7.5), (5.0, 10.0), (6.0, 10.2), (7.0, 12.0), (8.0, 12.2)]
    {
        let plan = solve(&with_budget(&units, budget), &Effort::new(1)).unwrap();
        assert!((plan.objective - best).abs() < 1e-12, "{budget}: {plan:?}");
        assert!(
            plan.bound >= best && totals(&with_budget(&units, budget), &plan.chosen).0[0] <= budget,
            "{plan:?}"
        );
    }
}

/// A small problem with guardrails of all kinds, costs that may be zero or negative.
fn random_problem(draws: &mut Draws) -> Problem {
    let mut whole = |from: f64, to: f64| (from + draws.uniform() * (to - from + 1.0)).floor();
    let classes = whole(1.0, 4.0) as usize;
    let is_whole = whole(0.0, 1.0) == 1.0;
    let mut pairs = Pairs { starts: vec![0], ..Pairs::default() };
    for _ in 0..whole(1.0, 6.0) as usize {
        for _ in 0..whole(0.0, 3.0) as usize {
            let scale = if is_whole { 1.0 } else { 0.37 };
            pairs.value.push(whole(1.0, 9.0) * scale);
            pairs.cost.push(whole(-2.0, 9.0) * scale);
            pairs.class.push(whole(0.0, classes as f64 - 1.0) as u32);
        }
        pairs.starts.push(pairs.value.len() as u32);
    }
    let mut guardrails = vec![];
    for _ in 0..whole(0.0, 4.0) as usize {
        let adds = match whole(0.0, 3.0) as u32 {
            0 => Coefficients::COST,
            1 => Coefficients::COUNT,
            2 => Coefficients::VALUE,
            _ => Coefficients { count: 0.0, cost: 1.0, value: -0.8 },
        };
        let limit = whole(0.0, 12.0);
        let (minimum, maximum) = match whole(0.0, 5.0) as u32 {
            0 => (limit / 3.0, f64::INFINITY),
            1 => (limit / 4.0, limit),
            2 if adds == Coefficients::COUNT => ((limit / 4.0).floor(), (limit / 4.0).floor()),
            _ => (f64::NEG_INFINITY, limit),
        };
        guardrails.push(Guardrail { adds, minimum, maximum, taken: 0.0 });
    }
    let counted = |_| (0..guardrails.len() as u32).filter(|_| whole(0.0, 2.0) > 0.0).collect();
    let classes = (0..classes).map(counted).collect();
    Problem { pairs, guardrails, classes, floor: if whole(0.0, 3.0) == 0.0 { 0.5 } else { 0.0 } }
}

/// What a plan uses of each guardrail, and its objective.
fn totals(problem: &Problem, chosen: &[u32]) -> (Vec<f64>, f64) {
    let (mut used, mut objective) = (vec![0.0; problem.guardrails.len()], 0.0);
    for &pair in chosen.iter().filter(|&&pair| pair != NO_OFFER) {
        let (value, cost) = (problem.pairs.value[pair as usize], problem.pairs.cost[pair as usize]);
        objective += value - problem.floor * cost;
        for &rail in &problem.classes[problem.pairs.class[pair as usize] as usize] {
            used[rail as usize] += problem.guardrails[rail as usize].adds.of(value, cost);
        }
    }
    (used, objective)
}

fn keeps(problem: &Problem, used: &[f64]) -> bool {
    let keeps = |(rail, used): (&Guardrail, &f64)| {
        let slack = 1e-12 * used.abs().max(1.0);
        rail.minimum - slack <= *used && *used <= rail.maximum + slack
    };
    problem.guardrails.iter().zip(used).all(keeps)
}

/// The best objective of all plans, `None` when none keeps the guardrails.
fn by_brute_force(problem: &Problem, chosen: &mut Vec<u32>) -> Option<f64> {
    let unit = chosen.len();
    if unit == problem.pairs.units() {
        let (used, objective) = totals(problem, chosen);
        return keeps(problem, &used).then_some(objective);
    }
    let mut best: Option<f64> = None;
    for pair in problem.pairs.of(unit).map(|pair| pair as u32).chain([NO_OFFER]) {
        chosen.push(pair);
        if let Some(objective) = by_brute_force(problem, chosen) {
            best = Some(best.map_or(objective, |best| best.max(objective)));
        }
        chosen.pop();
    }
    best
}

#[test]
fn tiny_problems_are_solved_exactly() {
    let mut draws = Draws::new(11);
    let (mut feasible, mut infeasible) = (0, 0);
    for round in 0..2000 {
        let problem = random_problem(&mut draws);
        let best = by_brute_force(&problem, &mut vec![]);
        match (best, solve(&problem, &Effort::new(1))) {
            (Some(best), Ok(plan)) => {
                let (used, objective) = totals(&problem, &plan.chosen);
                assert!(keeps(&problem, &used), "{round}: {problem:?} {plan:?}");
                assert!((objective - plan.objective).abs() <= 1e-12 * best.abs().max(1.0), "{round}");
                assert!(
                    (best - objective).abs() <= 1e-9 * best.abs().max(1.0),
                    "{round}: {best} {problem:?} {plan:?}"
                );
                assert!(
                    plan.bound >= best - 1e-9 * best.abs().max(1.0),
                    "{round}: {best} {problem:?} {plan:?}"
                );
                feasible += 1;
            }
            (None, Err(Failure::Infeasible(why))) => {
                assert!(!why.requirements.is_empty(), "{round}: {problem:?}");
                infeasible += 1;
            }
            (best, solved) => panic!("{round}: {best:?} {problem:?} {solved:?}"),
        }
    }
    assert!(feasible > 800 && infeasible > 80, "{feasible} {infeasible}");
}

/// A thousand users with five actions each: a budget, caps of actions and of all, budgets of segments.
fn realistic(units: usize, seed: u64) -> Problem {
    let mut draws = Draws::new(seed);
    let mut pairs = Pairs { starts: vec![0], ..Pairs::default() };
    for _ in 0..units {
        let segment = (draws.uniform() * 4.0) as u32;
        let base = (0.5 * draws.normal()).exp();
        for action in 0..5 {
            let cost = (0.3 + 0.4 * f64::from(action)) * (0.2 * draws.normal()).exp();
            let value = 2.0 * base * cost.powf(0.6) * (0.5 * draws.normal()).exp() - 0.8;
            if value > 0.0 {
                pairs.value.push(value);
                pairs.cost.push(cost);
                pairs.class.push(segment * 5 + action);
            }
        }
        pairs.starts.push(pairs.value.len() as u32);
    }
    let cap = |adds, share: f64| Guardrail {
        adds,
        minimum: f64::NEG_INFINITY,
        maximum: share * units as f64,
        taken: 0.0,
    };
    let mut guardrails = vec![cap(Coefficients::COST, 0.45), cap(Coefficients::COUNT, 0.5)];
    guardrails.extend((1..=5).map(|action| cap(Coefficients::COUNT, 0.4 / f64::from(action))));
    guardrails.extend((1..=4).map(|segment| cap(Coefficients::COST, 0.06 * f64::from(segment))));
    let classes = (0..20).map(|class| vec![0, 1, 2 + class % 5, 7 + class / 5]).collect();
    Problem { pairs, guardrails, classes, floor: 0.0 }
}

fn solved(problem: &Problem) -> Plan {
    let plan = solve(problem, &Effort::new(2)).unwrap();
    let (used, objective) = totals(problem, &plan.chosen);
    assert!(keeps(problem, &used) && (objective - plan.objective).abs() < 1e-9 * objective, "{used:?}");
    assert!(plan.bound >= plan.objective);
    plan
}

#[test]
fn a_thousand_users_are_solved_to_a_small_gap() {
    let problem = realistic(1000, 3);
    let plan = solved(&problem);
    assert!(plan.bound - plan.objective < 1e-4 * plan.bound, "{} {}", plan.objective, plan.bound);
    let (used, _) = totals(&problem, &plan.chosen);
    let is_priced = |rail: usize| plan.shadow_prices[rail] > 0.0;
    for rail in (0..problem.guardrails.len()).filter(|&rail| is_priced(rail)) {
        // What has a price is used up, to less than one pair.
        assert!(problem.guardrails[rail].maximum - used[rail] < 2.0, "{rail}: {plan:?}");
    }
}

#[test]
fn threads_change_nothing() {
    // Above the number of pairs from which threads are used, and of units that are sampled.
    let problem = realistic(25_000, 4);
    let plans = [1, 3].map(|threads| solve(&problem, &Effort::new(threads)).unwrap());
    assert_eq!(plans[0].chosen, plans[1].chosen);
    assert_eq!(plans[0].bound, plans[1].bound);
    assert!(plans[0].bound - plans[0].objective < 1e-5 * plans[0].bound);
}

#[test]
fn what_should_not_matter_does_not() {
    let problem = realistic(400, 5);
    let plan = solved(&problem);
    let close = |other: f64, tolerance: f64| (other - plan.objective).abs() <= tolerance * plan.objective;

    let mut scaled = problem.clone();
    scaled.pairs.value.iter_mut().for_each(|value| *value *= 1024.0);
    assert!(close(solved(&scaled).objective / 1024.0, 1e-12));

    let mut scaled = problem.clone();
    scaled.pairs.cost.iter_mut().for_each(|cost| *cost /= 4096.0);
    for rail in scaled.guardrails.iter_mut().filter(|rail| rail.adds == Coefficients::COST) {
        rail.maximum /= 4096.0;
    }
    assert!(close(solved(&scaled).objective, 1e-12));

    // A pair that costs more than another of the same action and is worth less.
    let mut useless = problem.clone();
    useless.pairs = Pairs { starts: vec![0], ..Pairs::default() };
    for unit in 0..problem.pairs.units() {
        for pair in problem.pairs.of(unit) {
            let (value, cost, class) =
                (problem.pairs.value[pair], problem.pairs.cost[pair], problem.pairs.class[pair]);
            useless.pairs.value.extend([value, 0.5 * value]);
            useless.pairs.cost.extend([cost, 1.5 * cost]);
            useless.pairs.class.extend([class, class]);
        }
        useless.pairs.starts.push(useless.pairs.value.len() as u32);
    }
    assert!(close(solved(&useless).objective, 1e-4));
}

#[test]
fn more_room_is_worth_no_less() {
    let problem = realistic(200, 6);
    let mut before = 0.0;
    for share in [0.5, 0.8, 1.0, 1.3, 2.0, 10.0] {
        let mut wider = problem.clone();
        wider.guardrails.iter_mut().for_each(|rail| rail.maximum *= share);
        let plan = solved(&wider);
        assert!(plan.bound >= before, "{share}");
        before = plan.objective;
    }
}

#[test]
fn the_closest_plan_misses_minimums_by_least() {
    let mut problem = with_budget(&[&[(2.0, 1.0)], &[(3.0, 9.0)], &[(4.0, 2.0)]], 6.0);
    problem.guardrails.push(Guardrail {
        adds: Coefficients::COUNT,
        minimum: 3.0,
        maximum: f64::INFINITY,
        taken: 0.0,
    });
    problem.classes[0].push(1);
    let Err(Failure::Infeasible(why)) = solve(&problem, &Effort::new(1)) else { panic!("it is infeasible") };
    assert_eq!(why.requirements, why.conflict);
    assert!(why.is_proven);
    assert_eq!((why.conflict[0].required, why.conflict[0].attainable), (3.0, 2.0));
    let plan = solve(&problem, &Effort { closest: true, ..Effort::new(1) }).unwrap();
    assert!(!plan.is_feasible);
    assert_eq!(totals(&problem, &plan.chosen), (vec![5.0, 2.0], 10.0));
}

#[test]
fn conflicts_name_no_more_than_is_needed() {
    // Two minimums that want the same unit, and one that stands alone.
    let mut problem = with_budget(&[&[(1.0, 1.0), (1.0, 1.0)], &[(1.0, 1.0)]], 10.0);
    problem.pairs.class = vec![0, 1, 2];
    let minimum = Guardrail { adds: Coefficients::COUNT, minimum: 1.0, maximum: f64::INFINITY, taken: 0.0 };
    problem.guardrails.extend([minimum; 3]);
    problem.classes = vec![vec![0, 1], vec![0, 2], vec![0, 3]];
    let Err(Failure::Infeasible(why)) = solve(&problem, &Effort::new(1)) else { panic!("it is infeasible") };
    assert_eq!(why.requirements.len(), 3);
    assert!(why.requirements.iter().all(|requirement| requirement.attainable == 1.0));
    assert_eq!(why.conflict.iter().map(|requirement| requirement.guardrail).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_stopped_solution_ends() {
    let effort = Effort::new(1);
    effort.stopped.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(solve(&realistic(500, 7), &effort), Err(Failure::Stopped)));
}

#[test]
fn a_solution_is_stopped_from_another_thread() {
    // With a sample and a core: what is left half done is not looked at.
    let mut problem = realistic(30_000, 8);
    problem.guardrails[1].minimum = 0.3 * 30_000.0;
    for micros in [0, 300, 3_000, 20_000, 60_000] {
        let effort = Effort::new(2);
        let stopped = Arc::clone(&effort.stopped);
        let solved = std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(std::time::Duration::from_micros(micros));
                stopped.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            solve(&problem, &effort)
        });
        assert!(matches!(solved, Ok(_) | Err(Failure::Stopped)), "{solved:?}");
    }
}

#[test]
fn limits_of_nothing_are_kept_to_the_rounding_of_small_pairs() {
    // The large pair says nothing of how far the small ones may go.
    let problem = with_budget(&[&[(1e9, 10.0)], &[(1e-5, 1.0)], &[(1e-5, 1.0)], &[(2e-5, 1.0)]], 0.0);
    let plan = solve(&problem, &Effort::new(1)).unwrap();
    assert_eq!(totals(&problem, &plan.chosen), (vec![0.0], 0.0));
}

#[test]
fn a_minimum_met_up_to_rounding_has_a_price() {
    // Ten times 0.1 is a little less than 1 when it is summed.
    let unit: &[(f64, f64)] = &[(0.05, 2.0), (0.1, 1.0)];
    let mut problem = with_budget(&[unit; 10], f64::INFINITY);
    problem.guardrails[0].minimum = 1.0;
    let plan = solve(&problem, &Effort::new(1)).unwrap();
    assert_eq!(plan.objective, 10.0);
    assert!((plan.bound - 10.0).abs() < 1e-9 && plan.shadow_prices[0] > -1e3, "{plan:?}");
}

#[test]
fn caps_below_what_can_be_kept_are_told_with_what_can_be_reached() {
    let problem = with_budget(&[&[(-3.0, 1.0)], &[(2.0, 1.0)]], -5.0);
    let Err(Failure::Infeasible(why)) = solve(&problem, &Effort::new(1)) else { panic!("it is infeasible") };
    assert_eq!((why.conflict[0].required, why.conflict[0].attainable), (-5.0, -3.0));
    let plan = solve(&problem, &Effort { closest: true, ..Effort::new(1) }).unwrap();
    assert_eq!(totals(&problem, &plan.chosen).0, [-3.0]);
}

#[test]
fn what_is_taken_counts_against_limits() {
    let mut problem = with_budget(&[&[(2.0, 1.0)], &[(3.0, 9.0)], &[(4.0, 2.0)]], 6.0);
    problem.guardrails[0].taken = 3.0;
    let plan = solve(&problem, &Effort::new(1)).unwrap();
    assert_eq!(totals(&problem, &plan.chosen), (vec![3.0], 9.0));
    problem.guardrails[0].minimum = 13.0;
    problem.guardrails[0].maximum = 20.0;
    let Err(Failure::Infeasible(why)) = solve(&problem, &Effort::new(1)) else { panic!("it is infeasible") };
    assert_eq!((why.conflict[0].required, why.conflict[0].attainable), (13.0, 12.0));
}

#[test]
fn many_actions_of_few_users_end() {
    // Nearly continuous choices, which dynamic programming cannot list.
    let mut draws = Draws::new(9);
    let units: Vec<Vec<(f64, f64)>> = (0..6)
        .map(|_| {
            let cost = (0..2_000).map(|_| 10.0 * draws.uniform()).collect::<Vec<_>>();
            cost.into_iter().map(|cost| (cost, cost.sqrt() + 1e-3 * draws.uniform())).collect()
        })
        .collect();
    let plan = solved(&with_budget(&units.iter().map(Vec::as_slice).collect::<Vec<_>>(), 20.0));
    assert!(plan.bound - plan.objective < 1e-4 * plan.bound, "{} {}", plan.objective, plan.bound);
}

#[test]
fn a_limit_on_each_of_many_groups_is_solved() {
    let mut problem = realistic(6_000, 10);
    let groups = 150;
    for group in 0..groups {
        let maximum = 12.0 + f64::from(group % 7);
        problem.guardrails.push(Guardrail { maximum, ..problem.guardrails[0] });
    }
    let of_all = problem.classes.len() as u32;
    let rails = problem.guardrails.len() as u32 - groups;
    let of_groups = (0..groups).flat_map(|group| {
        problem.classes.iter().map(move |rails_of_class| {
            let mut rails_of_class = rails_of_class.clone();
            rails_of_class.push(rails + group);
            rails_of_class
        })
    });
    problem.classes = of_groups.collect();
    for unit in 0..problem.pairs.units() {
        for pair in problem.pairs.of(unit) {
            problem.pairs.class[pair] += of_all * (unit as u32 % groups);
        }
    }
    let plan = solved(&problem);
    assert!(plan.bound - plan.objective < 0.05 * plan.bound, "{} {}", plan.objective, plan.bound);
}

/// What [`Frontier`] and a solution of its own say of budgets, from nothing to more than can be spent.
fn compare_with_solutions(problem: &Problem, points: u32) {
    let effort = Effort::new(2);
    let mut problem = problem.clone();
    let mut frontier =
        Frontier::new(&problem, &Effort { is_quick: true, ..effort.clone() }).expect("a budget alone");
    let most = 1.1 * frontier.most();
    let budgets: Vec<f64> = (1..=points).map(|i| most * f64::from(i) / f64::from(points)).collect();
    let bought: Vec<_> = budgets.iter().map(|&budget| frontier.at(budget)).collect();
    let mut of_their_own = 0;
    for (budget, bought) in budgets.into_iter().zip(bought) {
        problem.guardrails[0].maximum = budget;
        let Some(bought) = bought else {
            of_their_own += 1;
            continue;
        };
        let plan = solved(&problem);
        let objective = bought.value - problem.floor * bought.cost;
        let tolerance = 1e-6 * plan.objective.abs();
        assert!(bought.cost <= budget * (1.0 + 1e-12), "{budget}: {bought:?}");
        assert!(objective <= plan.bound + 1e-9 * plan.bound.abs(), "{budget}: {bought:?} {}", plan.bound);
        assert!((plan.objective - objective).abs() <= tolerance, "{budget}: {bought:?} {}", plan.objective);
        let (price, other) = (bought.shadow_price, plan.shadow_prices[0]);
        assert!((price - other).abs() <= 1e-3 * price.abs(), "{budget}: {price} {other}");
    }
    assert!(of_their_own <= points as usize / 10, "{of_their_own}");
}

#[test]
fn one_ordering_gives_the_plans_of_all_budgets() {
    for (units, seed) in [(200, 12), (1_500, 13), (6_000, 14)] {
        let mut problem = realistic(units, seed);
        problem.guardrails.truncate(1);
        problem.classes = vec![vec![0]; problem.classes.len()];
        compare_with_solutions(&problem, 20);
        problem.floor = 0.4;
        compare_with_solutions(&problem, 5);
        // Some actions save money, some are free.
        problem.pairs.cost.iter_mut().step_by(17).for_each(|cost| *cost *= -0.3);
        problem.pairs.cost.iter_mut().step_by(19).for_each(|cost| *cost = 0.0);
        problem.guardrails[0].taken = 3.0;
        let effort = Effort::new(1);
        let mut frontier = Frontier::new(&problem, &effort).unwrap();
        for budget in [500.0, 50.0, 0.0, 5.0] {
            compare_at(&problem, &mut frontier, budget);
        }
    }
}

/// Budgets in any order, with what is taken already.
fn compare_at(problem: &Problem, frontier: &mut Frontier, budget: f64) {
    let mut problem = problem.clone();
    problem.guardrails[0].maximum = budget;
    let (bought, plan) = (frontier.at(budget).unwrap(), solve(&problem, &Effort::new(1)).unwrap());
    let objective = bought.value - problem.floor * bought.cost;
    assert!(bought.cost <= budget - 3.0 + 1e-9, "{bought:?}");
    assert!((objective - plan.objective).abs() <= 1e-6 * plan.objective, "{bought:?} {}", plan.objective);
}

#[test]
fn ordering_is_for_a_budget_alone() {
    let effort = Effort::new(1);
    assert!(Frontier::new(&realistic(10, 1), &effort).is_none());
    let mut problem = with_budget(&[&[(2.0, 1.0)], &[(3.0, 9.0)], &[(4.0, 2.0)]], 6.0);
    let at = |problem: &Problem, budget| Frontier::new(problem, &effort).unwrap().at(budget);
    // A pair is dearer than the budget; nothing is bought; everything is.
    assert!(at(&problem, 3.5).is_none() && at(&problem, -1.0).is_none());
    let bought = at(&problem, 0.0).unwrap();
    assert_eq!((bought.value, bought.treated, bought.shadow_price), (0.0, 0, 3.0));
    let bought = at(&problem, 9.0).unwrap();
    assert_eq!((bought.cost, bought.value, bought.treated, bought.shadow_price), (9.0, 12.0, 3, 0.0));
    problem.guardrails[0].minimum = 1.0;
    assert!(Frontier::new(&problem, &effort).is_none());
}

#[test]
fn a_cap_without_room_has_the_price_of_the_first_purchase() {
    let units: [&[(f64, f64)]; 3] =
        [&[(1.0, 3.0), (3.0, 5.0)], &[(2.0, 4.0), (0.0, 1.0)], &[(1.0, 0.5), (2.0, 7.0)]];
    let mut problem = with_budget(&units, 0.0);
    let plan = solve(&problem, &Effort::new(1)).unwrap();
    // 7 for 2; from the free pair of the second unit 3 for 2.
    assert_eq!((plan.objective, plan.bound, plan.shadow_prices[0]), (1.0, 1.0, 3.5));
    problem.floor = 0.5;
    assert_eq!(solve(&problem, &Effort::new(1)).unwrap().shadow_prices, [3.0]);
    // Nobody may be treated either: the first of two caps without room has all of the price.
    problem.floor = 0.0;
    problem.guardrails.push(Guardrail { adds: Coefficients::COUNT, ..problem.guardrails[0] });
    problem.classes[0].push(1);
    assert_eq!(solve(&problem, &Effort::new(1)).unwrap().shadow_prices, [3.5, 1.0]);
}

#[test]
fn a_budget_that_hardly_binds_is_priced() {
    // It does not bind the sample of so many units.
    let mut draws = Draws::new(5);
    let mut problem = with_budget(&[], 0.0);
    for _ in 0..30_000 {
        problem.pairs.value.push(1.0 + draws.uniform());
        problem.pairs.cost.push(0.5 + draws.uniform());
        problem.pairs.class.push(0);
        problem.pairs.starts.push(problem.pairs.value.len() as u32);
    }
    let total: f64 = problem.pairs.cost.iter().sum();
    problem.guardrails[0].maximum = 0.999 * total;
    let plan = solved(&problem);
    assert!(plan.shadow_prices[0] > 0.5 && plan.bound - plan.objective < 1.0, "{plan:?}");
}
