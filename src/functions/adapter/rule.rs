//! What must hold of each value of an argument.

use datafusion::common::{DataFusionError, exec_datafusion_err};

use crate::math::{SEEDS, is_seed};

/// A rule of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Neither NaN nor infinite.
    Finite,
    /// The same, or a list of such.
    FiniteList,
    /// In (0, 1].
    Propensity,
    /// In (0, 1).
    TreatedPropensity,
    /// In [0, 1].
    Probability,
    /// 0 or 1.
    Binary,
    /// Finite and not negative.
    Weight,
    /// A whole number that may count periods.
    Period,
    /// A whole number of periods that have passed.
    Age,
    /// The position of an expected level, NaN for others.
    Level,
    /// A number or the code of another value, infinite for NULL, NaN for numbers that are not finite.
    Any,
    /// Any number, NaN and infinity too.
    Unchecked,
    /// A whole number from 0 to 2^53.
    Seed,
    /// A list of numbers, which no rows are read from.
    NumberList,
    /// A list of values of any type, the same.
    AnyList,
    /// A list of structs, the same.
    Points,
    /// A finite number, or a struct of such.
    Heads,
    /// A struct of features.
    Features,
    /// The bytes of a model.
    Model,
}

impl Rule {
    /// Whether one value keeps the rule.
    #[inline]
    pub(crate) fn holds(self, x: f64) -> bool {
        // `&` instead of `&&`: no branches, so that whole columns are checked in vector registers.
        match self {
            Self::Finite | Self::FiniteList | Self::Heads => x.is_finite(),
            Self::Propensity => (x > 0.0) & (x <= 1.0),
            Self::TreatedPropensity => (x > 0.0) & (x < 1.0),
            Self::Probability => (0.0..=1.0).contains(&x),
            Self::Binary => (x == 0.0) | (x == 1.0),
            Self::Weight => (0.0..f64::INFINITY).contains(&x),
            Self::Period => (x.abs() <= 1e9) & (x.fract() == 0.0),
            Self::Age => (0.0..=1e4).contains(&x) & (x.fract() == 0.0),
            Self::Level | Self::Any => !x.is_nan(),
            Self::Seed => is_seed(x),
            Self::Unchecked
            | Self::NumberList
            | Self::AnyList
            | Self::Points
            | Self::Features
            | Self::Model => true,
        }
    }

    /// Whether all values keep the rule.
    pub(crate) fn all_hold(self, values: &[f64]) -> bool {
        fn all(values: &[f64], holds: impl Fn(f64) -> bool) -> bool {
            values.iter().fold(true, |ok, &x| ok & holds(x))
        }
        match self {
            Self::Finite | Self::FiniteList | Self::Heads => all(values, |x| Self::Finite.holds(x)),
            Self::Propensity => all(values, |x| Self::Propensity.holds(x)),
            Self::TreatedPropensity => all(values, |x| Self::TreatedPropensity.holds(x)),
            Self::Probability => all(values, |x| Self::Probability.holds(x)),
            Self::Binary => all(values, |x| Self::Binary.holds(x)),
            Self::Weight => all(values, |x| Self::Weight.holds(x)),
            Self::Period => all(values, |x| Self::Period.holds(x)),
            Self::Age => all(values, |x| Self::Age.holds(x)),
            Self::Level | Self::Any => all(values, |x| Self::Any.holds(x)),
            Self::Seed => all(values, |x| Self::Seed.holds(x)),
            Self::Unchecked
            | Self::NumberList
            | Self::AnyList
            | Self::Points
            | Self::Features
            | Self::Model => true,
        }
    }

    /// The rule in words, after "must be".
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Finite | Self::FiniteList | Self::Any | Self::NumberList | Self::Heads => "finite",
            Self::Propensity => "in (0, 1]",
            Self::TreatedPropensity => "in (0, 1)",
            Self::Probability => "in [0, 1]",
            Self::Binary => "0 or 1",
            Self::Weight => "finite and not negative",
            Self::Period => "a whole number of at most 1000000000",
            Self::Age => "a whole number from 0 to 10000",
            Self::Level => "one of the expected levels",
            Self::Unchecked => "a number",
            Self::Seed => SEEDS,
            Self::AnyList => "a list",
            Self::Points => "a list of points",
            Self::Features => "a struct of features",
            Self::Model => "a model",
        }
    }

    /// The SQL condition that finds values of `name` that break the rule.
    fn breach(self, name: &str) -> String {
        match self {
            // Infinity minus itself is NaN, and NaN differs from 0.
            Self::Finite
            | Self::FiniteList
            | Self::Level
            | Self::Any
            | Self::Unchecked
            | Self::NumberList
            | Self::AnyList
            | Self::Points
            | Self::Heads
            | Self::Features
            | Self::Model => {
                format!("{name} - {name} <> 0")
            }
            Self::Seed => format!("NOT ({name} BETWEEN 0 AND 9007199254740991 AND {name} = floor({name}))"),
            Self::Propensity => format!("NOT ({name} > 0 AND {name} <= 1)"),
            Self::TreatedPropensity => format!("NOT ({name} > 0 AND {name} < 1)"),
            Self::Probability => format!("NOT ({name} >= 0 AND {name} <= 1)"),
            Self::Binary => format!("{name} NOT IN (0, 1)"),
            Self::Weight => format!("NOT ({name} >= 0 AND {name} - {name} = 0)"),
            Self::Period => format!("NOT (abs({name}) <= 1000000000 AND {name} = floor({name}))"),
            Self::Age => format!("NOT ({name} BETWEEN 0 AND 10000 AND {name} = floor({name}))"),
        }
    }

    /// The error of a value that breaks the rule.
    pub(crate) fn error(self, function: &str, argument: &str, value: f64, can_skip: bool) -> DataFusionError {
        let skip = if can_skip { ", or pass {'on_invalid': 'skip'}" } else { "" };
        exec_datafusion_err!(
            "{function}: {argument} must be {}, got {value}; find such rows with WHERE {}{skip}",
            self.text(),
            self.breach(argument)
        )
    }
}
