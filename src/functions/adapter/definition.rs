//! The one definition of a function: everything SQL, the documentation and the error texts say about it.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

use super::bound::{BoundAggregate, RowScore};
use super::call::Call;
use super::options::{OptionSpec, Options};
use super::row::RowCall;
use super::rule::Rule;
use super::series::Series;
use crate::functions::models::Said;
use crate::learners::Method;

/// A function, or a family of functions made of one estimator.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The name in SQL; an estimator's is also the stem of `_ci`, `_state`, `_merge` and `_merge_ci`.
    pub(crate) name: &'static str,
    /// The first sentence of the documentation.
    pub(crate) summary: &'static str,
    /// The estimator, and when the result is NULL.
    pub(crate) details: &'static str,
    /// What must hold for the result to mean what the summary says; empty for what only describes.
    pub(crate) holds: &'static str,
    /// Author and year of the method.
    pub(crate) source: &'static str,
    /// Columns by position.
    pub(crate) arguments: &'static [Argument],
    /// Names of the first columns where these alone make a call too; they are arguments that may not be left out.
    pub(crate) short_form: &'static [&'static str],
    /// Whether a column of clusters may follow the arguments.
    pub(crate) clustered: bool,
    /// What the struct of constants after the columns may hold.
    pub(crate) constants: Constants,
    /// A complete query that runs.
    pub(crate) example: &'static str,
    /// What the function does.
    pub(crate) kind: Kind,
}

/// What becomes of a definition.
pub(crate) enum Kind {
    /// An estimator: a family of functions.
    Estimator {
        /// Whether the number itself is registered; the mean's is the engine's `avg`.
        number: bool,
        /// Names of the fields that `_ci` appends to those of every inference.
        appended: &'static [&'static str],
        bind: fn(&Call) -> Result<BoundAggregate>,
    },
    /// An aggregate with a single result.
    Measure { returns: &'static str, data_type: fn() -> DataType, bind: fn(&Call) -> Result<BoundAggregate> },
    /// A function of one row.
    Score { bind: fn(&Call) -> Result<RowScore> },
    /// A function of one row that has lists, or whose result is no number. The type may follow from those of the columns.
    Row {
        returns: &'static str,
        data_type: fn(&[DataType]) -> DataType,
        apply: fn(&RowCall) -> Result<ArrayRef>,
    },
    /// An aggregate that trains a model.
    Training { method: Method },
    /// A function of a model and rows of features.
    Prediction { returns: &'static str, data_type: fn() -> DataType, column: fn(&Said, &Options) -> ArrayRef },
    /// A struct of the arguments, named after them.
    Features,
    /// A function of a list of points in one row.
    Series { returns: &'static str, data_type: fn() -> DataType, apply: fn(&Call, &[Series]) -> ArrayRef },
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Estimator { .. } => "Estimator",
            Self::Measure { .. } => "Measure",
            Self::Score { .. } => "Score",
            Self::Row { .. } => "Row",
            Self::Series { .. } => "Series",
            Self::Training { .. } => "Training",
            Self::Prediction { .. } => "Prediction",
            Self::Features => "Features",
        })
    }
}

/// The struct of constants that ends a call.
#[derive(Debug)]
pub(crate) enum Constants {
    /// Named options, each may be left out.
    Options(&'static [OptionSpec]),
    /// Expected shares by arm, required.
    Shares,
}

/// A column of a call.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) rule: Rule,
    /// The value of every row when the argument is left out; `None` when it may not be.
    pub(crate) default: Option<f64>,
}

impl Argument {
    const fn new(name: &'static str, description: &'static str, rule: Rule) -> Self {
        Self { name, description, rule, default: None }
    }

    /// A finite number.
    pub(crate) const fn number(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Finite)
    }

    /// A finite number, or a list of them.
    pub(crate) const fn numbers(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::FiniteList)
    }

    /// The probability of what happened, in (0, 1].
    pub(crate) const fn propensity(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Propensity)
    }

    /// P(treated), in (0, 1).
    pub(crate) const fn treated_propensity() -> Self {
        Self::new("propensity", "P(treated), in (0, 1)", Rule::TreatedPropensity)
    }

    /// A probability in (0, 1).
    pub(crate) const fn open_probability(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::TreatedPropensity)
    }

    /// A probability in [0, 1].
    pub(crate) const fn probability(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Probability)
    }

    /// 1 or true for the arm under test, 0 or false for the control.
    pub(crate) const fn treated() -> Self {
        Self::binary("treated", "1 or true for the arm under test, 0 or false for the control")
    }

    /// What followed the assignment of an arm.
    pub(crate) const fn outcome() -> Self {
        Self::number("outcome", "the outcome, in any unit")
    }

    /// Predicted outcome of the treated.
    pub(crate) const fn mu1() -> Self {
        Self::number("mu1", "predicted outcome if treated")
    }

    /// Predicted outcome of the controls.
    pub(crate) const fn mu0() -> Self {
        Self::number("mu0", "predicted outcome if not treated")
    }

    /// What followed a logged action.
    pub(crate) const fn reward() -> Self {
        Self::number("reward", "reward of the logged action")
    }

    /// The probability of a logged action.
    pub(crate) const fn logged_propensity() -> Self {
        Self::propensity("propensity", "probability in (0, 1] that the logging policy chose it")
    }

    /// The probability of a logged action under the target policy.
    pub(crate) const fn target_prob() -> Self {
        Self::probability("target_prob", "probability in [0, 1] that the target policy chooses it")
    }

    /// The same under a baseline policy, which may be left out.
    pub(crate) const fn baseline_prob() -> Self {
        Self::probability("baseline_prob", "probability in [0, 1] that the baseline policy chooses it")
            .optional(0.0)
    }

    /// Predicted reward of a logged action.
    pub(crate) const fn q_logged() -> Self {
        Self::number("q_logged", "predicted reward of the logged action")
    }

    /// Predicted reward of the target policy.
    pub(crate) const fn q_target() -> Self {
        Self::number(
            "q_target",
            "predicted reward of the target policy: the sum over actions of its probability times the prediction",
        )
    }

    /// 0 or 1, or a boolean.
    pub(crate) const fn binary(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Binary)
    }

    /// A number that is not negative.
    pub(crate) const fn not_negative(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Weight)
    }

    /// The weight of a row.
    pub(crate) const fn weight() -> Self {
        Self::not_negative("weight", "weight of the row, not negative")
    }

    /// A number of a period.
    pub(crate) const fn period(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Period)
    }

    /// Periods that have passed.
    pub(crate) const fn age(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Age)
    }

    /// An amount that is not negative.
    pub(crate) const fn size(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Weight)
    }

    /// A value of any type, compared by its text.
    pub(crate) const fn level(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Level)
    }

    /// A value of any type, of which NULL is one.
    pub(crate) const fn any(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Any)
    }

    /// A number, NaN and infinity being ones.
    pub(crate) const fn unchecked(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Unchecked)
    }

    /// A list of numbers.
    pub(crate) const fn number_list(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::NumberList)
    }

    /// A list of values of any type.
    pub(crate) const fn any_list(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::AnyList)
    }

    /// What draws are made from.
    pub(crate) const fn seed(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Seed)
    }

    /// What followed, one number or several by name.
    pub(crate) const fn heads() -> Self {
        Self::new(
            "outcome",
            "the outcome, in any unit; a struct such as {'value': v, 'cost': c} trains a head for each",
            Rule::Heads,
        )
    }

    /// What is known of a row before.
    pub(crate) const fn features() -> Self {
        Self::new(
            "features",
            "what was known before, as features(a, b) or {'a': a, 'b': b}: numbers, texts and booleans, of which NULL is a value",
            Rule::Features,
        )
    }

    /// Who the row is about.
    pub(crate) const fn unit(description: &'static str) -> Self {
        Self::any("unit", description).optional(0.0)
    }

    /// A trained model.
    pub(crate) const fn model() -> Self {
        Self::new(
            "model",
            "what a training function such as cate_xlearner returned; NULL predicts NULL",
            Rule::Model,
        )
    }

    /// A list of structs.
    pub(crate) const fn points(name: &'static str, description: &'static str) -> Self {
        Self::new(name, description, Rule::Points)
    }

    /// The argument may be left out; every row then has the value `default`.
    pub(crate) const fn optional(mut self, default: f64) -> Self {
        self.default = Some(default);
        self
    }
}

impl Definition {
    /// Arguments that may not be left out.
    pub(crate) fn required(&self) -> usize {
        self.arguments.iter().filter(|argument| argument.default.is_none()).count()
    }

    /// Names of all arguments in order, the trailing struct last.
    pub(crate) fn argument_names(&self) -> Vec<&'static str> {
        let columns = self.arguments.iter().map(|argument| argument.name);
        let cluster = self.clustered.then_some("cluster");
        columns.chain(cluster).chain([self.constants.argument_name()]).collect()
    }

    /// The call as documentation and errors show it: `f(a, b [, c] [, options])`, or both forms of it.
    pub(crate) fn call_form(&self, function: &str) -> String {
        if !self.short_form.is_empty() {
            let cluster = if self.clustered { " [, cluster]" } else { "" };
            let long = self.arguments.iter().map(|argument| argument.name).collect::<Vec<_>>();
            let form = |names: &[&str]| format!("{function}({}{cluster} [, options])", names.join(", "));
            return format!("{} or {}", form(&long), form(self.short_form));
        }
        let required = self.arguments.iter().filter(|argument| argument.default.is_none());
        let mut form = required.map(|argument| argument.name).collect::<Vec<_>>().join(", ");
        for name in &self.argument_names()[self.required()..] {
            let optional = !matches!(self.constants, Constants::Shares) || *name != "shares";
            form += &if optional { format!(" [, {name}]") } else { format!(", {name}") };
        }
        format!("{function}({form})")
    }

    /// The fields that `_ci` appends.
    pub(crate) fn appended(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Estimator { appended, .. } => appended,
            _ => &[],
        }
    }

    /// The named options.
    pub(crate) fn options(&self) -> &'static [OptionSpec] {
        match self.constants {
            Constants::Options(options) => options,
            Constants::Shares => &[],
        }
    }
}

impl Constants {
    fn argument_name(&self) -> &'static str {
        match self {
            Self::Options(_) => "options",
            Self::Shares => "shares",
        }
    }
}
