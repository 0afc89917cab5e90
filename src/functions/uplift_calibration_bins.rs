//! `uplift_calibration_bins`: predicted against actual effects in bins of the prediction.

use super::adapter::{
    ALPHA, APPROXIMATE, BINS, BoundAggregate, Column, Constants, Definition, EDGES, Kind, ON_INVALID,
};
use super::ranking;
use crate::estimators::{Bin, CalibrationBins, OverCells, OverRows};

pub(super) static DEFINITION: Definition = Definition {
    name: "uplift_calibration_bins",
    summary: "Predicted against actual effects in bins of the prediction, smallest first.",
    details: "As many rows in each bin as NTILE gives; rows of equal predictions stay together, in the bin of their \
        middle position, or between `edges`, and bins without rows are left out. `predicted` is the mean prediction, `actual` the \
        difference of the arms' Hájek means, or the mean score in the short form, with a normal interval; NULL \
        where an arm has no rows. An empty list without rows.",
    holds: ranking::HOLDS,
    source: "Radcliffe (2007); Chernozhukov, Demirer, Duflo and Fernández-Val (2018).",
    arguments: ranking::ARGUMENTS,
    short_form: ranking::SHORT_FORM,
    clustered: false,
    constants: Constants::Options(&[ALPHA, APPROXIMATE, BINS, EDGES, ON_INVALID]),
    example: "\
SELECT b['bin'] AS bin, b['n'] AS n, b['predicted'] AS predicted, b['actual'] AS actual
FROM (SELECT unnest(uplift_calibration_bins(prediction, outcome, treated, 0.5, {'bins': 2})) AS b
  FROM (VALUES (0.9, 1, 1), (0.8, 0, 0), (0.7, 1, 1), (0.6, 0, 1), (0.5, 1, 0), (0.4, 0, 0), (0.3, 0, 1), (0.2, 1, 0))
  AS holdout(prediction, outcome, treated));",
    kind: Kind::Measure {
        returns: "LIST of STRUCT(bin BIGINT, lower, upper DOUBLE, n, n_treated, n_control BIGINT, predicted, actual, \
            std_error, ci_low, ci_high DOUBLE)",
        data_type: <Vec<Bin>>::data_type,
        bind: |call| {
            let bins = CalibrationBins {
                scores: ranking::scores(&DEFINITION, call),
                bins: call.options.number(&BINS) as usize,
                edges: call.options.list(&EDGES),
                alpha: call.options.number(&ALPHA),
            };
            Ok(if ranking::is_approximate(call, false)? {
                BoundAggregate::measure(OverCells(bins), |result| result)
            } else {
                BoundAggregate::measure(OverRows(bins), |result| result)
            })
        },
    },
};
