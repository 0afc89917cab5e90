//! What is said of each function of the family.

use super::relation::Purpose;
use crate::plan::documentation::{Documentation, OptionKind, OptionSpec};

/// The documentation of a function.
pub(super) fn of(purpose: Purpose) -> Documentation {
    match purpose {
        Purpose::Allocate => allocate(),
        Purpose::Summary => summary(),
        Purpose::Frontier => frontier(),
        Purpose::Audit => audit(),
    }
}

const SOURCE: &str = "Sinha and Zoltners (1979), \"The Multiple-Choice Knapsack Problem\", Operations Research; \
    Fisher (1981), \"The Lagrangian Relaxation Method for Solving Integer Programming Problems\", Management Science.";

fn spec(name: &str, kind: OptionKind, description: &str) -> OptionSpec {
    OptionSpec { name: name.into(), description: description.into(), kind }
}

fn column(name: &str, description: &str) -> OptionSpec {
    spec(name, OptionKind::Column { optional: true }, description)
}

fn constant(name: &str, default: &str, description: &str) -> OptionSpec {
    spec(name, OptionKind::Constant { default: Some(default.into()) }, description)
}

/// The options that say what a row is and what limits the plan.
fn limits() -> Vec<OptionSpec> {
    vec![
        constant("budget", "NULL", "the most that the chosen rows may cost together"),
        column("unit", "who gets at most one action; by default the column user_id"),
        column("action", "what the unit would get; by default the column action"),
        column("value", "predicted incremental value of the action; by default the column value"),
        column("cost", "predicted incremental cost of the action; by default the column cost"),
        column(
            "eligible",
            "whether the row may be chosen, true or 1; NULL is no; all are when left out or a bare NULL",
        ),
        constant("max_treated", "NULL", "the most units that may get an action"),
        constant("min_treated", "NULL", "the fewest units that must get an action"),
        constant(
            "max_cost_per_value",
            "NULL",
            "rows with cost > max_cost_per_value * value may not be chosen",
        ),
        constant(
            "average_cost_per_value",
            "NULL",
            "the most that the sum of costs may be per sum of values; shown as a limit of 0 on what is used of it, \
             sum(cost) - average_cost_per_value * sum(value), whose measure is called 'cost_per_value'",
        ),
        spec(
            "guardrails",
            OptionKind::Relation { columns: "dimension, member, measure, minimum, maximum" },
            "limits on members of columns of the input: dimension is the column, member its value as text, measure \
             'count' (chosen rows), 'cost', 'value' or 'cumulative_cost' (cost over the members up to this one in the \
             order of the column); NULL is no limit, and a column of limits may be left out; rows whose column is NULL \
             or NaN are not counted",
        ),
    ]
}

/// The options of what is solved.
fn solved() -> Vec<OptionSpec> {
    let mut options = limits();
    options.insert(
        10,
        constant(
            "min_value_per_cost",
            "0",
            "nothing is bought at less incremental value per incremental cost: the plan maximises \
             sum(value - min_value_per_cost * cost)",
        ),
    );
    options.extend([
        constant(
            "explore",
            "0",
            "share of the units with a choice that get one at random, no-offer included",
        ),
        constant("seed", "0", "seed of the draws of units that explore"),
        constant(
            "strict",
            "false",
            "NULL, NaN and infinite values, costs and keys are an error instead of dropped",
        ),
    ]);
    options
}

fn on_infeasible() -> OptionSpec {
    constant(
        "on_infeasible",
        "'error'",
        "'least_violation' returns the plan that comes closest when none keeps the guardrails",
    )
}

const DROPPED: &str = "Rows are no choice, for the first reason that holds: unit or action is NULL (null_key); the \
    action is 'no_offer', which every unit has with value 0 and cost 0 (no_offer); not eligible (ineligible); value or \
    cost NULL, NaN or infinite (not_finite); value <= 0 (value_not_positive); too dear (cost_per_value_too_high). Two \
    rows with the same unit and action are an error, dropped or not.";

const EXAMPLE_ROWS: &str = "(SELECT * FROM (VALUES ('a', 'mail', 3, 1), ('a', 'gift', 5, 3), ('b', 'mail', 4, 2),\n    \
    ('b', 'gift', 4.2, 3), ('c', 'mail', 0.5, 1), ('c', 'gift', 3, 2)) AS t(user_id, action, value, cost))";

fn allocate() -> Documentation {
    let mut options = solved();
    options.extend([
        constant(
            "include_no_offer",
            "false",
            "also returns a row of each unit without offer: the columns that unit is made of, action 'no_offer', value and \
             cost 0 where these are plain columns, other columns of the input NULL",
        ),
        on_infeasible(),
    ]);
    Documentation {
        name: Purpose::Allocate.name().into(),
        summary: "Chooses an action or no offer for each unit so that the total value is greatest within a budget and \
            guardrails."
            .into(),
        details: format!(
            "Returns the chosen rows with all their columns and three more. marginal_value_per_cost is the value gained \
             per cost added by the last step to the choice: the least over the unit's cheaper choices, no offer \
             included; NULL when no choice is cheaper. allocation_rank counts from 1, what is taken first: no cheaper \
             choice, then marginal_value_per_cost descending, then value descending, then by hash of the unit; NULL \
             without offer. allocation_propensity is the probability of the assignment, to be logged: explore / \
             (choices + 1) + (1 - explore) * [the plan, or for a unit that explores its final prices, chose it]; 1 \
             without exploration. What explorers use counts against every guardrail. The plan keeps every guardrail \
             within a rounding of 1e-12, and is the same for any order, partitioning and batch size of the input. {DROPPED} \
             An error that begins 'allocate: infeasible' says what each minimum requires and what is attainable, and \
             which of them conflict, none of which could be left out (beyond 64 minimums: all that do). Values and \
             costs must each sum to at most 1e150 in size. `allocation_summary` proves how good the plan is."
        ),
        holds: "values and costs are incremental to no offer, and one unit's action does not change another's.".into(),
        source: SOURCE.into(),
        options,
        example: format!(
            "SELECT user_id, action, value, cost, allocation_rank\nFROM allocate({EXAMPLE_ROWS}, budget => 4)\nORDER BY user_id;"
        ),
    }
}

fn summary() -> Documentation {
    let mut options = solved();
    options.push(on_infeasible());
    Documentation {
        name: Purpose::Summary.name().into(),
        summary: "Says how good the plan of `allocate` is, what limits it and what was dropped.".into(),
        details: format!(
            "Takes the arguments of `allocate` and returns one row a number, in three sections. 'plan': status (verdict \
             'optimal' with a gap of at most 1e-9, 'feasible', 'least_violation' or 'infeasible'), objective (value - \
             min_value_per_cost * cost), value, cost, treated, bound (no plan's objective is greater), gap ((bound - \
             objective) / |bound|; both NULL of a plan that does not keep the guardrails), passes over the data, min_value_per_cost when given, and rows, pairs (choices), units \
             and explorers of the input; all in amount. 'guardrail': one row a limit, named as in errors, with what is \
             used in amount, minimum, maximum, the verdict 'kept' or 'broken', binding, and shadow_price, what one more \
             of the limit is worth in objective (negative for a binding minimum). When infeasible, amount is the most (of \
             a maximum: the least) that is attainable, and the verdict of those that conflict is 'in_conflict'. \
             'dropped': one row a reason, with the rows in amount and the value and cost they would have carried. \
             {DROPPED} Everything that does not apply is NULL."
        ),
        holds: "the conditions of `allocate` hold.".into(),
        source: SOURCE.into(),
        options,
        example: format!(
            "SELECT section, name, amount\nFROM allocation_summary({EXAMPLE_ROWS}, budget => 4)\n\
             WHERE section = 'guardrail' OR name IN ('value', 'bound', 'not_finite');"
        ),
    }
}

fn frontier() -> Documentation {
    let mut options = solved();
    options.push(constant("points", "50", "budgets, evenly spaced from 0"));
    Documentation {
        name: Purpose::Frontier.name().into(),
        summary: "Shows what each budget buys under the guardrails of `allocate`.".into(),
        details: format!(
            "Returns one row a budget, from 0 to the one given, by default to what is spent without a budget: spend, \
             value, shadow_price (the objective, value - min_value_per_cost * cost, that one more of the budget would \
             buy) and treated units of the plan; NULL at budgets that no plan keeps with the other guardrails, an error \
             where none keeps them without a budget. With no other guardrail all points come from one ordering of the \
             steps from each action to a dearer one by what they add in value per cost: a budget takes them as far as it \
             lasts, and the units near the last step are decided once more. The points are searched less than `allocate` \
             searches one plan: their value can be a little less. {DROPPED}"
        ),
        holds: "the conditions of `allocate` hold.".into(),
        source: SOURCE.into(),
        options,
        example: format!("SELECT *\nFROM budget_frontier({EXAMPLE_ROWS}, points => 5)\nORDER BY budget;"),
    }
}

fn audit() -> Documentation {
    Documentation {
        name: Purpose::Audit.name().into(),
        summary: "Recomputes every limit of a plan from its rows, whoever made it.".into(),
        details: "Returns one row a limit: what is used, the minimum and maximum, and breach, how far it is beyond them: 0 \
            where it is kept, so that WHERE breach > 0 gives the breaches. Besides the limits of the call there are rows \
            that count what no plan should have, by name: null_key (unit or action is NULL), ineligible, not_finite, \
            value_not_positive, cost_per_value_too_high (when max_cost_per_value is given) and more_than_one_action \
            (units). min_treated and max_treated are about units, counts on members about rows. A member that no row has \
            is used 0. Rows whose action is 'no_offer', or whose unit or action is NULL, count in nothing else; sums \
            leave out values and costs that are NULL, NaN or infinite."
            .into(),
        holds: "value and cost are those the plan was made from.".into(),
        source: String::new(),
        options: limits(),
        example: format!(
            "SELECT name, used, breach\nFROM allocation_audit({EXAMPLE_ROWS}, budget => 10)\nWHERE breach > 0;"
        ),
    }
}
