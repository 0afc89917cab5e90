//! What the functions that evaluate rankings share.

use datafusion::common::{Result, plan_err};

use super::adapter::{APPROXIMATE, Argument, BoundAggregate, CONVENTION, Call, Definition, SCORES};
use crate::estimators::{Convention, InCluster, Independent, Measure, OverCells, OverRows, Ranking, Scores};

pub(super) const HOLDS: &str = "predictions were made without these rows, and treatment was assigned with the given propensity, or the \
    scores are those of such an assignment.";

/// In the short form the outcome is a score of the row whose mean is the effect.
pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::number("prediction", "what rows are ranked by, largest first, such as a predicted effect"),
    Argument::number(
        "outcome",
        "the outcome; with two columns, or three of which the last is the cluster, a row score whose mean is the effect, such as aipw_score",
    ),
    Argument::treated().optional(1.0),
    Argument::treated_propensity().optional(0.5),
];

pub(super) const SHORT_FORM: &[&str] = &["prediction", "score"];

/// The same with two outcomes.
pub(super) const COST_ARGUMENTS: &[Argument] = &[
    Argument::number(
        "prediction",
        "what rows are ranked by, largest first, such as predicted value per cost",
    ),
    Argument::number(
        "value",
        "what is to be gained; with three columns a row score whose mean is the effect on it",
    ),
    Argument::number("cost", "what it costs, in any unit; with three columns a row score as well"),
    Argument::treated().optional(1.0),
    Argument::treated_propensity().optional(0.5),
];

pub(super) const COST_SHORT_FORM: &[&str] = &["prediction", "value_score", "cost_score"];

/// Where the scores of a call's rows come from.
pub(super) fn scores(definition: &Definition, call: &Call) -> Scores {
    if call.has(definition, "treated") {
        Scores::from_option(call.options.choice(&SCORES))
    } else {
        Scores::Given
    }
}

/// Whether a call is for rounded predictions, which allow for neither clusters nor another library's convention.
pub(super) fn is_approximate(call: &Call, has_convention: bool) -> Result<bool> {
    let is_approximate = call.options.flag(&APPROXIMATE);
    if is_approximate && (call.clustered || has_convention) {
        let other = if call.clustered { "the cluster" } else { "the convention" };
        return plan_err!(
            "{}: {{'approximate': true}} keeps sums and no rows; leave {other} out, or approximate",
            call.function
        );
    }
    Ok(is_approximate)
}

/// Binds a measure of a ranking.
pub(super) fn bind(definition: &Definition, call: &Call, measure: Measure) -> Result<BoundAggregate> {
    let scores = scores(definition, call);
    let convention = Convention::from_option(call.options.choice(&CONVENTION));
    if scores == Scores::Given && convention != Convention::Canonical {
        return plan_err!(
            "{}: convention '{}' counts the outcomes of both arms; give outcome, treated and propensity",
            call.function,
            call.options.choice(&CONVENTION)
        );
    }
    if is_approximate(call, convention != Convention::Canonical)? {
        let ranking = Ranking::<Independent>::new(measure, scores, convention);
        return Ok(BoundAggregate::any_estimator(OverCells(ranking)));
    }
    Ok(if call.clustered {
        BoundAggregate::any_estimator(OverRows(Ranking::<InCluster>::new(measure, scores, convention)))
    } else {
        BoundAggregate::any_estimator(OverRows(Ranking::<Independent>::new(measure, scores, convention)))
    })
}
