//! Types of arguments: what is accepted, and what the engine casts it to.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::types::{logical_binary, logical_float64, logical_int64, logical_string};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{Coercion, Signature, TypeSignature, TypeSignatureClass, Volatility};

use super::call::Layout;
use super::definition::Definition;
use super::rule::Rule;

/// The signature of a definition's functions: types are left to [`coerce`], the forms are those the engine lists.
pub(super) fn signature(definition: &Definition) -> Signature {
    let columns: Vec<Coercion> = definition
        .arguments
        .iter()
        .map(|argument| if argument.rule == Rule::Level { logical_string() } else { logical_float64() })
        .chain(definition.clustered.then(logical_int64))
        .map(|logical| Coercion::new_exact(TypeSignatureClass::Native(logical)))
        .collect();
    let required = definition.required().max(definition.short_form.len());
    let mut forms = vec![columns[..required].to_vec(), columns];
    forms.dedup();
    listed(&definition.argument_names(), forms)
}

/// The signature of functions that merge states.
pub(super) fn merge_signature(names: &[&str]) -> Signature {
    listed(names, vec![vec![Coercion::new_exact(TypeSignatureClass::Native(logical_binary()))]])
}

/// A signature whose types are the function's own matter: the engine tries `UserDefined` first and lists the rest in
/// `information_schema` and `SHOW FUNCTIONS`, where it would show nothing of a `UserDefined` alone.
fn listed(names: &[&str], forms: Vec<Vec<Coercion>>) -> Signature {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut signature = Signature::user_defined(Volatility::Immutable)
        .with_parameter_names(names)
        .expect("argument names are distinct");
    let forms = forms.into_iter().map(TypeSignature::Coercible);
    signature.type_signature =
        TypeSignature::OneOf([TypeSignature::UserDefined].into_iter().chain(forms).collect());
    signature
}

/// Casts numeric columns to DOUBLE; clusters, levels, constants and arguments that are not given stay as they are.
///
/// The engine replaces an error of `coerce_types` by a text of its own, so functions leave wrong types as they are
/// there and call this again for the error where the result type is asked for.
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
