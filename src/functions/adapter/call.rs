//! A call: which columns were given, and the constants behind them.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, StructArray};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_plan::PhysicalExpr;

use super::definition::{Constants, Definition};
use super::options::{OptionSpec, Options, fields, literal};
use super::rule::Rule;
use super::signature::is_number;

/// Where the arguments of a call stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Positions of the definition's arguments, `None` for those left out.
    pub(crate) columns: Vec<Option<usize>>,
    /// Position of the cluster column.
    pub(crate) cluster: Option<usize>,
    /// Position of the struct of constants.
    constants: Option<usize>,
    /// Whether NULL stands in its place.
    null_constants: bool,
    /// Whether a column of any type is not one of numbers.
    levels: bool,
    /// Names of the constants that are texts.
    texts: Vec<String>,
    /// Whether a list stands where a number may.
    list: bool,
}

impl Layout {
    /// Whether the constant `name` is a text.
    pub(super) fn has_text(&self, name: &str) -> bool {
        self.texts.iter().any(|text| text == name)
    }

    /// Finds the arguments by their types. An argument of type NULL is not given, and a struct ends the columns.
    pub(crate) fn new(definition: &Definition, function: &str, types: &[DataType]) -> Result<Self> {
        let form = || definition.call_form(function);
        let has_constants = matches!(types.last(), Some(DataType::Struct(_)));
        if let Some(position) = types.iter().position(|given| matches!(given, DataType::Struct(_)))
            && position + 1 < types.len()
        {
            return plan_err!(
                "{function}: a struct ends the arguments, got one at position {}",
                position + 1
            );
        }
        let columns_end = types.len() - usize::from(has_constants);
        let cluster = usize::from(definition.clustered);
        let short = definition.short_form.len();
        let is_short = short > 0 && (short..=short + cluster).contains(&columns_end);
        let arguments = if is_short { short } else { definition.arguments.len() };
        let most = arguments + cluster;
        // All names given with NULL for the options: `options => NULL`.
        let named_null = columns_end == most + 1 && types[most] == DataType::Null;
        let is_cut = !is_short && short > 0 && columns_end < arguments;
        if columns_end < definition.required() || is_cut || (columns_end > most && !named_null) {
            return plan_err!("{function}: expected {}, got {} arguments", form(), types.len());
        }
        let given = |i: usize| i < columns_end.min(most) && types[i] != DataType::Null;
        let columns = definition
            .arguments
            .iter()
            .enumerate()
            .map(|(i, argument)| {
                // Of two forms the longer one has all its columns: NULL there skips rows, and is not the shorter one.
                let is_there = i < arguments && (short > 0 || given(i));
                (argument.default.is_none() || is_there).then_some(i)
            })
            .collect();
        Ok(Self {
            columns,
            cluster: (definition.clustered && given(arguments)).then_some(arguments),
            constants: has_constants.then_some(types.len() - 1),
            null_constants: named_null,
            list: definition
                .arguments
                .iter()
                .zip(types)
                .any(|(argument, given)| argument.rule == Rule::FiniteList && given.is_list()),
            texts: match types.last() {
                Some(DataType::Struct(fields)) => {
                    let texts = fields.iter().filter(|field| field.data_type().is_string());
                    texts.map(|field| field.name().clone()).collect()
                }
                _ => vec![],
            },
            levels: definition
                .arguments
                .iter()
                .zip(types)
                .any(|(argument, given)| argument.rule == Rule::Any && !is_number(given)),
        })
    }
}

/// A call with its constants known.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The name the user called.
    pub(crate) function: String,
    /// Whether each argument of the definition was given.
    pub(crate) given: Vec<bool>,
    /// Whether a cluster column was given.
    pub(crate) clustered: bool,
    /// The named options.
    pub(crate) options: Options,
    /// Expected shares by arm.
    pub(crate) shares: Vec<(String, f64)>,
    /// Whether a column of any type holds levels, not numbers.
    pub(crate) levels: bool,
    /// Whether a column holds lists of numbers.
    pub(crate) list: bool,
}

impl Call {
    /// A call with every option at its default, as far as types tell: states are of the kind that they tell of.
    pub(crate) fn with_defaults(definition: &'static Definition, function: &str, layout: &Layout) -> Self {
        let specs: Vec<_> = definition.options().iter().collect();
        let mut options = Options::defaults(&specs);
        options.assume_auto(&specs, &layout.texts);
        Self {
            function: function.to_string(),
            given: layout.columns.iter().map(Option::is_some).collect(),
            clustered: layout.cluster.is_some(),
            options,
            shares: vec![],
            levels: layout.levels,
            list: layout.list,
        }
    }

    /// A call with the constants of its physical arguments. `accepted` says which options may be named.
    pub(crate) fn new(
        definition: &'static Definition,
        function: &str,
        layout: &Layout,
        arguments: &[Arc<dyn PhysicalExpr>],
        accepted: impl Fn(&OptionSpec) -> bool,
    ) -> Result<Self> {
        let mut call = Self::with_defaults(definition, function, layout);
        let Some(constants) = layout.constants else {
            return match definition.constants {
                Constants::Options(_) => Ok(call),
                // Not known: no arm is expected and nothing can be tested.
                Constants::Shares if layout.null_constants => Ok(call),
                Constants::Shares => plan_err!(
                    "{function}: expected {}; name the expected share of each arm, as in {{'a': 0.5, 'b': 0.5}}",
                    definition.call_form(function)
                ),
            };
        };
        let given = constant_struct(function, &arguments[constants])?;
        match definition.constants {
            Constants::Shares => call.shares = shares(function, &given)?,
            _ => {
                let specs: Vec<_> = definition.options().iter().filter(|spec| accepted(spec)).collect();
                call.options = Options::parse(function, &specs, &given)?;
            }
        }
        Ok(call)
    }

    /// Whether the argument `name` of the definition was given.
    pub(crate) fn has(&self, definition: &Definition, name: &str) -> bool {
        let position = definition.arguments.iter().position(|argument| argument.name == name);
        position.is_some_and(|position| self.given[position])
    }
}

/// The struct of constants of a scalar function.
pub(in crate::functions) fn constant_scalar_struct(
    function: &str,
    argument: &ColumnarValue,
) -> Result<StructArray> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Struct(given)) => Ok(given.as_ref().clone()),
        _ => plan_err!("{function}: options must be constants"),
    }
}

/// Evaluates a struct of constants to its one row.
pub(crate) fn constant_struct(function: &str, argument: &Arc<dyn PhysicalExpr>) -> Result<StructArray> {
    let no_columns = RecordBatch::new_empty(Arc::new(Schema::empty()));
    match argument.evaluate(&no_columns) {
        Ok(ColumnarValue::Scalar(ScalarValue::Struct(given))) => Ok(given.as_ref().clone()),
        _ => plan_err!("{function}: options must be constants, got {argument}"),
    }
}

/// Reads expected shares and scales them to sum 1. An arm of share 0 is one that must not be seen.
fn shares(function: &str, given: &StructArray) -> Result<Vec<(String, f64)>> {
    let mut shares = vec![];
    for (arm, scalar) in fields(function, given)? {
        match scalar.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(Some(share))) if share >= 0.0 && share.is_finite() => {
                shares.push((arm, share));
            }
            _ => {
                return plan_err!(
                    "{function}: the share of arm '{arm}' must be a number that is not negative, got {}",
                    literal(&scalar)
                );
            }
        }
    }
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if sum <= 0.0 {
        return plan_err!("{function}: the shares must have a positive sum, got {sum}");
    }
    shares.retain(|&(_, share)| share > 0.0);
    shares.iter_mut().for_each(|(_, share)| *share /= sum);
    Ok(shares)
}
