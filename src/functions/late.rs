//! `late`: the effect of a treatment on those who comply with their assignment.

use super::adapter::{
    ALPHA, Argument, BoundAggregate, Constants, Definition, Kind, ON_INVALID, RATIO_INTERVAL, REPLICATES,
    SEED,
};
use crate::estimators::Late;

pub(super) static DEFINITION: Definition = Definition {
    name: "late",
    summary: "Average effect of a treatment on those who receive it exactly when assigned (LATE).",
    details: "Estimator: the effect of the assignment on the outcome over its effect on receipt. Anderson and Rubin's \
        interval by default, which is (-Infinity, Infinity) when the effect on receipt is not significantly \
        different from zero; the standard error is the delta method's; the p-value tests the effect of the \
        assignment. NULL when an arm is empty or the effect on receipt is zero. `_ci` appends that effect, its F \
        statistic and the share of compliers, which is the same effect where it is not negative.",
    holds: "assignment was randomised with one probability, works through receipt alone, and makes nobody refuse.",
    source: "Imbens and Angrist (1994); Anderson and Rubin (1949).",
    arguments: &[
        Argument::outcome(),
        Argument::binary("assigned", "1 or true for those assigned to the treatment"),
        Argument::binary("received", "1 or true for those who received it"),
    ],
    short_form: &[],
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, RATIO_INTERVAL, REPLICATES, SEED]),
    example: "\
SELECT r['estimate'] AS estimate, r['first_stage'] AS first_stage, r['first_stage_f'] AS f
FROM (SELECT late_ci(outcome, assigned, received) AS r
  FROM (VALUES (4.0, 1, 1), (5.0, 1, 1), (2.0, 1, 0), (1.0, 0, 0), (2.0, 0, 0), (3.0, 0, 1), (1.5, 0, 0))
  AS t(outcome, assigned, received));",
    kind: Kind::Estimator {
        number: true,
        appended: Late::APPENDED,
        bind: |call| Ok(BoundAggregate::estimator(Late, call.clustered)),
    },
};
