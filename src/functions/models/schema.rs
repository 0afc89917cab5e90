//! Features by name: what a model was trained on, and what it must be asked with.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err, plan_err};
use hashbrown::HashMap;

use crate::learners::{Column, Features, NULL};

/// Levels that a feature may have.
const MOST_LEVELS: usize = 100_000;

/// The features of a model.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::functions) struct Schema {
    pub(super) features: Vec<Feature>,
}

/// A feature of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What values of a feature are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number,
    Boolean,
    /// One of some texts, ascending.
    Text(Vec<String>),
}

impl Kind {
    /// The kind in errors.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Text(_) => "a text",
        }
    }

    /// The kind of a type, texts having no levels yet; `None` for types that are no features.
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Boolean),
            DataType::Dictionary(_, values) => Self::of(values),
            other if other.is_string() => Some(Self::Text(vec![])),
            other if other.is_numeric() || other.is_null() => Some(Self::Number),
            _ => None,
        }
    }

    fn is_of(&self, other: &Self) -> bool {
        self.noun() == other.noun()
    }
}

/// Refuses types that are no features.
pub(super) fn check_types(function: &str, data_type: &DataType) -> Result<()> {
    let DataType::Struct(fields) = data_type else {
        return plan_err!(
            "{function}: features must be a struct, got {data_type}; write features(a, b) or {{'a': a, 'b': b}}"
        );
    };
    for (i, field) in fields.iter().enumerate() {
        if Kind::of(field.data_type()).is_none() {
            return plan_err!(
                "{function}: feature '{}' must be a number, a text or a boolean, got {}; make one of it",
                field.name(),
                field.data_type()
            );
        }
        if fields[..i].iter().any(|other| other.name() == field.name()) {
            return plan_err!("{function}: feature '{}' is given twice; give it once", field.name());
        }
    }
    Ok(())
}

impl Schema {
    /// The features of training rows.
    pub(super) fn of(function: &str, features: &StructArray) -> Result<Self> {
        check_types(function, features.data_type())?;
        let feature = |(field, column): (&datafusion::arrow::datatypes::FieldRef, &ArrayRef)| {
            let kind = match Kind::of(field.data_type()) {
                Some(Kind::Text(_)) => {
                    let texts = cast(column, &DataType::Utf8View)?;
                    let levels: BTreeSet<&str> = texts.as_string_view().iter().flatten().collect();
                    if levels.len() > MOST_LEVELS {
                        return exec_err!(
                            "{function}: feature '{}' must have at most {MOST_LEVELS} levels, got {}; put rare ones together",
                            field.name(),
                            levels.len()
                        );
                    }
                    Kind::Text(levels.into_iter().map(str::to_string).collect())
                }
                kind => kind.unwrap_or(Kind::Number),
            };
            Ok(Feature { name: field.name().clone(), kind })
        };
        let features =
            features.fields().iter().zip(features.columns()).map(feature).collect::<Result<_>>()?;
        Ok(Self { features })
    }

    /// Checks that features are those of the model, in any order.
    pub(super) fn check(&self, function: &str, features: &StructArray) -> Result<()> {
        check_types(function, features.data_type())?;
        for field in features.fields() {
            let Some(feature) = self.features.iter().find(|feature| feature.name == *field.name()) else {
                let names: Vec<_> = self.features.iter().map(|feature| feature.name.as_str()).collect();
                return exec_err!(
                    "{function}: the model has no feature '{}'; it was trained on {}",
                    field.name(),
                    names.join(", ")
                );
            };
            let is_null = field.data_type().is_null();
            if !is_null && !Kind::of(field.data_type()).is_some_and(|kind| kind.is_of(&feature.kind)) {
                return exec_err!(
                    "{function}: feature '{}' must be {} as in training, got {}",
                    feature.name,
                    feature.kind.noun(),
                    field.data_type()
                );
            }
        }
        for feature in &self.features {
            if features.column_by_name(&feature.name).is_none() {
                return exec_err!("{function}: feature '{}' of the model is missing", feature.name);
            }
        }
        Ok(())
    }

    /// Reads rows of features that were checked. Numbers that are not finite are an error.
    pub(super) fn read(&self, function: &str, features: &StructArray) -> Result<Features> {
        let column = |feature: &Feature| {
            let Some(array) = features.column_by_name(&feature.name) else {
                return exec_err!("{function}: feature '{}' of the model is missing", feature.name);
            };
            feature.read(function, array)
        };
        let columns = self.features.iter().map(column).collect::<Result<_>>()?;
        Ok(Features { columns, rows: features.len() })
    }
}

impl Feature {
    fn read(&self, function: &str, array: &ArrayRef) -> Result<Column> {
        let categorical =
            |codes: Vec<u32>, levels: usize| Column::Categorical { codes, levels: levels as u32 };
        match &self.kind {
            Kind::Number => {
                let numbers = cast(array, &DataType::Float64)?;
                let numbers = numbers.as_primitive::<Float64Type>();
                let number = |x: Option<f64>| match x {
                    Some(x) if !x.is_finite() => exec_err!(
                        "{function}: feature '{}' must be finite, got {x}; NULL stands for what is not known",
                        self.name
                    ),
                    x => Ok(x.unwrap_or(f64::NAN)),
                };
                Ok(Column::Numeric(numbers.iter().map(number).collect::<Result<_>>()?))
            }
            Kind::Boolean => {
                let flags = cast(array, &DataType::Boolean)?;
                let codes = flags.as_boolean().iter().map(|flag| flag.map_or(NULL, u32::from));
                Ok(categorical(codes.collect(), 2))
            }
            Kind::Text(levels) => {
                let code_of: HashMap<&str, u32> = levels.iter().map(String::as_str).zip(0..).collect();
                let unknown = levels.len() as u32;
                let code = |text: Option<&str>| {
                    text.map_or(NULL, |text| code_of.get(text).copied().unwrap_or(unknown))
                };
                // Each level of a dictionary is looked up once.
                if let Some(dictionary) = array.as_any_dictionary_opt()
                    && !dictionary.values().is_empty()
                {
                    let values = cast(dictionary.values(), &DataType::Utf8View)?;
                    let codes: Vec<u32> = values.as_string_view().iter().map(code).collect();
                    let nulls = dictionary.logical_nulls();
                    let is_null = |i: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(i));
                    let keys = dictionary.normalized_keys();
                    let code = |(i, key): (usize, usize)| if is_null(i) { NULL } else { codes[key] };
                    return Ok(categorical(keys.into_iter().enumerate().map(code).collect(), levels.len()));
                }
                let texts = cast(array, &DataType::Utf8View)?;
                Ok(categorical(texts.as_string_view().iter().map(code).collect(), levels.len()))
            }
        }
    }
}
