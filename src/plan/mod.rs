//! Relation functions: functions that stand in FROM and take a relation, as in `arm_effects((SELECT …), outcome => y)`.
//!
//! [`Relations`] finds the function of a call and reads the call; the function makes a plan of it. Most are written in
//! SQL (`macros`); `expand` is a projection; `allocate` and its siblings have operators of their own.

mod allocate;
mod call;
mod documentation;
mod expand;
mod input;
mod macros;
mod problem;
mod raise;
mod reference;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::sql::sqlparser::ast::{FunctionArg, ObjectName, TableAlias, TableFactor};

use allocate::{Allocation, Purpose};
use call::RelationCall;
use expand::Expand;
use input::{NAMED_INPUT, plan_named};
use macros::SqlMacro;

pub(crate) use allocate::CausalQueryPlanner;
pub(crate) use documentation::Documentation;
pub(crate) use input::{TABLE_LOOKUP, TableLookup};
pub(crate) use raise::raise_error;
pub(crate) use reference::reference;

/// A function that stands in FROM.
trait RelationFunction: Debug + Send + Sync {
    /// What the function is called, what it takes and what it is for.
    fn documentation(&self) -> &Documentation;

    /// Makes a plan of a call.
    fn plan(&self, call: RelationCall, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan>;

    /// Names of the relation functions that this one calls itself.
    fn callees(&self) -> Vec<String> {
        vec![]
    }
}

/// The relation functions of a session.
#[derive(Clone, Debug)]
pub(crate) struct Relations {
    functions: BTreeMap<String, Arc<dyn RelationFunction>>,
}

impl Relations {
    /// The functions of this crate, for a session with the query planner of this crate or without.
    pub(crate) fn built_in(has_planner: bool) -> Self {
        let mut relations = Self { functions: BTreeMap::new() };
        for purpose in Purpose::ALL {
            relations.add(Arc::new(Allocation::new(purpose, has_planner)));
        }
        relations.add(Arc::new(Expand::default()));
        for macro_ in macros::built_in() {
            relations.add(Arc::new(macro_));
        }
        relations
    }

    /// Adds the macros in the `.sql` files of a directory, replacing functions of the same names.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not a macro, and when macros would call each other in a circle.
    pub(crate) fn with_macros(mut self, directory: &Path) -> Result<Self> {
        for macro_ in SqlMacro::read_all(directory)? {
            self.add(Arc::new(macro_));
        }
        macros::refuse_circles(
            self.functions.values().map(|f| (f.documentation().name.clone(), f.callees())),
        )?;
        Ok(self)
    }

    /// The documentation of every function, by name.
    pub(crate) fn documentations(&self) -> impl Iterator<Item = &Documentation> {
        self.functions.values().map(|function| function.documentation())
    }

    fn add(&mut self, function: Arc<dyn RelationFunction>) {
        self.functions.insert(function.documentation().name.clone(), function);
    }
}

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let Some((name, arguments, alias)) = as_call(&relation) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let called = name.to_string().to_lowercase();
        let plan = if called == NAMED_INPUT {
            plan_named(arguments, context)?
        } else if let Some(function) = self.functions.get(&called) {
            let call = RelationCall::read(function.documentation(), name, arguments.to_vec(), context)?;
            function.plan(call, context)?
        } else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

/// Name, arguments and alias of a call in FROM, also behind LATERAL.
fn as_call(relation: &TableFactor) -> Option<(&ObjectName, &[FunctionArg], &Option<TableAlias>)> {
    match relation {
        TableFactor::Table { name, args: Some(args), alias, .. } => Some((name, &args.args, alias)),
        TableFactor::Function { name, args, alias, .. } => Some((name, args, alias)),
        _ => None,
    }
}
