//! Types of arguments: what is accepted, and what the engine casts it to.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{Signature, Volatility};

use super::call::Layout;
use super::definition::Definition;
use super::rule::Rule;

/// A signature that leaves the types to [`coerce`] and knows the names.
pub(super) fn signature(names: &[&str]) -> Signature {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Signature::user_defined(Volatility::Immutable)
        .with_parameter_names(names)
        .expect("argument names are distinct")
}

/// Casts numeric columns to DOUBLE; clusters, levels, constants and arguments that are not given stay as they are.
pub(super) fn coerce(definition: &Definition, function: &str, types: &[DataType]) -> Result<Vec<DataType>> {
    let layout = Layout::new(definition, function, types)?;
    let mut coerced = types.to_vec();
    for (argument, position) in definition.arguments.iter().zip(&layout.columns) {
        let Some(position) = *position else { continue };
        if argument.rule == Rule::Level {
            continue;
        }
        if !is_number(&types[position]) {
            return plan_err!("{function}: {} must be a number, got {}", argument.name, types[position]);
        }
        coerced[position] = DataType::Float64;
    }
    Ok(coerced)
}

fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Null => true,
        DataType::Dictionary(_, values) => is_number(values),
        other => other.is_numeric(),
    }
}
