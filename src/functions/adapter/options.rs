//! The struct of options that ends a call: `{'alpha': 0.1, 'clip': 20}`.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, AsArray, StructArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, plan_err};

use super::option_catalog::{INTERVAL, REPLICATES, SEED};

/// An option of a function.
#[derive(Debug)]
pub(crate) struct OptionSpec {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: OptionKind,
    pub(crate) shapes: Shapes,
}

/// What an option's value may be, and what it is when left out.
#[derive(Debug)]
pub(crate) enum OptionKind {
    /// A number; `rule` says in words what `holds` checks.
    Number { default: f64, rule: &'static str, holds: fn(f64) -> bool },
    /// The same, or the word 'auto': the data choose.
    Tunable { default: f64, rule: &'static str, holds: fn(f64) -> bool },
    /// One of some words, the first being the default.
    Choice(&'static [&'static str]),
    /// True or false, false being the default.
    Flag,
    /// A list of two numbers, the first below the second; there is no default.
    Range,
    /// A list of numbers that rise; there is no default.
    Edges,
    /// A list of numbers; there is no default.
    Numbers,
    /// A text; there is no default.
    Text,
}

/// What an option changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shapes {
    /// The sums: the option is part of a state's identity.
    Sums,
    /// Only the interval: the option is given where the interval is made.
    Interval,
    /// Only the interval, but a state that was made for a bootstrap remembers it.
    Resampling,
}

/// The value of an option that the data choose.
const AUTO: &str = "auto";

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Choice(&'static str),
    Flag(bool),
    Range(Option<[f64; 2]>),
    List(Option<Vec<f64>>),
    Text(Option<String>),
}

/// The options of a call: every one of the function's, given or by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options(BTreeMap<&'static str, Value>);

impl OptionSpec {
    /// Whether the data may choose the value.
    pub(super) fn is_tunable(&self) -> bool {
        matches!(self.kind, OptionKind::Tunable { .. })
    }

    fn default(&self) -> Value {
        match self.kind {
            OptionKind::Number { default, .. } | OptionKind::Tunable { default, .. } => {
                Value::Number(default)
            }
            OptionKind::Choice(choices) => Value::Choice(choices[0]),
            OptionKind::Flag => Value::Flag(false),
            OptionKind::Range => Value::Range(None),
            OptionKind::Edges | OptionKind::Numbers => Value::List(None),
            OptionKind::Text => Value::Text(None),
        }
    }

    /// What the value must be, in words.
    pub(crate) fn rule(&self) -> String {
        match self.kind {
            OptionKind::Number { rule, .. } => rule.to_string(),
            OptionKind::Tunable { rule, .. } => format!("{rule}, or '{AUTO}'"),
            OptionKind::Choice(choices) => {
                let words: Vec<_> = choices.iter().map(|word| format!("'{word}'")).collect();
                format!("one of {}", words.join(", "))
            }
            OptionKind::Flag => "true or false".to_string(),
            OptionKind::Range => {
                "a list of two numbers, the first below the second, as in [0, 1]".to_string()
            }
            OptionKind::Edges => "a list of numbers that rise, as in [0.1, 0.5]".to_string(),
            OptionKind::Numbers => {
                "a list of numbers, not empty and without NULL, as in [1, 0.5]".to_string()
            }
            OptionKind::Text => "a text".to_string(),
        }
    }

    /// The default as SQL shows it.
    pub(crate) fn default_text(&self) -> String {
        match self.default() {
            Value::Number(x) if !x.is_finite() => "none".to_string(),
            Value::Number(x) => x.to_string(),
            Value::Choice(word) => format!("'{word}'"),
            Value::Flag(flag) => flag.to_string(),
            Value::Range(_) | Value::List(_) | Value::Text(_) => "none".to_string(),
        }
    }

    fn number(&self, x: f64) -> Option<Value> {
        match self.kind {
            OptionKind::Number { holds, .. } | OptionKind::Tunable { holds, .. } => {
                holds(x).then_some(Value::Number(x))
            }
            OptionKind::Choice(_)
            | OptionKind::Flag
            | OptionKind::Range
            | OptionKind::Edges
            | OptionKind::Numbers
            | OptionKind::Text => None,
        }
    }

    fn word(&self, word: &str) -> Option<Value> {
        match self.kind {
            OptionKind::Number { .. }
            | OptionKind::Flag
            | OptionKind::Range
            | OptionKind::Edges
            | OptionKind::Numbers => None,
            OptionKind::Text => Some(Value::Text(Some(word.to_string()))),
            OptionKind::Tunable { .. } => (word == AUTO).then_some(Value::Choice(AUTO)),
            OptionKind::Choice(choices) => {
                choices.iter().find(|choice| **choice == word).copied().map(Value::Choice)
            }
        }
    }

    fn parse(&self, scalar: &ScalarValue) -> Option<Value> {
        match scalar {
            ScalarValue::Utf8(Some(word))
            | ScalarValue::Utf8View(Some(word))
            | ScalarValue::LargeUtf8(Some(word)) => self.word(word),
            ScalarValue::List(list) if list.len() == 1 => {
                let numbers = cast(&list.value(0), &DataType::Float64).ok()?;
                let numbers = numbers.as_primitive::<Float64Type>();
                let values = numbers.values();
                let rise = values.is_sorted_by(|a, b| a < b);
                match (&self.kind, values.as_ref()) {
                    _ if numbers.null_count() > 0 || !values.iter().all(|x| x.is_finite()) => None,
                    (OptionKind::Range, &[low, high]) if rise => Some(Value::Range(Some([low, high]))),
                    (OptionKind::Numbers, [_, ..]) => Some(Value::List(Some(values.to_vec()))),
                    (OptionKind::Edges, [_, ..]) if rise => Some(Value::List(Some(values.to_vec()))),
                    _ => None,
                }
            }
            ScalarValue::Boolean(Some(flag)) if matches!(self.kind, OptionKind::Flag) => {
                Some(Value::Flag(*flag))
            }
            scalar if scalar.data_type().is_numeric() => match scalar.cast_to(&DataType::Float64) {
                Ok(ScalarValue::Float64(Some(x))) => self.number(x),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Options {
    /// The defaults of all options.
    pub(crate) fn defaults(specs: &[&'static OptionSpec]) -> Self {
        Self(specs.iter().map(|spec| (spec.name, spec.default())).collect())
    }

    /// Reads a struct of one row; a NULL value is the default.
    pub(crate) fn parse(function: &str, specs: &[&'static OptionSpec], given: &StructArray) -> Result<Self> {
        let mut options = Self::defaults(specs);
        for (name, scalar) in fields(function, given)? {
            let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
                let mut names: Vec<_> = specs.iter().map(|spec| spec.name).collect();
                names.sort_unstable();
                let known = if names.is_empty() {
                    "there are none".to_string()
                } else {
                    format!("the options are {}", names.join(", "))
                };
                return plan_err!("{function}: unknown option '{name}'; {known}");
            };
            if scalar.is_null() {
                if spec.is_tunable() && scalar.data_type().is_string() {
                    return plan_err!(
                        "{function}: option '{name}' must be {}, got a text that is NULL",
                        spec.rule()
                    );
                }
                continue;
            }
            let Some(value) = spec.parse(&scalar) else {
                return plan_err!(
                    "{function}: option '{name}' must be {}, got {}",
                    spec.rule(),
                    literal(&scalar)
                );
            };
            options.0.insert(spec.name, value);
        }
        Ok(options)
    }

    /// The options that shape the sums, as text: `clip=10.0,on_invalid=error`.
    pub(crate) fn identity(&self, specs: &[OptionSpec]) -> String {
        let shaping = specs.iter().filter(|spec| match spec.shapes {
            Shapes::Sums => true,
            Shapes::Resampling => self.is_bootstrap(),
            Shapes::Interval => false,
        });
        let mut parts: Vec<_> = shaping
            .filter_map(|spec| Some((spec.name, self.0.get(spec.name)?)))
            .map(|(name, value)| match value {
                Value::Number(x) => format!("{name}={x:?}"),
                Value::Choice(word) => format!("{name}={word}"),
                Value::Flag(flag) => format!("{name}={flag}"),
                // No estimator has such an option, and only estimators make states.
                Value::Range(range) => format!("{name}={range:?}"),
                Value::List(list) => format!("{name}={list:?}"),
                Value::Text(text) => format!("{name}={text:?}"),
            })
            .collect();
        parts.sort();
        parts.join(",")
    }

    /// Reads what [`Self::identity`] wrote; `None` when it is not of these options.
    pub(crate) fn from_identity(specs: &'static [OptionSpec], text: &str) -> Option<Self> {
        let all: Vec<_> = specs.iter().collect();
        let mut options = Self::defaults(&all);
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let spec = specs.iter().find(|spec| spec.name == name && spec.shapes != Shapes::Interval)?;
            let parsed = match spec.kind {
                OptionKind::Flag => Value::Flag(value.parse().ok()?),
                _ => spec.word(value).or_else(|| spec.number(value.parse().ok()?))?,
            };
            options.0.insert(spec.name, parsed);
        }
        Some(options)
    }

    /// Whether the data choose the value of an option.
    pub(crate) fn is_auto(&self, spec: &OptionSpec) -> bool {
        self.choice(spec) == AUTO
    }

    /// Lets the data choose the options that may be, of those whose values are texts: no other text is one.
    pub(super) fn assume_auto(&mut self, specs: &[&'static OptionSpec], texts: &[String]) {
        let tunable = specs.iter().filter(|spec| spec.is_tunable());
        for spec in tunable.filter(|spec| texts.iter().any(|name| name == spec.name)) {
            self.0.insert(spec.name, Value::Choice(AUTO));
        }
    }

    /// Whether the interval is a bootstrap's.
    pub(crate) fn is_bootstrap(&self) -> bool {
        self.choice(&INTERVAL) == "bootstrap"
    }

    /// Takes a bootstrap from the options that a state was made with, unless these name an interval; and what these leave
    /// at its default.
    pub(crate) fn with_bootstrap_of(mut self, made: &Self) -> Self {
        if self.choice(&INTERVAL) == "default" && made.is_bootstrap() {
            let left =
                |spec: &&OptionSpec| self.0.get(spec.name).is_none_or(|value| *value == spec.default());
            let left: Vec<_> = [&SEED, &REPLICATES].into_iter().filter(left).collect();
            for spec in left.into_iter().chain([&INTERVAL]) {
                self.0.extend(made.0.get_key_value(spec.name).map(|(name, value)| (*name, value.clone())));
            }
        }
        self
    }

    /// The value of an option that is a number; its default where the call does not have it.
    pub(crate) fn number(&self, spec: &OptionSpec) -> f64 {
        match (self.0.get(spec.name), &spec.kind) {
            (Some(Value::Number(x)), _) => *x,
            (_, OptionKind::Number { default, .. } | OptionKind::Tunable { default, .. }) => *default,
            _ => f64::NAN,
        }
    }

    /// Sets an option that is a number, in place of a default that others decide.
    pub(crate) fn set_number(&mut self, spec: &OptionSpec, x: f64) {
        self.0.insert(spec.name, Value::Number(x));
    }

    /// The value of an option that is true or false.
    pub(crate) fn flag(&self, spec: &OptionSpec) -> bool {
        self.0.get(spec.name) == Some(&Value::Flag(true))
    }

    /// The value of an option that is a range.
    pub(crate) fn range(&self, spec: &OptionSpec) -> Option<[f64; 2]> {
        match self.0.get(spec.name) {
            Some(Value::Range(range)) => *range,
            _ => None,
        }
    }

    /// The value of an option that is a list of numbers, empty when there are none.
    pub(crate) fn list(&self, spec: &OptionSpec) -> Vec<f64> {
        match self.0.get(spec.name) {
            Some(Value::List(Some(list))) => list.clone(),
            _ => vec![],
        }
    }

    /// The value of an option that is a text.
    pub(crate) fn text(&self, spec: &OptionSpec) -> Option<&str> {
        match self.0.get(spec.name) {
            Some(Value::Text(text)) => text.as_deref(),
            _ => None,
        }
    }

    /// The word an option has.
    pub(crate) fn choice(&self, spec: &OptionSpec) -> &'static str {
        match self.0.get(spec.name) {
            Some(Value::Choice(word)) => word,
            _ => "",
        }
    }
}

/// Names and values of a struct of one row.
pub(crate) fn fields(function: &str, given: &StructArray) -> Result<Vec<(String, ScalarValue)>> {
    let mut fields: Vec<(String, ScalarValue)> = vec![];
    for (field, column) in given.fields().iter().zip(given.columns()) {
        let name = field.name();
        if fields.iter().any(|(other, _)| other == name) {
            return plan_err!("{function}: '{name}' is given twice; give it once");
        }
        fields.push((name.clone(), ScalarValue::try_from_array(column, 0)?));
    }
    Ok(fields)
}

/// A value as SQL writes it.
pub(crate) fn literal(scalar: &ScalarValue) -> String {
    match scalar {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::Utf8View(Some(text))
        | ScalarValue::LargeUtf8(Some(text)) => format!("'{text}'"),
        scalar => scalar.to_string(),
    }
}
