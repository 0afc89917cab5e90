//! What the doubly robust values with shrunk weights share.

use super::adapter::{Argument, BoundAggregate, Call, OptionSpec};
use crate::estimators::{Clustered, Plain, Shrinkage, ShrunkDr, Tuned};

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::reward(),
    Argument::logged_propensity(),
    Argument::target_prob(),
    Argument::q_logged(),
    Argument::q_target(),
];

/// Binds the estimator whose lambda `spec` gives or the data choose, from powers of two that are raised to `power`.
pub(super) fn bind(
    call: &Call,
    spec: &OptionSpec,
    power: i32,
    shrinkage: fn(f64) -> Shrinkage,
) -> BoundAggregate {
    let estimator = |lambda| ShrunkDr { shrinkage: shrinkage(lambda) };
    if !call.options.is_auto(spec) {
        BoundAggregate::estimator(estimator(call.options.number(spec)), call.clustered)
    } else if call.clustered {
        BoundAggregate::any_estimator(Tuned::new(power, |lambda| Clustered(estimator(lambda))))
    } else {
        BoundAggregate::any_estimator(Tuned::new(power, |lambda| Plain(estimator(lambda))))
    }
}
