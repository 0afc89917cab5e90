//! Reads the SQL of a call: which columns and constants it gives, and the guardrail relation.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, ExprSchemable, Extension, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{Expr as Syntax, Ident, Spanned};

use super::columns::Columns;
use super::node::AllocateNode;
use super::settings::{CONSTANTS, Kind};
use super::{chosen, dimensions, documentation, guardrails};
use crate::plan::RelationFunction;
use crate::plan::call::RelationCall;
use crate::plan::documentation::Documentation;
use crate::plan::input::Input;
use crate::plan::problem::problem_at;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::plan) enum Purpose {
    Allocate,
    Summary,
    Frontier,
    Audit,
}

impl Purpose {
    pub(in crate::plan) const ALL: [Self; 4] = [Self::Allocate, Self::Summary, Self::Frontier, Self::Audit];

    /// The name in SQL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Allocate => "allocate",
            Self::Summary => "allocation_summary",
            Self::Frontier => "budget_frontier",
            Self::Audit => "allocation_audit",
        }
    }

    /// The name in plans.
    pub(super) fn operator(self) -> &'static str {
        match self {
            Self::Allocate => "Allocate",
            Self::Summary => "AllocationSummary",
            Self::Frontier => "BudgetFrontier",
            Self::Audit => "AllocationAudit",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A function of the family.
#[derive(Debug)]
pub(in crate::plan) struct Allocation {
    purpose: Purpose,
    documentation: Documentation,
    /// Whether the session has the planner that makes operators of nodes.
    can_run: bool,
}

impl Allocation {
    pub(in crate::plan) fn new(purpose: Purpose, can_run: bool) -> Self {
        Self { purpose, documentation: documentation::of(purpose), can_run }
    }
}

impl RelationFunction for Allocation {
    fn documentation(&self) -> &Documentation {
        &self.documentation
    }

    fn plan(&self, call: RelationCall, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        let name = self.purpose.name();
        if !self.can_run {
            let message = format!("{name}: this session cannot run operators of its own");
            let help = "make the session with datafusion_causal::session::builder instead of register";
            return Err(problem_at(call.span, message, Some(help.into())));
        }
        let given = call.options().to_vec();
        let given = |option: &str| given.iter().find(|(name, _)| name == option).map(|(_, value)| value);
        let span = call.span;
        let input = call.input.plan(context)?;
        let reading = Reading { name, span, schema: input.schema() };
        if self.purpose == Purpose::Allocate {
            reading.refuse_collisions()?;
        }
        let columns = Columns {
            unit: reading.column("unit", "user_id", given("unit"), context)?,
            action: reading.column("action", "action", given("action"), context)?,
            value: reading.number("value", given("value"), context)?,
            cost: reading.number("cost", given("cost"), context)?,
            eligible: given("eligible")
                .filter(|syntax| !is_null(syntax))
                .map(|syntax| reading.eligible(syntax, context))
                .transpose()?,
        };
        let mut constants = vec![];
        for (option, kind) in CONSTANTS {
            if let Some(syntax) = given(option)
                && let Some(constant) = reading.constant(option, kind, syntax, context)?
            {
                constants.push((option, constant));
            }
        }
        let guardrails = match given("guardrails") {
            Some(syntax) if !is_null(syntax) => {
                let plan = Input::read_as(name, "guardrails", syntax.clone())?.plan(context)?;
                Some(reading.guardrails(plan, syntax)?)
            }
            _ => None,
        };
        let is_column = |name: &String| input.schema().fields().iter().any(|field| field.name() == name);
        // One that is none is an error once it is read, which then tells all columns.
        let dimensions = guardrails.as_ref().and_then(|plan| dimensions::literals(plan, 0));
        let dimensions = dimensions.filter(|names| names.iter().all(is_column));
        let node =
            AllocateNode::new(self.purpose, input.clone(), guardrails, dimensions, columns, constants)?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }
}

fn is_null(syntax: &Syntax) -> bool {
    matches!(syntax, Syntax::Value(value) if matches!(value.value, datafusion::sql::sqlparser::ast::Value::Null))
}

/// What is needed to read an option and to say what is wrong with it.
struct Reading<'a> {
    name: &'static str,
    span: datafusion::sql::sqlparser::tokenizer::Span,
    schema: &'a DFSchema,
}

impl Reading<'_> {
    /// Appended columns must not be there yet.
    fn refuse_collisions(&self) -> Result<()> {
        for added in chosen::fields() {
            if self.schema.fields().iter().any(|field| field.name() == added.name()) {
                let message = format!("{}: the input has a column '{}' already", self.name, added.name());
                let help = "leave it out of the query or rename it there";
                return Err(problem_at(self.span, message, Some(help.into())));
            }
        }
        Ok(())
    }

    /// An expression over the relation, by default one of its columns.
    fn column(
        &self,
        option: &str,
        default: &str,
        given: Option<&Syntax>,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Expr> {
        let syntax = match given {
            Some(syntax) => syntax.clone(),
            None if self.schema.fields().iter().any(|field| field.name() == default) => {
                Syntax::Identifier(Ident::with_quote('"', default))
            }
            None => {
                let names: Vec<_> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
                let message = format!(
                    "{}: column '{default}' not found; the input has {}",
                    self.name,
                    names.join(", ")
                );
                let help = format!("name it in the query or give {option} => …");
                return Err(problem_at(self.span, message, Some(help)));
            }
        };
        let at = syntax.span();
        let expr = context.sql_to_expr(syntax, self.schema)?;
        if expr_contains_aggregate(&expr)? {
            let message = format!("{}: {option} must be an expression over a row, got {expr}", self.name);
            return Err(problem_at(at, message, Some("aggregate in the query".into())));
        }
        Ok(expr)
    }

    fn number(
        &self,
        option: &str,
        given: Option<&Syntax>,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Expr> {
        let expr = self.column(option, option, given, context)?;
        let data_type = expr.get_type(self.schema)?;
        if !(data_type.is_numeric() || data_type.is_null()) {
            let at = given.map_or(self.span, Spanned::span);
            let message = format!("{}: {option} must be a number, got {data_type}", self.name);
            return Err(problem_at(at, message, None));
        }
        expr.cast_to(&DataType::Float64, self.schema)
    }

    fn eligible(&self, syntax: &Syntax, context: &mut dyn RelationPlannerContext) -> Result<Expr> {
        let expr = self.column("eligible", "", Some(syntax), context)?;
        let data_type = expr.get_type(self.schema)?;
        if !(data_type == DataType::Boolean || data_type.is_integer() || data_type.is_null()) {
            let message = format!("{}: eligible must be a Boolean or an integer, got {data_type}", self.name);
            return Err(problem_at(syntax.span(), message, None));
        }
        // Integers are checked where they are read.
        if data_type.is_integer() { Ok(expr) } else { expr.cast_to(&DataType::Boolean, self.schema) }
    }

    /// A constant of its kind; `None` for a bare NULL.
    fn constant(
        &self,
        option: &str,
        kind: Kind,
        syntax: &Syntax,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Option<Expr>> {
        if is_null(syntax) {
            return Ok(None);
        }
        let nothing = DFSchema::empty();
        let not_constant = |reason: &str| {
            let message = format!("{}: {option} must be a constant, got {syntax}", self.name);
            problem_at(syntax.span(), format!("{message}{reason}"), None)
        };
        let expr = context.sql_to_expr(syntax.clone(), &nothing).map_err(|error| {
            match error.find_root().message().contains("No field named") {
                true => not_constant("; a constant, a query in parentheses or $1"),
                false => error,
            }
        })?;
        if let Expr::Placeholder(placeholder) = expr {
            let field = Arc::new(Field::new(option, kind.data_type(), true));
            return Ok(Some(Expr::Placeholder(Placeholder::new_with_field(placeholder.id, Some(field)))));
        }
        if expr_contains_aggregate(&expr)? || expr.contains_outer() || expr.is_volatile() {
            return Err(not_constant(""));
        }
        let data_type = expr.get_type(&nothing)?;
        if !(kind.takes(&data_type) || data_type.is_null()) {
            let message = format!("{}: {option} must be {}, got {data_type}", self.name, kind.noun());
            return Err(problem_at(syntax.span(), message, None));
        }
        Ok(Some(expr.cast_to(&kind.data_type(), &nothing)?))
    }

    /// The guardrail relation with its five columns, of the types they are read as.
    fn guardrails(&self, plan: LogicalPlan, syntax: &Syntax) -> Result<LogicalPlan> {
        let names: Vec<String> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        let is_known = |name: &String| guardrails::COLUMNS.iter().any(|(known, _)| known == name);
        let unknown = names.iter().find(|name| !is_known(name));
        let mut exprs = vec![];
        for (name, data_type) in guardrails::COLUMNS {
            let position = plan.schema().fields().iter().position(|field| field.name() == name);
            let expr = match position {
                Some(position) => Expr::Column(plan.schema().columns()[position].clone()),
                // A limit that no row has may be left out, if no other column could be meant for it.
                None if (name == "minimum" || name == "maximum") && unknown.is_none() => {
                    lit(datafusion::common::ScalarValue::Null)
                }
                None => {
                    let message = format!(
                        "{}: guardrails must have the columns dimension, member, measure, minimum and maximum, got {}",
                        self.name,
                        names.join(", ")
                    );
                    return Err(problem_at(syntax.span(), message, None));
                }
            };
            let given = expr.get_type(plan.schema())?;
            if data_type == DataType::Float64 && !(given.is_numeric() || given.is_null()) {
                let message = format!("{}: {name} of guardrails must be a number, got {given}", self.name);
                return Err(problem_at(syntax.span(), message, None));
            }
            exprs.push(expr.cast_to(&data_type, plan.schema())?.alias(format!("guardrail_{name}")));
        }
        LogicalPlanBuilder::from(plan).project(exprs)?.build()
    }
}

fn expr_contains_aggregate(expr: &Expr) -> Result<bool> {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_) | Expr::WindowFunction(_))))
}
