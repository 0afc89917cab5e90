//! The campaign as columns: what is in each file.

use std::sync::Arc;

use datafusion::{
    arrow::array::{
        ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    common::Result,
};

use super::{
    behaviour::{self, Action, Outcome, PerAction},
    campaign::Decision,
    policies::Policy,
    population::INVITED_SHARE,
    truth::Truth,
};

/// `users.parquet`: one row per user, with what is known before the campaign.
pub(super) fn users(rows: &[Decision]) -> Result<RecordBatch> {
    batch([
        ("user_id", keys(rows, |row| row.user.id)),
        ("household_id", keys(rows, |row| row.user.household_id)),
        ("lifecycle", texts(rows, |row| row.user.lifecycle.name())),
        ("channel", texts(rows, |row| row.user.channel.name())),
        ("recency_days", counts(rows, |row| row.user.recency_days)),
        ("tenure_days", counts(rows, |row| row.user.tenure_days)),
        ("orders_90d", counts(rows, |row| row.user.orders_90d)),
        ("average_basket", numbers(rows, |row| row.user.average_basket)),
        ("discount_share", numbers(rows, |row| row.user.discount_share)),
    ])
}

/// `decisions/week=N/decisions.parquet`: one row per decision of the week.
///
/// `propensity` and `q_…_logged` belong to the action taken; the columns named after an action hold
/// what they would have been for it.
pub(super) fn decisions(rows: &[&Decision]) -> Result<RecordBatch> {
    let logged = [
        ("decision_id", keys(rows, |row| row.id())),
        ("user_id", keys(rows, |row| row.user.id)),
        ("household_id", keys(rows, |row| row.user.household_id)),
        ("decided_at", times(rows, |row| Some(row.decided_at))),
        ("lifecycle", texts(rows, |row| row.user.lifecycle.name())),
        ("channel", texts(rows, |row| row.user.channel.name())),
        ("action", texts(rows, |row| row.action.name())),
        ("propensity", numbers(rows, |row| row.of_action(&row.propensities))),
        ("loyalty_invited", counts(rows, |row| i32::from(row.loyalty_invited))),
        ("loyalty_joined", counts(rows, |row| i32::from(row.loyalty_joined))),
        ("redeemed", counts(rows, |row| i32::from(row.redeemed_at.is_some()))),
        ("redeemed_at", times(rows, |row| row.redeemed_at)),
        ("value", numbers(rows, |row| row.outcome.value)),
        ("cost", numbers(rows, |row| row.outcome.cost)),
        ("q_value_logged", numbers(rows, |row| row.of_action(&row.predicted).value)),
        ("q_cost_logged", numbers(rows, |row| row.of_action(&row.predicted).cost)),
    ];
    let named = |(name, column): (&str, _)| (name.to_owned(), column);
    batch(
        (logged.into_iter().map(named))
            .chain(per_action("propensity", rows, |row, action| row.propensities[action]))
            .chain(per_action("q_value", rows, |row, action| row.predicted[action].value))
            .chain(per_action("q_cost", rows, |row, action| row.predicted[action].cost)),
    )
}

/// `policies.parquet`: one row per decision and policy. `target_prob` is the probability with which
/// the policy takes the logged action, `q_…_target` the prediction averaged over its actions.
pub(super) fn policies(rows: &[Decision]) -> Result<RecordBatch> {
    let rows: Vec<_> = (rows.iter())
        .flat_map(|decision| Policy::ALL.map(|policy| Candidate::new(decision, policy)))
        .collect();
    let rows = rows.as_slice();
    batch([
        ("decision_id", keys(rows, |row| row.decision_id)),
        ("policy", texts(rows, |row| row.policy.name())),
        ("target_prob", numbers(rows, |row| row.target_prob)),
        ("q_value_target", numbers(rows, |row| row.q_target.value)),
        ("q_cost_target", numbers(rows, |row| row.q_target.cost)),
    ])
}

/// `expected.parquet`: one row per decision and action, the mean of what follows when the action is taken.
pub(super) fn expected(rows: &[Decision]) -> Result<RecordBatch> {
    let of = |decision: &Decision| {
        let (id, user) = (decision.id(), decision.user);
        Action::ALL.map(|action| (id, action, behaviour::expected(&user, action, INVITED_SHARE)))
    };
    let rows: Vec<_> = rows.iter().flat_map(of).collect();
    let rows = rows.as_slice();
    batch([
        ("decision_id", keys(rows, |(id, ..)| *id)),
        ("action", texts(rows, |(_, action, _)| action.name())),
        ("value", numbers(rows, |(.., outcome)| outcome.value)),
        ("cost", numbers(rows, |(.., outcome)| outcome.cost)),
    ])
}

/// `truth.parquet`: one row per true quantity.
pub(super) fn truth(rows: &[Truth]) -> Result<RecordBatch> {
    batch([
        ("estimand", texts(rows, |row| row.estimand)),
        ("name", texts(rows, |row| row.name)),
        ("value", numbers(rows, |row| row.mean.value)),
        ("cost", numbers(rows, |row| row.mean.cost)),
        ("net_value", numbers(rows, |row| row.mean.net_value())),
    ])
}

struct Candidate {
    decision_id: i64,
    policy: Policy,
    target_prob: f64,
    q_target: Outcome,
}

impl Candidate {
    fn new(decision: &Decision, policy: Policy) -> Self {
        let probabilities = policy.probabilities(&decision.predicted);
        Self {
            decision_id: decision.id(),
            policy,
            target_prob: decision.of_action(&probabilities),
            q_target: Outcome::mix(&probabilities, &decision.predicted),
        }
    }
}

fn batch<N: AsRef<str>>(columns: impl IntoIterator<Item = (N, ArrayRef)>) -> Result<RecordBatch> {
    let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(nullable)?)
}

fn per_action(
    prefix: &str,
    rows: &[&Decision],
    value: impl Fn(&Decision, usize) -> f64,
) -> PerAction<(String, ArrayRef)> {
    Action::ALL.map(|action| {
        let name = format!("{prefix}_{}", action.name());
        (name, numbers(rows, |row| value(row, action as usize)))
    })
}

fn keys<R>(rows: &[R], value: impl Fn(&R) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.iter().map(value)))
}

fn counts<R>(rows: &[R], value: impl Fn(&R) -> i32) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(rows.iter().map(value)))
}

fn numbers<R>(rows: &[R], value: impl Fn(&R) -> f64) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(rows.iter().map(value)))
}

fn texts<'a, R: 'a>(rows: &'a [R], value: impl Fn(&'a R) -> &'static str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
}

fn times<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter(rows.iter().map(value)))
}
