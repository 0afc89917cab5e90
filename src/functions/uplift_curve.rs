//! `uplift_curve`: what treating a growing share of the rows brings.

use super::adapter::{
    ALPHA, APPROXIMATE, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID, POINTS, SCORES,
};
use super::ranking;
use crate::estimators::{CurvePoint, InCluster, Independent, OverCells, OverRows, UpliftCurve};

pub(super) static DEFINITION: Definition = Definition {
    name: "uplift_curve",
    summary: "Curve of the uplift when the rows of the largest predictions are treated: points at equal steps of their share.",
    details: "Uplift is per row of all rows: the mean score among the treated times their share; at share 1 it is the effect. \
        Ties at the threshold are in with the share of each that is needed. `threshold` is the smallest prediction among the \
        treated. Intervals are pointwise, normal or with clusters t. The first point is that of share 0. An empty list \
        without rows or when an arm has none.",
    holds: ranking::HOLDS,
    source: "Radcliffe (2007); Yadlowsky et al. (2025).",
    arguments: ranking::ARGUMENTS,
    short_form: ranking::SHORT_FORM,
    clustered: true,
    constants: Constants::Options(&[ALPHA, APPROXIMATE, ON_INVALID, POINTS, SCORES]),
    example: "\
SELECT p['share'] AS share, p['uplift'] AS uplift, p['std_error'] AS std_error
FROM (SELECT unnest(uplift_curve(prediction, outcome, treated, 0.5, {'points': 4})) AS p
  FROM (VALUES (0.9, 1, 1), (0.8, 0, 0), (0.7, 1, 1), (0.6, 0, 1), (0.5, 1, 0), (0.4, 0, 0), (0.3, 0, 1), (0.2, 1, 0))
  AS holdout(prediction, outcome, treated));",
    kind: Kind::Measure {
        returns: "LIST of STRUCT(share, threshold, uplift, std_error, ci_low, ci_high DOUBLE)",
        data_type: <Vec<CurvePoint>>::data_type,
        bind: |call| {
            let scores = ranking::scores(&DEFINITION, call);
            let (points, alpha) = (call.options.number(&POINTS) as usize, call.options.number(&ALPHA));
            if ranking::is_approximate(call, false)? {
                let curve = UpliftCurve::<Independent>::new(scores, points, alpha);
                return Ok(BoundAggregate::measure(OverCells(curve), |result| result));
            }
            Ok(if call.clustered {
                let curve = UpliftCurve::<InCluster>::new(scores, points, alpha);
                BoundAggregate::measure(OverRows(curve), |result| result)
            } else {
                let curve = UpliftCurve::<Independent>::new(scores, points, alpha);
                BoundAggregate::measure(OverRows(curve), |result| result)
            })
        },
    },
};
