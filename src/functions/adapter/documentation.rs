//! Documentation of a function, all of it from its definition.

use std::fmt::Write;

use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{DocSection, Documentation};

use super::aggregate::Shape;
use super::bound::BoundAggregate;
use super::definition::{Constants, Definition, Kind};
use super::option_catalog::{ALPHA, INTERVAL, MAX_WEIGHT, REPLICATES, REWARD_RANGE, SEED};
use super::options::{OptionSpec, Options, Shapes};
use crate::estimators::{Bounds, Interval, IntervalSettings, Resampling};

/// The section of the engine's function list.
const SECTION: DocSection = DocSection { include: true, label: "Causal Functions", description: None };

/// What `f_ci` returns, for readers.
fn inference(definition: &Definition) -> String {
    let appended = definition.appended().iter().map(|name| format!(", {name}")).collect::<String>();
    format!(
        "STRUCT(estimate, std_error, ci_low, ci_high, p_value DOUBLE, n, n_skipped BIGINT, ess{appended} DOUBLE)"
    )
}

/// Reads the options of the interval.
pub(super) fn interval_settings(options: &Options) -> IntervalSettings {
    let interval = match options.choice(&INTERVAL) {
        "normal" => Some(Interval::Normal),
        "t" => Some(Interval::T),
        "fieller" => Some(Interval::Fieller),
        "empirical_bernstein" => Some(Interval::EmpiricalBernstein),
        "hoeffding" => Some(Interval::Hoeffding),
        "clopper_pearson" => Some(Interval::ClopperPearson),
        "cressie_read" => Some(Interval::CressieRead),
        "bootstrap" => Some(Interval::Bootstrap(Resampling {
            seed: options.number(&SEED) as u64,
            replicates: options.number(&REPLICATES) as usize,
        })),
        _ => None,
    };
    let bounds = Bounds { reward: options.range(&REWARD_RANGE), weight: options.number(&MAX_WEIGHT) };
    IntervalSettings::new(options.number(&ALPHA), interval, bounds)
}

/// Returns an error when the interval asked for in `options` cannot be had.
pub(super) fn check_interval(
    function: &str,
    options: &Options,
    bound: &BoundAggregate,
    settings: &IntervalSettings,
) -> Result<()> {
    match bound.missing(settings) {
        Some(why) => plan_err!("{function}: interval '{}' {why}", options.choice(&INTERVAL)),
        None => Ok(()),
    }
}

/// Returns an error when a state is made for an interval that it does not change.
pub(super) fn check_state_interval(
    function: &str,
    definition: &Definition,
    options: &Options,
    bound: &BoundAggregate,
) -> Result<()> {
    match options.choice(&INTERVAL) {
        "" | "default" => Ok(()),
        "bootstrap" => check_interval(function, options, bound, &interval_settings(options)),
        other => plan_err!(
            "{function}: the interval of a state must be 'bootstrap' or left out, got '{other}'; give it to {}_merge_ci",
            definition.name
        ),
    }
}

/// Documents `f`, `f_ci` or `f_state`.
pub(super) fn document(definition: &'static Definition, shape: Shape) -> Documentation {
    let name = shape.name(definition);
    let form = match definition.kind {
        Kind::Features => format!("{name}(a, b, …)"),
        _ => definition.call_form(&name),
    };
    let description = match (shape, &definition.kind) {
        (Shape::Ci, _) => format!("{} Returns {}.", definition.summary, inference(definition)),
        (Shape::State, _) => format!(
            "{} Returns its sums as BINARY, to be merged by {}_merge and {}_merge_ci.",
            definition.summary, definition.name, definition.name
        ),
        (
            _,
            Kind::Measure { returns, .. }
            | Kind::Row { returns, .. }
            | Kind::Series { returns, .. }
            | Kind::Prediction { returns, .. },
        ) => {
            format!("{} Returns {returns}.", definition.summary)
        }
        (_, Kind::Training { .. }) => format!("{} Returns {MODEL}.", definition.summary),
        (_, Kind::Features) => format!("{} Returns STRUCT.", definition.summary),
        (Shape::Number, _) => format!("{} Returns DOUBLE.", definition.summary),
    };
    let mut builder = Documentation::builder(SECTION, description, form).with_sql_example(definition.example);
    for argument in definition.arguments {
        builder = builder.with_argument(argument.name, argument_text(argument.description, argument.default));
    }
    if definition.clustered {
        builder = builder.with_argument("cluster", CLUSTER);
    }
    match definition.constants {
        Constants::Shares => builder = builder.with_argument("shares", SHARES),
        Constants::Options(specs) => {
            let accepted = specs.iter().filter(|spec| shape.accepts(spec));
            builder = builder.with_argument("options", options_text(accepted));
        }
    }
    builder.build()
}

/// Documents `f_merge` or `f_merge_ci`.
pub(super) fn document_merge(definition: &'static Definition, name: &str, ci: bool) -> Documentation {
    let returns = if ci { inference(definition) } else { "DOUBLE".to_string() };
    let description = format!(
        "{} From states made by {}_state, as one pass over all their rows would give. Returns {returns}.",
        definition.summary, definition.name
    );
    let form = if ci { format!("{name}(state [, options])") } else { format!("{name}(state)") };
    let builder = Documentation::builder(SECTION, description, form)
        .with_argument("state", format!("BINARY made by {}_state; NULL is skipped", definition.name));
    if !ci {
        return builder.build();
    }
    let interval = definition.options().iter().filter(|spec| spec.shapes != Shapes::Sums);
    builder.with_argument("options", options_text(interval)).build()
}

/// What is said of every function that trains a model.
const TRAINING: &str = "Rows with NULL in an argument are skipped; NULL in a feature is a value. Without rows the model is NULL; too \
    few rows in an arm or fold are an error that names them, and so are features that are not finite. With folds \
    (the default) the member of a fold is trained without the units of the fold, and what its target needs of a \
    row comes from functions that have seen neither the row's fold nor the member's: `predict` with the unit then \
    says of each training unit what was learned without it. Folds and bags are drawn by hash of seed and unit, \
    without unit by hash of seed and the row's values; the same rows give the same model in any order and \
    partitioning. Ridge regressions, which the linear learner fits where a propensity is given or has no part, come \
    from sums that are added up row by row: they hold no rows, so a log larger than memory trains, and levels of \
    all features may be 10000. Boosting, propensity_model, and cate_xlearner, cate_rlearner and cate_drlearner \
    without a propensity, which they then fit, hold all rows.";
const MODEL: &str = "a model (BINARY in a dictionary)";
const CLUSTER: &str = "who is dependent: rows of one cluster count as dependent in the error, which is then CR1 with G - 1 degrees of freedom; any type; optional";
const SHARES: &str =
    "constant struct of the expected share of each arm, as in {'a': 0.5, 'b': 0.5}; scaled to sum 1";

/// What a function computes, and what its kind does with rows.
pub(super) fn details(definition: &Definition) -> String {
    match definition.kind {
        Kind::Training { .. } => format!("{} {TRAINING}", definition.details),
        _ => definition.details.to_string(),
    }
}

fn argument_text(description: &str, default: Option<f64>) -> String {
    let optional = if default.is_some() { "; optional" } else { "" };
    format!("{description}{optional}")
}

fn options_text<'a>(specs: impl Iterator<Item = &'a OptionSpec>) -> String {
    let options: Vec<_> = specs
        .map(|spec| format!("{} ({}; default {})", spec.name, spec.rule(), spec.default_text()))
        .collect();
    format!("constant struct, as in {{'name': value}}: {}", options.join(", "))
}

/// The reference of all functions in Markdown.
pub(in crate::functions) fn reference(definitions: &[&'static Definition]) -> String {
    let mut out = String::from(HEAD);
    for definition in definitions {
        write_entry(&mut out, definition).expect("writing to a string cannot fail");
    }
    out
}

const HEAD: &str = "# Function reference

Generated from the functions' definitions by `cargo test`; `UPDATE_REFERENCE=1 cargo test` writes it anew.

An estimator `f` is a family: `f` returns the estimate as DOUBLE, `f_ci` the whole inference as
STRUCT(estimate, std_error, ci_low, ci_high, p_value DOUBLE, n, n_skipped BIGINT, ess DOUBLE), `f_state` its sums
as BINARY, and `f_merge(state)` and `f_merge_ci(state [, options])` the same results from states. Rows with NULL in
an argument are skipped and counted in `n_skipped`; invalid values are errors unless `on_invalid` is `'skip'`.
Estimates are NULL without rows or without support, errors and intervals with fewer than two rows (or clusters).
`ess` is Kish's effective sample size. An argument in brackets may be left out from the right or be NULL.
";

fn write_entry(out: &mut String, definition: &Definition) -> std::fmt::Result {
    writeln!(out, "\n## {}\n\n{} {}\n", definition.name, definition.summary, details(definition))?;
    if !definition.holds.is_empty() {
        writeln!(out, "Holds when {}\n", definition.holds)?;
    }
    let call = match &definition.kind {
        Kind::Estimator { number, .. } => {
            let names = [("", *number), ("_ci", true), ("_state", true)];
            let forms = names.iter().filter(|(_, there)| *there);
            let mut forms: Vec<_> = forms
                .map(|(suffix, _)| definition.call_form(&format!("{}{suffix}", definition.name)))
                .collect();
            forms.push(format!("{}_merge(state)", definition.name));
            forms.push(format!("{}_merge_ci(state [, options])", definition.name));
            forms.join("\n")
        }
        Kind::Measure { returns, .. }
        | Kind::Row { returns, .. }
        | Kind::Series { returns, .. }
        | Kind::Prediction { returns, .. } => {
            format!("{} -> {returns}", definition.call_form(definition.name))
        }
        Kind::Training { .. } => format!("{} -> {MODEL}", definition.call_form(definition.name)),
        Kind::Features => format!("{}(a, b, …) -> STRUCT(a, b, …)", definition.name),
        Kind::Score { .. } => format!("{} -> DOUBLE", definition.call_form(definition.name)),
    };
    writeln!(out, "```text\n{call}\n```\n\n| argument | meaning |\n|---|---|")?;
    for argument in definition.arguments {
        writeln!(out, "| `{}` | {} |", argument.name, argument_text(argument.description, argument.default))?;
    }
    if definition.clustered {
        writeln!(out, "| `cluster` | {CLUSTER} |")?;
    }
    if matches!(definition.constants, Constants::Shares) {
        writeln!(out, "| `shares` | {SHARES} |")?;
    }
    if !definition.appended().is_empty() {
        writeln!(out, "\n`_ci` appends {}.", definition.appended().join(", "))?;
    }
    if !definition.options().is_empty() {
        writeln!(out, "\n| option | value | default | meaning |\n|---|---|---|---|")?;
        for spec in definition.options() {
            writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                spec.name,
                spec.rule(),
                spec.default_text(),
                spec.description
            )?;
        }
    }
    writeln!(out, "\n```sql\n{}\n```\n\nSource: {}", definition.example.trim(), definition.source)
}
