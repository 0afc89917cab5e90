//! Statements: read, allowed or refused, planned.

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::SchemaProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::{DdlStatement, LogicalPlan, ResetVariable, SetVariable, Statement as Setting};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use tonic::Status;

use super::auth::Role;
use super::catalog::SessionSchema;
use super::parameters::{Parameters, numbered};
use super::sessions::Session;
use super::status::status;
use crate::stores::configured;

/// Settings that a session may change: they change no answer, no limit and nothing for others.
pub(super) const SETTINGS: [&str; 6] = [
    "datafusion.execution.batch_size",
    "datafusion.execution.time_zone",
    "datafusion.explain.format",
    "datafusion.explain.logical_plan_only",
    "datafusion.explain.physical_plan_only",
    "datafusion.explain.show_statistics",
];

/// A statement, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// As it was planned: with `$1` for `?`.
    pub(super) sql: String,
    pub(super) plan: LogicalPlan,
    pub(super) parameters: Parameters,
}

/// What comes back when a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returns {
    Rows,
    /// How many rows were written.
    Count,
    Nothing,
}

impl Planned {
    /// Reads and plans a statement of a session.
    ///
    /// # Errors
    ///
    /// Those of the engine, and what the role may not do.
    pub(super) async fn new(session: &Session, sql: &str) -> std::result::Result<Self, Refused> {
        let Session { context, stores, schema, .. } = session;
        let sql = numbered(sql)?;
        let statement = one_statement(&sql)?;
        stores.begin_statement();
        let plan = context.state().statement_to_plan(statement).await?;
        allow(&plan, session.role(), schema)?;
        let plan = configured(plan, stores)?;
        let parameters = Parameters::of(&plan)?;
        Ok(Self { sql, plan, parameters })
    }

    /// A statement that was sent as no text.
    ///
    /// # Errors
    ///
    /// What the role of the session may not do.
    pub(super) fn of(plan: LogicalPlan, session: &Session) -> std::result::Result<Self, Refused> {
        allow(&plan, session.role(), &session.schema)?;
        Ok(Self { sql: String::new(), plan, parameters: Parameters::default() })
    }

    /// The plans of the statement: one for each row of values that are bound to its parameters.
    ///
    /// # Errors
    ///
    /// When values are missing, too many or none of the parameters' types.
    pub(super) fn bound(&self, rows: &[RecordBatch]) -> Result<Vec<LogicalPlan>> {
        if self.parameters.is_empty() {
            return Ok(vec![self.plan.clone()]);
        }
        let mut plans = vec![];
        for rows in rows {
            for values in self.parameters.values(rows)? {
                plans.push(self.plan.clone().with_param_values(values)?);
            }
        }
        if plans.is_empty() {
            return plan_err!("{} parameters must be bound, got none", self.parameters.len());
        }
        Ok(plans)
    }

    /// The plan as far as it is known without values.
    pub(super) fn unbound(&self) -> Result<LogicalPlan> {
        match self.parameters.is_empty() {
            true => Ok(self.plan.clone()),
            false => self.plan.clone().with_param_values(self.parameters.unknown()),
        }
    }

    pub(super) fn returns(&self) -> Returns {
        match &self.plan {
            LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => Returns::Nothing,
            LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => Returns::Count,
            _ => Returns::Rows,
        }
    }
}

/// Why a statement is not planned.
#[derive(Debug)]
pub(super) enum Refused {
    Engine(DataFusionError),
    /// The role may not do it.
    Role(String),
}

impl Refused {
    /// What a client is told who sent `sql`.
    pub(super) fn status(&self, sql: &str) -> Status {
        match self {
            Self::Role(what) => Status::permission_denied(what),
            Self::Engine(error) => status(error, sql),
        }
    }
}

impl From<DataFusionError> for Refused {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error)
    }
}

/// Reads a statement. A temporary table is a table of the session, which all its tables are.
fn one_statement(sql: &str) -> Result<Statement> {
    let mut statements = DFParserBuilder::new(sql).build()?.parse_statements()?;
    let count = statements.len();
    let (1, Some(mut statement)) = (count, statements.pop_front()) else {
        return plan_err!("one statement at a time must be sent, got {count}");
    };
    if let Statement::Statement(statement) = &mut statement {
        match statement.as_mut() {
            ast::Statement::CreateTable(create) => {
                create.temporary = false;
                // LOCAL TEMPORARY is the same; the rows of a session's table stay when a statement is done.
                create.global = create.global.filter(|is_global| *is_global);
                create.on_commit = create.on_commit.filter(|kept| *kept != ast::OnCommit::PreserveRows);
            }
            ast::Statement::CreateView(create) => create.temporary = false,
            _ => {}
        }
    }
    Ok(statement)
}

/// Refuses what a role may not do, wherever in the plan it stands.
fn allow(plan: &LogicalPlan, role: Role, schema: &SessionSchema) -> std::result::Result<(), Refused> {
    let mut refused = None;
    plan.apply_with_subqueries(|node| {
        refused = what_is_refused(node, role, schema);
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    refused.map_or(Ok(()), |what| Err(Refused::Role(what)))
}

fn what_is_refused(node: &LogicalPlan, role: Role, schema: &SessionSchema) -> Option<String> {
    let for_admins = |what: &str| {
        (role < Role::Admin).then(|| format!("{what} is for the role admin; this session has {role}"))
    };
    let of_the_server = |name: &str| {
        let is_shared = schema.table_exist(name) && !schema.owns(name);
        is_shared.then(|| format!("table '{name}' is the server's; a session changes tables of its own"))
    };
    match node {
        LogicalPlan::Copy(_) => for_admins("COPY"),
        LogicalPlan::Dml(_) if role < Role::Analyst => {
            Some(format!("changing rows is for the role analyst; this session has {role}"))
        }
        LogicalPlan::Dml(dml) if role < Role::Admin => of_the_server(dml.table_name.table()),
        LogicalPlan::Ddl(ddl) => match ddl {
            DdlStatement::CreateMemoryTable(_) | DdlStatement::CreateView(_) => None,
            DdlStatement::DropTable(drop) => of_the_server(drop.name.table()),
            DdlStatement::DropView(drop) => of_the_server(drop.name.table()),
            other => for_admins(other.name()),
        },
        LogicalPlan::Statement(
            Setting::SetVariable(SetVariable { variable, .. })
            | Setting::ResetVariable(ResetVariable { variable }),
        ) => (!SETTINGS.contains(&variable.to_lowercase().as_str()) && role < Role::Admin)
            .then(|| format!("setting {variable} is not allowed; a session may set {}", SETTINGS.join(", "))),
        LogicalPlan::Statement(other) => Some(format!(
            "{} is not supported; clients prepare statements and bind values themselves",
            other.name()
        )),
        _ => None,
    }
}
