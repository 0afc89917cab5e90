//! Features by name: what a model was trained on, and what it must be asked with.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray, new_empty_array};
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
                let codes = codes(array, |text| Ok(code_of.get(text).copied().unwrap_or(unknown)))?;
                Ok(categorical(codes, levels.len()))
            }
        }
    }
}

/// Codes of texts, [`NULL`] being that of NULL. Each level of a dictionary that occurs is looked up once.
fn codes(array: &ArrayRef, mut code: impl FnMut(&str) -> Result<u32>) -> Result<Vec<u32>> {
    let Some(dictionary) = array.as_any_dictionary_opt().filter(|array| !array.values().is_empty()) else {
        let texts = cast(array, &DataType::Utf8View)?;
        return texts.as_string_view().iter().map(|text| text.map_or(Ok(NULL), &mut code)).collect();
    };
    let values = cast(dictionary.values(), &DataType::Utf8View)?;
    let values = values.as_string_view();
    let nulls = dictionary.logical_nulls();
    let mut known: Vec<Option<u32>> = vec![None; values.len()];
    let code = |(i, key): (usize, usize)| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(i)) {
            return Ok(NULL);
        }
        if known[key].is_none() {
            known[key] = Some(code(values.value(key))?);
        }
        Ok(known[key].unwrap_or(NULL))
    };
    dictionary.normalized_keys().into_iter().enumerate().map(code).collect()
}

/// Features whose levels are met row by row.
#[derive(Clone, Debug)]
pub(super) struct GrowingSchema {
    features: Vec<Feature>,
    /// The codes of the levels of each feature, in the order in which they were met.
    codes: Vec<HashMap<String, u32>>,
    /// Bytes of the levels' texts.
    texts: usize,
}

impl GrowingSchema {
    /// The features of a type.
    pub(super) fn of(function: &str, data_type: &DataType) -> Result<Self> {
        check_types(function, data_type)?;
        let Schema { features } = Schema::of(function, new_empty_array(data_type).as_struct())?;
        Ok(Self { codes: vec![HashMap::new(); features.len()], features, texts: 0 })
    }

    /// Whether each feature is a number.
    pub(super) fn is_numeric(&self) -> Vec<bool> {
        self.features.iter().map(|feature| feature.kind == Kind::Number).collect()
    }

    pub(super) fn name(&self, feature: usize) -> &str {
        &self.features[feature].name
    }

    /// Reads rows of features. Numbers that are not finite are an error.
    pub(super) fn read(&mut self, function: &str, features: &StructArray) -> Result<Features> {
        let mut columns = vec![];
        for ((feature, array), code_of) in self.features.iter().zip(features.columns()).zip(&mut self.codes) {
            columns.push(match feature.kind {
                Kind::Number | Kind::Boolean => feature.read(function, array)?,
                Kind::Text(_) => {
                    let codes = codes(array, |text| Ok(code(code_of, text, &mut self.texts)))?;
                    Column::Categorical { codes, levels: code_of.len() as u32 }
                }
            });
        }
        Ok(Features { columns, rows: features.len() })
    }

    /// Takes up the levels of other rows, given by feature in the order of their codes; returns the codes they have here.
    pub(super) fn merge(&mut self, levels: &[Vec<String>]) -> Vec<Vec<u32>> {
        let of_feature = |(code_of, levels): (&mut HashMap<String, u32>, &Vec<String>)| {
            levels.iter().map(|level| code(code_of, level, &mut self.texts)).collect()
        };
        self.codes.iter_mut().zip(levels).map(of_feature).collect()
    }

    /// The levels of each feature in the order of their codes.
    pub(super) fn levels(&self) -> Vec<Vec<&str>> {
        self.codes.iter().map(levels).collect()
    }

    /// The features with the levels that were met, and the codes of each feature in the order of its levels.
    pub(super) fn finish(&self) -> (Schema, Vec<Vec<u32>>) {
        let mut features = self.features.clone();
        let mut codes = vec![];
        for (feature, code_of) in features.iter_mut().zip(&self.codes) {
            codes.push(match &mut feature.kind {
                Kind::Number => vec![],
                Kind::Boolean => vec![0, 1],
                Kind::Text(levels) => {
                    let mut sorted: Vec<(&String, u32)> =
                        code_of.iter().map(|(level, code)| (level, *code)).collect();
                    sorted.sort_unstable();
                    levels.extend(sorted.iter().map(|(level, _)| level.to_string()));
                    sorted.into_iter().map(|(_, code)| code).collect()
                }
            });
        }
        (Schema { features }, codes)
    }

    /// Bytes that are held.
    pub(super) fn size(&self) -> usize {
        self.texts + self.codes.iter().map(HashMap::allocation_size).sum::<usize>()
    }
}

/// Levels in the order of their codes.
fn levels(code_of: &HashMap<String, u32>) -> Vec<&str> {
    let mut levels: Vec<(u32, &str)> = code_of.iter().map(|(level, code)| (*code, level.as_str())).collect();
    levels.sort_unstable();
    levels.into_iter().map(|(_, level)| level).collect()
}

/// The code of a level, the next one where it has none; the bytes of a new level are added to those of all.
fn code(code_of: &mut HashMap<String, u32>, level: &str, bytes: &mut usize) -> u32 {
    let next = code_of.len() as u32;
    *code_of.entry_ref(level).or_insert_with(|| {
        *bytes += level.len();
        next
    })
}
