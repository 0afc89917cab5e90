//! `allocate` and its siblings: operators that give each unit an action or none, within a budget and guardrails.
//!
//! `relation` reads the call, `node` is the logical node and `planner` makes the physical one (`exec`) of it. Running
//! it, `settings` are the constants, `guardrails` the limits and which rows they count, `pairs` the rows as numbers in
//! an order of their own, `store` the rows themselves; `solving` calls [`crate::allocation`], and `chosen`, `summary`
//! and `frontier` say what came out, in the columns of `table`. `audit` recomputes the limits of a plan that exists.

mod audit;
mod chosen;
mod columns;
mod dimensions;
mod documentation;
mod exec;
mod frontier;
mod guardrails;
mod node;
mod pairs;
mod planner;
mod pruning;
mod relation;
mod settings;
mod solving;
mod store;
mod summary;
mod table;

pub(crate) use planner::CausalQueryPlanner;
pub(super) use relation::{Allocation, Purpose};
