//! A call of a relation function, as it stands in the query.

use datafusion::common::{DataFusionError, Diagnostic, Result, Span as DataFusionSpan};
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, ObjectName, Spanned};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::documentation::Documentation;
use super::input::Input;
use super::problem::{likely, problem_at};

/// A call whose options are all known to the function and whose required ones are all given.
pub(super) struct RelationCall {
    /// Place of the function's name.
    pub(super) span: Span,
    pub(super) input: Input,
    options: Vec<(String, Expr)>,
}

impl RelationCall {
    /// Reads the arguments of a call.
    ///
    /// # Errors
    ///
    /// When there is no relation, an option is unknown, given twice or without its name, or a required one is missing.
    pub(super) fn read(
        function: &Documentation,
        name: &ObjectName,
        arguments: Vec<FunctionArg>,
        context: &dyn RelationPlannerContext,
    ) -> Result<Self> {
        let span = name.span();
        let expected = || Some(format!("write {}", function.call_form()));
        let mut arguments = arguments.into_iter();
        let input = match arguments.next() {
            Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => Input::read(&function.name, expr)?,
            _ => {
                let message = format!("{}: the first argument must be a relation", function.name);
                return Err(problem_at(span, message, expected()));
            }
        };
        let mut options: Vec<(String, Expr)> = vec![];
        for argument in arguments {
            let at = argument.span();
            let FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } = argument else {
                let message = format!("{}: options are given by name, got {argument}", function.name);
                return Err(problem_at(at, message, expected()));
            };
            let at = name.span;
            let option = context.normalize_ident(name);
            if function.option(&option).is_none() {
                return Err(unknown_option(function, &option, at));
            }
            if options.iter().any(|(given, _)| *given == option) {
                return Err(problem_at(
                    at,
                    format!("{}: option '{option}' is given twice", function.name),
                    None,
                ));
            }
            options.push((option, value));
        }
        let mut required = function.options.iter().filter(|option| option.is_required());
        if let Some(missing) = required.find(|option| options.iter().all(|(given, _)| *given != option.name))
        {
            let message = format!("{}: option '{}' is required", function.name, missing.name);
            let help = format!("add {} => …: {}", missing.name, missing.description);
            return Err(problem_at(span, message, Some(help)));
        }
        Ok(Self { span, input, options })
    }

    /// Where the call and its options stand.
    pub(super) fn places(&self) -> Places {
        let options = self.options.iter().map(|(name, value)| (name.clone(), value.span())).collect();
        Places { call: self.span, options }
    }

    /// The options that were given, by name.
    pub(super) fn options(&self) -> &[(String, Expr)] {
        &self.options
    }

    /// The value of an option, unless it was left out.
    pub(super) fn option(&self, name: &str) -> Option<&Expr> {
        self.options.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }
}

/// Places of a call and its options in the caller's text.
pub(super) struct Places {
    call: Span,
    options: Vec<(String, Span)>,
}

impl Places {
    /// Gives an error in a macro's body the place of the option that it names, else of the call.
    ///
    /// It stays as it is when it has a place, and when this call has none: it stands in the body of another macro.
    pub(super) fn blame(&self, error: DataFusionError) -> DataFusionError {
        if error.diagnostic().is_some() {
            return error;
        }
        let message = error.find_root().message().into_owned();
        let is_named = |name: &str| {
            message.contains(&format!(": {name} must be")) || message.contains(&format!("option '{name}'"))
        };
        let option = self.options.iter().find(|(name, _)| is_named(name));
        match DataFusionSpan::try_from_sqlparser_span(option.map_or(self.call, |(_, span)| *span)) {
            Some(span) => error.with_diagnostic(Diagnostic::new_error(message, Some(span))),
            None => error,
        }
    }
}

fn unknown_option(function: &Documentation, option: &str, at: Span) -> DataFusionError {
    let names = || function.options.iter().map(|option| option.name.as_str());
    let help = match likely(option, names()) {
        Some(name) => format!("did you mean {name}?"),
        None if function.options.is_empty() => "it takes the relation alone".into(),
        None => format!("the options are {}", names().collect::<Vec<_>>().join(", ")),
    };
    problem_at(at, format!("{}: unknown option '{option}'", function.name), Some(help))
}
