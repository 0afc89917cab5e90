//! `mean_ci`: the sample mean with its error; the number itself is the engine's `avg`.

use super::adapter::{
    ALPHA, Argument, BOUNDED_INTERVAL, BoundAggregate, Constants, Definition, Kind, ON_INVALID, REPLICATES,
    REWARD_RANGE, SEED,
};
use crate::estimators::Mean;

pub(super) static DEFINITION: Definition = Definition {
    name: "mean",
    summary: "Mean of a column.",
    details: "Estimator: the mean of the rows, with a t interval on n - 1 degrees of freedom (G - 1 \
        with clusters). The number itself is the engine's `avg`. The p-value is NULL: a mean has \
        no natural null hypothesis.",
    holds: "rows are independent, or dependent within the clusters alone.",
    source: "Student (1908), The Probable Error of a Mean.",
    arguments: &[Argument::number("x", "the values, any unit; row scores included")],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, BOUNDED_INTERVAL, ON_INVALID, REPLICATES, REWARD_RANGE, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['ci_low'] AS ci_low, r['ci_high'] AS ci_high
FROM (SELECT mean_ci(x) AS r
  FROM (VALUES (1.0), (2.0), (4.0)) AS t(x));",
    kind: Kind::Estimator {
        number: false,
        appended: &[],
        bind: |call| Ok(BoundAggregate::estimator(Mean, call.clustered)),
    },
};
