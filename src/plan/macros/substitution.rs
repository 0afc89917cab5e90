//! A macro's body with a caller's relation and arguments in it.
//!
//! The columns of `input` are the caller's expressions over the caller's relation, so a name in an argument means what
//! it means there. Only constants are substituted in the body itself, and a constant has no columns. The engine refuses
//! a CTE that shadows another, so the body's CTEs get names that no query has; each reference keeps its old name as its
//! alias.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::logical_expr::planner::{ContextProvider, RelationPlannerContext};
use datafusion::sql::sqlparser::ast::{
    Array, Expr, FunctionArg, FunctionArgExpr, Ident, Query, SelectItem, SetExpr, Spanned, Statement,
    TableAlias, TableFactor, Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Span, Tokenizer};

use crate::plan::call::RelationCall;
use crate::plan::documentation::{Documentation, OptionKind, OptionSpec, Values};
use crate::plan::input::Input;
use crate::plan::problem::problem_at;

/// The relation that a body is about.
const INPUT: &str = "input";

/// Parses the body of the macro `name`: one query.
pub(super) fn parse_body(name: &str, text: &str) -> Result<Box<Query>> {
    let failed = |error: ParserError| plan_datafusion_err!("{name}.sql: {error}");
    match parser(text).and_then(|mut parser| parser.parse_statements()).map_err(failed)?.as_mut_slice() {
        [Statement::Query(query)] => Ok(query.clone()),
        other => plan_err!("{name}.sql: expected one query, got {} statements", other.len()),
    }
}

/// A parser of text of ours: its tokens have no places, which errors would take for places in the caller's text.
fn parser(text: &str) -> Result<Parser<'static>, ParserError> {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize()?;
    Ok(Parser::new(&GenericDialect {}).with_tokens(tokens))
}

fn parse_expr(text: &str) -> Result<Expr> {
    let parsed = parser(text).and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|error| plan_datafusion_err!("{text}: {error}"))
}

/// Checks that the body names only what the header declares, and that its CTEs can be renamed.
pub(super) fn check(documentation: &Documentation, body: &Query) -> Result<()> {
    let mut survey = Survey::default();
    _ = body.visit(&mut survey);
    let name = &documentation.name;
    for (position, cte) in survey.ctes.iter().enumerate() {
        if cte == INPUT || survey.ctes[..position].contains(cte) {
            return plan_err!("{name}.sql: two CTEs are named '{cte}'");
        }
    }
    for placeholder in survey.placeholders {
        let constant = documentation.option(&placeholder).is_some_and(is_constant);
        let text = placeholder.strip_suffix("_sql");
        if !constant && !text.is_some_and(|text| text == INPUT || documentation.option(text).is_some()) {
            return plan_err!("{name}.sql: ':{placeholder}' is not declared as a @constant");
        }
    }
    for option in documentation.options.iter() {
        if let OptionKind::Constant { default: Some(default) } = &option.kind {
            parse_expr(default)?;
        }
    }
    Ok(())
}

/// Names of the functions that stand in FROM of the body.
pub(super) fn callees(body: &Query) -> Vec<String> {
    let mut survey = Survey::default();
    _ = body.visit(&mut survey);
    survey.callees
}

/// What a body has in it.
#[derive(Default)]
struct Survey {
    ctes: Vec<String>,
    placeholders: Vec<String>,
    callees: Vec<String>,
}

impl Visitor for Survey {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| cte.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } = factor {
            self.callees.push(name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        self.placeholders.extend(placeholder(&value.value).map(String::from));
        ControlFlow::Continue(())
    }
}

/// `alpha` of `:alpha`.
fn placeholder(value: &Value) -> Option<&str> {
    match value {
        Value::Placeholder(name) => name.strip_prefix(':'),
        _ => None,
    }
}

fn is_constant(option: &OptionSpec) -> bool {
    matches!(option.kind, OptionKind::Constant { .. })
}

/// Makes the query that a call of a macro stands for.
///
/// # Errors
///
/// When a constant has columns in it, a column an aggregate, or a struct of columns is none.
pub(super) fn substitute(
    documentation: &Documentation,
    body: &Query,
    call: RelationCall,
    context: &dyn RelationPlannerContext,
) -> Result<Box<Query>> {
    // Calls stand at different places, so these names differ, and the same query always gets the same ones.
    let Span { start, .. } = call.span;
    let hidden = |cte: &str| format!("{cte} of {} at {}:{}", documentation.name, start.line, start.column);
    let mut values = BTreeMap::from([(format!("{INPUT}_sql"), text(call.input.sql()))]);
    let mut columns = vec![];
    for option in &documentation.options {
        let given = call.option(&option.name);
        let sql = given.map_or_else(|| "NULL".to_string(), ToString::to_string);
        values.insert(format!("{}_sql", option.name), text(sql));
        match &option.kind {
            OptionKind::Constant { default } => {
                let value = match (given, default) {
                    (Some(given), _) => checked(given, &documentation.name, option, context)?,
                    (None, Some(default)) => parse_expr(default)?,
                    (None, None) => Expr::value(Value::Null),
                };
                values.insert(option.name.clone(), value);
            }
            // A macro has one relation: no header declares another.
            OptionKind::Relation { .. } => {}
            OptionKind::Column { .. } | OptionKind::Columns { .. } => {
                let expr = match given {
                    Some(given) => checked(given, &documentation.name, option, context)?,
                    None => Expr::value(Value::Null),
                };
                columns.push(SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', &option.name) });
            }
        }
    }

    let mut query = Box::new(body.clone());
    let mut survey = Survey::default();
    _ = query.visit(&mut survey);
    let ctes = survey.ctes.iter().map(String::as_str).chain([INPUT]);
    let names: BTreeMap<_, _> = ctes.map(|cte| (cte.to_string(), hidden(cte))).collect();
    _ = VisitMut::visit(&mut query, &mut Rename(&names));
    _ = VisitMut::visit(&mut query, &mut Constants(&values));

    let mut with = parse_body("", "WITH input AS (SELECT 1) SELECT 1")?.with.expect("it is written with one");
    with.cte_tables[0].alias.name = Ident::with_quote('"', &names[INPUT]);
    with.cte_tables[0].query = input(columns, call.input)?;
    if let Some(own) = query.with.take() {
        with.recursive = own.recursive;
        with.cte_tables.extend(own.cte_tables);
    }
    query.with = Some(with);
    Ok(query)
}

/// `SELECT <argument> AS <declared name>, … FROM <the caller's relation>`.
fn input(columns: Vec<SelectItem>, relation: Input) -> Result<Box<Query>> {
    let mut query = parse_body("", "SELECT 1 FROM t")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = columns;
        select.from[0].relation = relation.into_factor();
    }
    Ok(query)
}

fn text(sql: String) -> Expr {
    Expr::value(Value::SingleQuotedString(sql))
}

/// Returns the value of an option as it stands in the query, once it is known to be what the option takes.
fn checked(
    given: &Expr,
    function: &str,
    option: &OptionSpec,
    context: &dyn RelationPlannerContext,
) -> Result<Expr> {
    let constant = is_constant(option);
    let mut search = Unfit { functions: context.context_provider(), constant, depth: 0 };
    if let ControlFlow::Break(unfit) = given.visit(&mut search) {
        let name = &option.name;
        let (message, help) = match constant {
            true => (
                format!("{function}: {name} must be a constant, got {given}"),
                format!("{unfit} is a column; text stands in single quotes"),
            ),
            false => (
                format!("{function}: {name} must be an expression over rows, got {given}"),
                format!("{unfit} is an aggregate; compute it in the relation"),
            ),
        };
        return Err(problem_at(given.span(), message, Some(help)));
    }
    match &option.kind {
        OptionKind::Columns { values, .. } => named_values(given, function, option, *values),
        OptionKind::Constant { default: Some(default) } => literal_like(given, function, option, default),
        _ => Ok(given.clone()),
    }
}

/// Refuses a text where the default is a number, and a number where it is a text.
fn literal_like(given: &Expr, function: &str, option: &OptionSpec, default: &str) -> Result<Expr> {
    let is_text = |expr: &Expr| match expr {
        Expr::Value(value) => match value.value {
            Value::SingleQuotedString(_) => Some(true),
            Value::Number(..) => Some(false),
            _ => None,
        },
        _ => None,
    };
    match (is_text(given), is_text(&parse_expr(default)?)) {
        (Some(given_text), Some(default_text)) if given_text != default_text => {
            let kind = if default_text { "a text" } else { "a number" };
            let message = format!("{function}: {} must be {kind}, got {given}", option.name);
            Err(problem_at(given.span(), message, Some(format!("as in {} => {default}", option.name))))
        }
        _ => Ok(given.clone()),
    }
}

/// Finds what an argument must not have in it, outside of subqueries.
struct Unfit<'a> {
    functions: &'a dyn ContextProvider,
    /// Whether columns must not be there, rather than aggregates.
    constant: bool,
    /// Subqueries around the expression at hand.
    depth: usize,
}

impl Visitor for Unfit<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        let unfit = match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.constant,
            Expr::Function(function) => {
                let is_aggregate = || self.functions.get_aggregate_meta(&function.name.to_string()).is_some();
                !self.constant && function.over.is_none() && is_aggregate()
            }
            _ => false,
        };
        if unfit && self.depth == 0 {
            ControlFlow::Break(expr.to_string())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// `[{'name': 'a', 'value': x}, …]` of `{'a': x, …}`.
fn named_values(given: &Expr, function: &str, option: &OptionSpec, values: Values) -> Result<Expr> {
    let Expr::Dictionary(fields) = given else {
        let message = format!("{function}: {} must be {}, got {given}", option.name, option.takes());
        return Err(problem_at(given.span(), message, None));
    };
    let mut names = BTreeSet::new();
    if let Some(twice) = fields.iter().find(|field| !names.insert(&field.key.value)) {
        let message =
            format!("{function}: '{}' is given twice in {}; give it once", twice.key.value, option.name);
        return Err(problem_at(given.span(), message, None));
    }
    let pair = parse_expr(match values {
        Values::Numbers => "{'name': :name, 'value': CAST(:value AS DOUBLE)}",
        Values::Texts => "{'name': :name, 'value': CAST(:value AS VARCHAR)}",
    })?;
    let pairs = fields.iter().map(|field| {
        let values = BTreeMap::from([
            ("name".to_string(), text(field.key.value.clone())),
            ("value".to_string(), field.value.as_ref().clone()),
        ]);
        let mut pair = pair.clone();
        _ = VisitMut::visit(&mut pair, &mut Constants(&values));
        pair
    });
    Ok(Expr::Array(Array { elem: pairs.collect(), named: false }))
}

/// Gives CTEs, and what refers to them, their new names.
struct Rename<'a>(&'a BTreeMap<String, String>);

impl Rename<'_> {
    fn hidden(&self, name: &Ident) -> Option<Ident> {
        self.0.get(&name.value).map(|hidden| Ident::with_quote('"', hidden))
    }
}

impl VisitorMut for Rename<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            cte.alias.name = self.hidden(&cte.alias.name).unwrap_or_else(|| cte.alias.name.clone());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, args, .. } = factor else { return ControlFlow::Continue(()) };
        match args {
            None => {
                let [part] = name.0.as_slice() else { return ControlFlow::Continue(()) };
                let Some(old) = part.as_ident().cloned() else { return ControlFlow::Continue(()) };
                if let Some(hidden) = self.hidden(&old) {
                    alias.get_or_insert(TableAlias { explicit: true, name: old, columns: vec![], at: None });
                    *name = vec![hidden].into();
                }
            }
            // A CTE as the relation of another function.
            Some(args) => {
                if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(first)))) =
                    args.args.first_mut()
                    && let Some(hidden) = self.hidden(first)
                {
                    *first = hidden;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Puts values in the place of `:name`.
struct Constants<'a>(&'a BTreeMap<String, Expr>);

impl VisitorMut for Constants<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Some(given) = placeholder(&value.value).and_then(|name| self.0.get(name))
        {
            *expr = match given {
                Expr::Value(_) => given.clone(),
                _ => Expr::Nested(Box::new(given.clone())),
            };
        }
        ControlFlow::Continue(())
    }
}
