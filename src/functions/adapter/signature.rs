//! Types of arguments: what is accepted, and what the engine casts it to.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::types::{logical_binary, logical_float64, logical_int64, logical_string};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{Coercion, Signature, TypeSignature, TypeSignatureClass, Volatility};

use super::call::Layout;
use super::definition::{Argument, Definition};
use super::rule::Rule;

/// The signature of a definition's functions: types are left to [`coerce`], the forms are those the engine lists.
pub(super) fn signature(definition: &Definition) -> Signature {
    let columns: Vec<Coercion> = definition
        .arguments
        .iter()
        .map(|argument| match argument.rule {
            Rule::Level => TypeSignatureClass::Native(logical_string()),
            _ => TypeSignatureClass::Native(logical_float64()),
        })
        .chain(definition.clustered.then(|| TypeSignatureClass::Native(logical_int64())))
        .map(Coercion::new_exact)
        .collect();
    let required = definition.required().max(definition.short_form.len());
    let mut forms = vec![columns[..required].to_vec(), columns];
    forms.dedup();
    listed(&definition.argument_names(), forms.into_iter().map(TypeSignature::Coercible))
}

/// The signature of a function of a list of points.
pub(super) fn points_signature(definition: &Definition) -> Signature {
    let number = |name| Field::new(name, DataType::Float64, true);
    let point = DataType::Struct(vec![number("predicted"), number("actual"), number("std_error")].into());
    listed(&definition.argument_names(), [TypeSignature::Exact(vec![DataType::new_list(point, true)])])
}

/// The signature of a function of rows that have lists.
pub(super) fn row_signature(definition: &Definition) -> Signature {
    let types: Vec<_> = definition
        .arguments
        .iter()
        .map(|argument| match argument.rule {
            Rule::FiniteList | Rule::NumberList => DataType::new_list(DataType::Float64, true),
            Rule::AnyList => DataType::new_list(DataType::Utf8, true),
            Rule::Any => DataType::Utf8,
            Rule::Binary => DataType::Boolean,
            _ => DataType::Float64,
        })
        .collect();
    let mut forms = vec![types[..definition.required()].to_vec(), types];
    forms.dedup();
    listed(&definition.argument_names(), forms.into_iter().map(TypeSignature::Exact))
}

/// The signature of a function whose arguments are features among others.
pub(in crate::functions) fn features_signature(definition: &Definition) -> Signature {
    let of = |argument: &Argument| match argument.rule {
        Rule::Features => DataType::Struct(vec![Field::new("a", DataType::Float64, true)].into()),
        Rule::Any => DataType::Utf8,
        Rule::Model => DataType::Binary,
        Rule::Binary => DataType::Boolean,
        _ => DataType::Float64,
    };
    let types: Vec<_> = definition.arguments.iter().map(of).collect();
    let mut forms = vec![types[..definition.required()].to_vec(), types];
    forms.dedup();
    listed(&definition.argument_names(), forms.into_iter().map(TypeSignature::Exact))
}

/// The signature of functions that merge states.
pub(super) fn merge_signature(names: &[&str]) -> Signature {
    let state = Coercion::new_exact(TypeSignatureClass::Native(logical_binary()));
    listed(names, [TypeSignature::Coercible(vec![state])])
}

/// A signature whose types are the function's own matter: the engine tries `UserDefined` first and lists the rest in
/// `information_schema` and `SHOW FUNCTIONS`, where it would show nothing of a `UserDefined` alone.
fn listed(names: &[&str], forms: impl IntoIterator<Item = TypeSignature>) -> Signature {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut signature = Signature::user_defined(Volatility::Immutable)
        .with_parameter_names(names)
        .expect("argument names are distinct");
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
        if matches!(argument.rule, Rule::Level | Rule::Any | Rule::Points) {
            continue;
        }
        if let Some(list) = coerced_list(argument.rule, &types[position]) {
            coerced[position] = list;
            continue;
        }
        if matches!(argument.rule, Rule::NumberList | Rule::AnyList) {
            let of_numbers = if argument.rule == Rule::NumberList { " of numbers" } else { "" };
            return plan_err!(
                "{function}: {} must be a list{of_numbers}, got {}",
                argument.name,
                types[position]
            );
        }
        if !is_number(&types[position]) {
            let or_list = if argument.rule == Rule::FiniteList { " or a list of numbers" } else { "" };
            return plan_err!(
                "{function}: {} must be a number{or_list}, got {}",
                argument.name,
                types[position]
            );
        }
        coerced[position] = DataType::Float64;
    }
    Ok(coerced)
}

/// What a list is cast to; `None` for what is no list that the rule allows.
fn coerced_list(rule: Rule, given: &DataType) -> Option<DataType> {
    let item = match (rule, given) {
        (
            Rule::FiniteList | Rule::NumberList | Rule::AnyList,
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item),
        ) => item.data_type(),
        (Rule::NumberList | Rule::AnyList, DataType::Null) => given,
        _ => return None,
    };
    match rule {
        Rule::AnyList => Some(DataType::new_list(item.clone(), true)),
        _ => is_number(item).then(|| DataType::new_list(DataType::Float64, true)),
    }
}

/// Whether values of a type are read as numbers.
pub(in crate::functions) fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Null => true,
        DataType::Dictionary(_, values) => is_number(values),
        other => other.is_numeric(),
    }
}
