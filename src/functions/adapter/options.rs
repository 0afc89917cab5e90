//! The struct of options that ends a call: `{'alpha': 0.1, 'clip': 20}`.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, AsArray, StructArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, plan_err};

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

/// Miscoverage rate of the interval.
pub(crate) const ALPHA: OptionSpec = OptionSpec {
    name: "alpha",
    description: "miscoverage rate of the interval",
    kind: OptionKind::Number { default: 0.05, rule: "a number in (0, 1)", holds: |x| x > 0.0 && x < 1.0 },
    shapes: Shapes::Interval,
};

/// Kind of interval; the word `default` stands for the estimator's own.
pub(crate) const INTERVAL: OptionSpec = interval(&["default", "normal", "t", "bootstrap"]);

/// Kind of interval of an estimate that does not follow from the sums of clusters.
pub(crate) const PLAIN_INTERVAL: OptionSpec = OptionSpec {
    name: "interval",
    description: "kind of confidence interval",
    kind: OptionKind::Choice(&["default", "normal", "t"]),
    shapes: Shapes::Interval,
};

/// Kind of interval of a mean of scores that have a range.
pub(crate) const BOUNDED_INTERVAL: OptionSpec =
    interval(&["default", "normal", "t", "bootstrap", "empirical_bernstein", "hoeffding"]);

/// Kind of interval of a mean of weighted rewards.
pub(crate) const WEIGHTED_INTERVAL: OptionSpec = interval(&[
    "default",
    "normal",
    "t",
    "bootstrap",
    "empirical_bernstein",
    "hoeffding",
    "clopper_pearson",
    "cressie_read",
]);

/// Least and greatest reward.
pub(crate) const REWARD_RANGE: OptionSpec = OptionSpec {
    name: "reward_range",
    description: "least and greatest value that can be, not those that were seen; for intervals that need them",
    kind: OptionKind::Range,
    shapes: Shapes::Interval,
};

/// Largest importance weight that can be.
pub(crate) const MAX_WEIGHT: OptionSpec = OptionSpec {
    name: "max_weight",
    description: "largest weight that can be, not that was seen; for intervals that need it",
    kind: OptionKind::Number { default: f64::INFINITY, rule: "a number greater than 0", holds: |x| x > 0.0 },
    shapes: Shapes::Interval,
};

/// Kind of interval of a ratio.
pub(crate) const RATIO_INTERVAL: OptionSpec = interval(&["default", "fieller", "normal", "t", "bootstrap"]);

const fn interval(choices: &'static [&'static str]) -> OptionSpec {
    OptionSpec {
        name: "interval",
        description: "kind of confidence interval; 'bootstrap' draws clusters anew, and needs them",
        kind: OptionKind::Choice(choices),
        shapes: Shapes::Resampling,
    }
}

/// What the draws of a bootstrap are made from.
pub(crate) const SEED: OptionSpec = OptionSpec {
    name: "seed",
    description: "seed of the bootstrap: a cluster is drawn by the hash of seed, replicate and its value",
    kind: OptionKind::Number {
        default: 0.0,
        rule: "a whole number from 0 to 2^53",
        holds: |x| (0.0..=9_007_199_254_740_992.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Resampling,
};

/// How often a bootstrap draws.
pub(crate) const REPLICATES: OptionSpec = OptionSpec {
    name: "replicates",
    description: "samples that the bootstrap draws; the interval is NULL unless nine in ten have an estimate",
    kind: OptionKind::Number {
        default: 1000.0,
        rule: "a whole number from 2 to 100000",
        holds: |x| (2.0..=100_000.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Resampling,
};

/// What to do with rows whose values break a rule.
pub(crate) const ON_INVALID: OptionSpec = OptionSpec {
    name: "on_invalid",
    description: "whether a row with an invalid value is an error or skipped and counted in `n_skipped`",
    kind: OptionKind::Choice(&["error", "skip"]),
    shapes: Shapes::Sums,
};

/// Which deviations a boundary is for.
pub(crate) const SIDES: OptionSpec = OptionSpec {
    name: "sides",
    description: "whether the boundary is for the sum in both directions or in one",
    kind: OptionKind::Choice(&["two", "one"]),
    shapes: Shapes::Sums,
};

/// Largest importance weight.
pub(crate) const CLIP: OptionSpec = OptionSpec {
    name: "clip",
    description: "largest importance weight; larger ones are set to it, which biases the value towards that of the lower weights",
    kind: OptionKind::Number { default: f64::INFINITY, rule: "a number greater than 0", holds: |x| x > 0.0 },
    shapes: Shapes::Sums,
};

/// Largest weight that SWITCH corrects with.
pub(crate) const SWITCH_LAMBDA: OptionSpec =
    tunable_lambda("largest weight to correct with; rows of larger ones have the prediction alone");

/// How far the optimistic factor follows the weight.
pub(crate) const SHRINKAGE_LAMBDA: OptionSpec =
    tunable_lambda("how far the factor follows the weight: it is at most half the root of lambda");

/// How far the sub-Gaussian factor is drawn to 1.
pub(crate) const MIXTURE_LAMBDA: OptionSpec = OptionSpec {
    name: "lambda",
    description: "how far the factor is drawn to 1: it is below 1 / lambda",
    kind: OptionKind::Number {
        default: 0.0,
        rule: "a number in [0, 1]",
        holds: |x| (0.0..=1.0).contains(&x),
    },
    shapes: Shapes::Sums,
};

const fn tunable_lambda(description: &'static str) -> OptionSpec {
    OptionSpec {
        name: "lambda",
        description,
        kind: OptionKind::Tunable {
            default: f64::INFINITY,
            rule: "a number that is not negative",
            holds: |x| x >= 0.0,
        },
        shapes: Shapes::Sums,
    }
}

/// How outcomes become scores of rows.
pub(crate) const SCORES: OptionSpec = OptionSpec {
    name: "scores",
    description: "how outcomes become row scores: weighted about the arms' Hájek means, or as they are",
    kind: OptionKind::Choice(&["centred", "horvitz_thompson"]),
    shapes: Shapes::Sums,
};

/// Whose number a measure of a ranking is.
pub(crate) const CONVENTION: OptionSpec = OptionSpec {
    name: "convention",
    description: "whose definition: ours, or another library's, which has no error and leaves propensities out",
    kind: OptionKind::Choice(&["canonical", "sklift", "causalml", "causalml_raw", "pylift"]),
    shapes: Shapes::Sums,
};

/// Which regression tells the slope of actual on predicted effects.
pub(crate) const FORM: OptionSpec = OptionSpec {
    name: "form",
    description: "what is regressed: row scores on the prediction, or outcomes on treatment times prediction as grf does",
    kind: OptionKind::Choice(&["blp", "grf"]),
    shapes: Shapes::Sums,
};

/// Bins of a prediction.
pub(crate) const BINS: OptionSpec = OptionSpec {
    name: "bins",
    description: "number of bins",
    kind: OptionKind::Number {
        default: 10.0,
        rule: "a whole number from 1 to 10000",
        holds: |x| (1.0..=10_000.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Sums,
};

/// Where bins meet.
pub(crate) const EDGES: OptionSpec = OptionSpec {
    name: "edges",
    description: "where bins meet, instead of bins of as many rows: those of training, say; an edge belongs to the bin above it",
    kind: OptionKind::Edges,
    shapes: Shapes::Sums,
};

/// Share of the rows at the top of a ranking.
pub(crate) const TOP: OptionSpec = OptionSpec {
    name: "top",
    description: "share of the rows, those of the largest predictions",
    kind: OptionKind::Number { default: 0.3, rule: "a number in (0, 1]", holds: |x| x > 0.0 && x <= 1.0 },
    shapes: Shapes::Sums,
};

/// Share of the rows that two rankings should agree on.
pub(crate) const STABLE_TOP: OptionSpec = OptionSpec {
    name: "top",
    description: "share of the rows, those of the largest predictions",
    kind: OptionKind::Number { default: 0.1, rule: "a number in (0, 1]", holds: |x| x > 0.0 && x <= 1.0 },
    shapes: Shapes::Sums,
};

/// Whether predictions are rounded so that few of them differ.
pub(crate) const APPROXIMATE: OptionSpec = OptionSpec {
    name: "approximate",
    description: "whether predictions are rounded to as many bits as leave at most 65,536 different ones, which then tie: memory is bounded, by about 32 MiB a group; without clusters",
    kind: OptionKind::Flag,
    shapes: Shapes::Sums,
};

/// Points of a curve.
pub(crate) const POINTS: OptionSpec = OptionSpec {
    name: "points",
    description: "points of the curve after that at share 0",
    kind: OptionKind::Number {
        default: 20.0,
        rule: "a whole number from 1 to 1000",
        holds: |x| (1.0..=1000.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Sums,
};

/// The last age at which something can be redeemed.
pub(crate) const EXPIRY: OptionSpec = OptionSpec {
    name: "expiry",
    description: "last age at which a liability can be redeemed; amounts of later ages count at it",
    kind: OptionKind::Number {
        default: f64::INFINITY,
        rule: "a whole number from 0 to 10000",
        holds: |x| (0.0..=10_000.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Sums,
};

/// Periods ahead.
pub(crate) const PERIODS: OptionSpec = OptionSpec {
    name: "periods",
    description: "periods ahead, from the one after the latest",
    kind: OptionKind::Number {
        default: 1.0,
        rule: "a whole number from 1 to 10000",
        holds: |x| (1.0..=10_000.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Sums,
};

/// What a cohort's ultimate follows from.
pub(crate) const PROJECTION: OptionSpec = OptionSpec {
    name: "method",
    description: "whether what is still to come follows from what a cohort redeemed, from its liability, or for young cohorts from its liability",
    kind: OptionKind::Choice(&["auto", "chain_ladder", "bornhuetter_ferguson"]),
    shapes: Shapes::Sums,
};

/// Up to when a cohort is young.
pub(crate) const PRIOR_BELOW: OptionSpec = OptionSpec {
    name: "prior_below",
    description: "with method 'auto', share redeemed below which a cohort's own redemptions say less than its liability",
    kind: OptionKind::Number {
        default: 0.5,
        rule: "a number in [0, 1]",
        holds: |x| (0.0..=1.0).contains(&x),
    },
    shapes: Shapes::Sums,
};

/// How far a bias is from 1 before there are data.
pub(crate) const PRIOR_SD: OptionSpec = OptionSpec {
    name: "prior_sd",
    description: "how far from 1 the bias is expected to be before there are data: the smaller, the stronger `shrunk` is drawn to 1",
    kind: OptionKind::Number {
        default: 0.25,
        rule: "a number greater than 0",
        holds: |x| x > 0.0 && x.is_finite(),
    },
    shapes: Shapes::Sums,
};

/// Probability of staying within a cap.
pub(crate) const CAP_QUANTILE: OptionSpec = OptionSpec {
    name: "quantile",
    description: "probability that the spend stays within the cap",
    kind: OptionKind::Number {
        default: 0.9,
        rule: "a number in [0.5, 1)",
        holds: |x| (0.5..1.0).contains(&x),
    },
    shapes: Shapes::Sums,
};

/// What the draws of a null law are made from.
pub(crate) const NULL_SEED: OptionSpec = OptionSpec {
    name: "seed",
    description: "seed of the draws of the statistic's law",
    kind: OptionKind::Number {
        default: 0.0,
        rule: "a whole number from 0 to 2^53",
        holds: |x| (0.0..=9_007_199_254_740_992.0).contains(&x) && x.fract() == 0.0,
    },
    shapes: Shapes::Interval,
};

/// Where the slope on a covariate comes from.
pub(crate) const THETA: OptionSpec = OptionSpec {
    name: "theta",
    description: "whose slope of the outcome on the covariate: within the arms, of all rows, or the controls' alone",
    kind: OptionKind::Choice(&["within", "joint", "control"]),
    shapes: Shapes::Sums,
};

/// Hájek or Horvitz-Thompson.
pub(crate) const ESTIMATOR: OptionSpec = OptionSpec {
    name: "estimator",
    description: "whether weighted sums are divided by the sum of the weights or by the number of rows",
    kind: OptionKind::Choice(&["hajek", "horvitz_thompson"]),
    shapes: Shapes::Sums,
};

/// Whose effect.
pub(crate) const ESTIMAND: OptionSpec = OptionSpec {
    name: "estimand",
    description: "whose effect: everybody's, the treated's, the controls', or weighted by e (1 - e)",
    kind: OptionKind::Choice(&["ate", "att", "atc", "overlap"]),
    shapes: Shapes::Sums,
};

/// Rows with extreme propensities are left out.
pub(crate) const TRIM: OptionSpec = OptionSpec {
    name: "trim",
    description: "rows with propensity below it or above 1 - it are skipped and counted in `n_skipped`; the effect is that of the kept rows",
    kind: OptionKind::Number {
        default: 0.0,
        rule: "a number in [0, 0.5)",
        holds: |x| (0.0..0.5).contains(&x),
    },
    shapes: Shapes::Sums,
};

/// What a period takes from the value of the next.
pub(crate) const DISCOUNT: OptionSpec = OptionSpec {
    name: "discount",
    description: "discount rate of a period: a value of period t, the first being 0, is divided by (1 + discount)^t",
    kind: OptionKind::Number {
        default: 0.0,
        rule: "a number that is not negative",
        holds: |x| (0.0..f64::INFINITY).contains(&x),
    },
    shapes: Shapes::Sums,
};

/// What a unit of cost is worth in value.
pub(crate) const COST_PRICE: OptionSpec = OptionSpec {
    name: "cost_price",
    description: "value that a unit of cost must bring: 1 in one currency, or the shadow price of a budget",
    kind: OptionKind::Number {
        default: 1.0,
        rule: "a number that is not negative",
        holds: |x| (0.0..f64::INFINITY).contains(&x),
    },
    shapes: Shapes::Sums,
};

/// Weights of early proxies of a value.
pub(crate) const PROXY_WEIGHTS: OptionSpec = OptionSpec {
    name: "weights",
    description: "what a unit of each element of values is worth, for proxies of a later value",
    kind: OptionKind::Numbers,
    shapes: Shapes::Sums,
};

/// The most that a unit of value may cost.
pub(crate) const MAX_COST_PER_VALUE: OptionSpec = OptionSpec {
    name: "max_cost_per_value",
    description: "most that a unit of value may cost: a pair is pruned where cost > max_cost_per_value * value",
    kind: OptionKind::Number {
        default: f64::INFINITY,
        rule: "a number that is not negative",
        holds: |x| x >= 0.0,
    },
    shapes: Shapes::Sums,
};

/// The least probability of an action.
pub(crate) const FLOOR: OptionSpec = OptionSpec {
    name: "floor",
    description: "least probability of each action; times the number of actions at most 1",
    kind: OptionKind::Number {
        default: 0.02,
        rule: "a number in [0, 1]",
        holds: |x| (0.0..=1.0).contains(&x),
    },
    shapes: Shapes::Sums,
};

/// How little probabilities follow what actions promise.
pub(crate) const TEMPERATURE: OptionSpec = OptionSpec {
    name: "temperature",
    description: "how even the probabilities are: small ones go to the best action, large ones to all alike",
    kind: OptionKind::Number {
        default: 1.0,
        rule: "a number greater than 0",
        holds: |x| x > 0.0 && x < f64::INFINITY,
    },
    shapes: Shapes::Sums,
};

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Choice(&'static str),
    Flag(bool),
    Range(Option<[f64; 2]>),
    List(Option<Vec<f64>>),
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
            OptionKind::Numbers => "a list of numbers, as in [1, 0.5]".to_string(),
        }
    }

    /// The default as SQL shows it.
    pub(crate) fn default_text(&self) -> String {
        match self.default() {
            Value::Number(x) if x.is_infinite() => "none".to_string(),
            Value::Number(x) => x.to_string(),
            Value::Choice(word) => format!("'{word}'"),
            Value::Flag(flag) => flag.to_string(),
            Value::Range(_) | Value::List(_) => "none".to_string(),
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
            | OptionKind::Numbers => None,
        }
    }

    fn word(&self, word: &str) -> Option<Value> {
        match self.kind {
            OptionKind::Number { .. }
            | OptionKind::Flag
            | OptionKind::Range
            | OptionKind::Edges
            | OptionKind::Numbers => None,
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
