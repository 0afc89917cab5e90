//! `cost_curve`: what treating a growing share of the rows brings and costs.

use super::adapter::{
    ALPHA, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID, POINTS, SCORES,
};
use super::ranking;
use crate::estimators::{CostCurve, CostPoint, InCluster, Independent, OverRows};

pub(super) static DEFINITION: Definition = Definition {
    name: "cost_curve",
    summary: "Curve of added value against added cost when the rows of the largest predictions are treated, with what a unit \
        of value costs along it.",
    details: "`value` and `cost` are the effects of treating the share, per row of all rows, with pointwise errors. \
        `cost_per_value` is that of the rows since the point before, the ratio of the effects on them, with its delta error \
        and Fieller's interval, which is (-inf, inf) where the effect on value may be zero: a good ranking has it rising along the \
        list, which monotonicity_test tests. NULL where the effect on value is zero, and at share 0. An empty list without \
        rows or when an arm has none.",
    holds: ranking::HOLDS,
    source: "Du, Lee and Ghaffarizadeh (2019); Fieller (1954).",
    arguments: ranking::COST_ARGUMENTS,
    short_form: ranking::COST_SHORT_FORM,
    clustered: true,
    constants: Constants::Options(&[ALPHA, ON_INVALID, POINTS, SCORES]),
    example: "\
SELECT p['share'] AS share, p['value'] AS value, p['cost'] AS cost, p['cost_std_error'] AS cost_std_error
FROM (SELECT unnest(cost_curve(prediction, value, cost, treated, 0.5, {'points': 2})) AS p
  FROM (VALUES (0.9, 5, 1, 1), (0.8, 1, 0, 0), (0.7, 4, 1, 1), (0.6, 0, 0, 0), (0.5, 3, 1, 1), (0.4, 2, 0, 0), (0.3, 2, 2, 1), (0.2, 1, 0, 0))
  AS holdout(prediction, value, cost, treated));",
    kind: Kind::Measure {
        returns: "LIST of STRUCT(share, threshold, value, value_std_error, cost, cost_std_error, cost_per_value, std_error, \
            ci_low, ci_high DOUBLE)",
        data_type: <Vec<CostPoint>>::data_type,
        bind: |call| {
            let scores = ranking::scores(&DEFINITION, call);
            let (points, alpha) = (call.options.number(&POINTS) as usize, call.options.number(&ALPHA));
            Ok(if call.clustered {
                let curve = CostCurve::<InCluster>::new(scores, points, alpha);
                BoundAggregate::measure(OverRows(curve), |result| result)
            } else {
                let curve = CostCurve::<Independent>::new(scores, points, alpha);
                BoundAggregate::measure(OverRows(curve), |result| result)
            })
        },
    },
};
