//! `monotonicity_test`: whether effects rise in the order that was predicted.

use super::adapter::{Argument, Column, Constants, Definition, Kind, NULL_SEED};
use crate::estimators::{Monotonicity, monotonicity};

pub(super) static DEFINITION: Definition = Definition {
    name: "monotonicity_test",
    summary: "Test of whether actual effects rise in the order that was predicted: a small p-value refutes the order.",
    details: "Of the list of uplift_calibration_bins: `actual` in the order of the bins. Of that of cost_curve: `cost_per_value` \
        along the curve. `violations` counts the points below the one before, `largest_violation` is how far at most; \
        `kendall_tau` is tau-b of predicted and actual, of the place in the list where nothing is predicted. The statistic \
        is the square distance from the nearest series that never falls, each point over its error; its law is that of equal \
        effects, by 10,000 draws. Points without an effect or an error are left out and counted in `n_skipped`; \
        the p-value is NULL with fewer than two others. NULL for a list that is NULL.",
    holds: "errors of the points are nearly normal and independent.",
    source: "Barlow, Bartholomew, Bremner and Brunk (1972); Robertson, Wright and Dykstra (1988).",
    arguments: &[Argument::points(
        "points",
        "LIST of STRUCT with `actual` (or `cost_per_value`), `std_error` and perhaps `predicted`, in the order of the prediction",
    )],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[NULL_SEED]),
    example: "\
SELECT r['violations'] AS violations, r['kendall_tau'] AS kendall_tau, round(r['p_value'], 2) AS p_value
FROM (SELECT monotonicity_test([
    {'predicted': 0.1, 'actual': 0.2, 'std_error': 0.1},
    {'predicted': 0.2, 'actual': 0.1, 'std_error': 0.1},
    {'predicted': 0.3, 'actual': 0.4, 'std_error': 0.1}]) AS r);",
    kind: Kind::Series {
        returns: "STRUCT(violations BIGINT, largest_violation, kendall_tau, p_value DOUBLE, n, n_skipped BIGINT)",
        data_type: <Monotonicity>::data_type,
        apply: |call, lists| {
            let seed = call.options.number(&NULL_SEED) as u64;
            let tests: Vec<_> =
                lists.iter().map(|list| monotonicity(&list.points, list.skipped, seed)).collect();
            Column::column(&tests)
        },
    },
};
