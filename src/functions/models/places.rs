//! Where the arguments of a call that has features stand, and what types they may have.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};

use super::schema::check_types;
use crate::functions::adapter::{Definition, Rule, is_number};

/// Positions of arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Places {
    /// By argument of the definition, `None` for those left out.
    pub(super) columns: Vec<Option<usize>>,
    pub(super) options: Option<usize>,
}

impl Places {
    /// Finds the arguments by their types: a struct where features or outcomes do not stand is the options, and ends the
    /// call; an argument of type NULL that may be left out is not given.
    pub(super) fn new(definition: &Definition, function: &str, types: &[DataType]) -> Result<Self> {
        let wrong = || {
            plan_err!(
                "{function}: expected {}, got {} arguments",
                definition.call_form(function),
                types.len()
            )
        };
        let is_struct = |data_type: &DataType| matches!(data_type, DataType::Struct(_));
        let mut places = Self { columns: vec![], options: None };
        for (i, argument) in definition.arguments.iter().enumerate() {
            let takes_struct = matches!(argument.rule, Rule::Features | Rule::Heads);
            let is_optional = argument.default.is_some();
            let given = types.get(i).filter(|_| places.options.is_none());
            places.columns.push(match given {
                None if is_optional => None,
                None => return wrong(),
                // A propensity that is not known is a bare NULL: what follows has its place.
                Some(DataType::Null) if is_optional || argument.rule == Rule::TreatedPropensity => None,
                Some(given) if is_struct(given) && !takes_struct => {
                    if !is_optional || i + 1 < types.len() {
                        return plan_err!(
                            "{function}: {} must not be a struct, got {given}; options end the call",
                            argument.name
                        );
                    }
                    places.options = Some(i);
                    None
                }
                Some(_) => Some(i),
            });
        }
        let end = definition.arguments.len();
        if places.options.is_none() && types.len() > end {
            match &types[end] {
                given if is_struct(given) && types.len() == end + 1 => places.options = Some(end),
                DataType::Null if types.len() == end + 1 => {}
                _ => return wrong(),
            }
        }
        Ok(places)
    }

    /// Whether the argument of a rule is given.
    pub(super) fn has(&self, definition: &Definition, rule: Rule) -> bool {
        let at = definition.arguments.iter().position(|argument| argument.rule == rule);
        at.is_some_and(|at| self.columns[at].is_some())
    }

    /// Refuses types of arguments that cannot be read.
    pub(super) fn check(definition: &Definition, function: &str, types: &[DataType]) -> Result<()> {
        let places = Self::new(definition, function, types)?;
        for (argument, position) in definition.arguments.iter().zip(&places.columns) {
            let Some(given) = position.map(|position| &types[position]) else { continue };
            match (argument.rule, given) {
                (Rule::Features, _) => check_types(function, given)?,
                (Rule::Heads, DataType::Struct(fields)) => {
                    if fields.is_empty() || !fields.iter().all(|field| is_number(field.data_type())) {
                        return plan_err!(
                            "{function}: {} must be a number or a struct of numbers, got {given}",
                            argument.name
                        );
                    }
                    for (i, field) in fields.iter().enumerate() {
                        if field.name().is_empty()
                            || fields[..i].iter().any(|other| other.name() == field.name())
                        {
                            return plan_err!(
                                "{function}: {} must have a name of its own for each number, got '{}'",
                                argument.name,
                                field.name()
                            );
                        }
                    }
                }
                (Rule::Any, _) => {}
                (Rule::Model, given) => {
                    if !is_bytes(given) {
                        return plan_err!(
                            "{function}: {} must be what a training function such as cate_xlearner returns, got {given}",
                            argument.name
                        );
                    }
                }
                (_, given) if is_number(given) => {}
                _ => return plan_err!("{function}: {} must be a number, got {given}", argument.name),
            }
        }
        Ok(())
    }
}

/// Whether values of a type can be models.
pub(super) fn is_bytes(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_bytes(values),
        other => other.is_binary() || other.is_null(),
    }
}
