//! `calibration_slope`: the slope of the actual effect on the predicted one.

use datafusion::common::plan_err;

use super::adapter::{
    ALPHA, BoundAggregate, Constants, Definition, FORM, Kind, ON_INVALID, PLAIN_INTERVAL, SCORES,
};
use super::ranking;
use crate::estimators::{CalibrationSlope, InCluster, Independent, OverRows, Scores, SlopeForm};

pub(super) static DEFINITION: Definition = Definition {
    name: "calibration_slope",
    summary: "Slope of the actual effect on the predicted one: 1 when predictions are calibrated, 0 when they say nothing.",
    details: "Form 'blp': least squares of the row scores on the prediction, whose intercept `_ci` appends; 0 is \
        right. Form 'grf': least squares without intercept of the outcome about its mean on (T - e) times the mean \
        prediction, whose coefficient is appended as mean_coefficient and is 1 when right, and on (T - e) times the \
        prediction about its mean. The p-value tests a slope of zero. NULL when an arm has no rows or all \
        predictions are equal.",
    holds: ranking::HOLDS,
    source: "Chernozhukov, Demirer, Duflo and Fernández-Val (2018); Athey and Wager (2019).",
    arguments: ranking::ARGUMENTS,
    short_form: ranking::SHORT_FORM,
    clustered: true,
    constants: Constants::Options(&[ALPHA, FORM, ON_INVALID, PLAIN_INTERVAL, SCORES]),
    example: "\
SELECT r['estimate'] AS slope, r['intercept'] AS intercept, r['n'] AS n
FROM (SELECT calibration_slope_ci(prediction, outcome, treated, 0.5) AS r
  FROM (VALUES (0.9, 1, 1), (0.8, 0, 0), (0.7, 1, 1), (0.6, 0, 1), (0.5, 1, 0), (0.4, 0, 0), (0.3, 0, 1), (0.2, 1, 0))
  AS holdout(prediction, outcome, treated));",
    kind: Kind::Estimator {
        number: true,
        appended: CalibrationSlope::<Independent>::APPENDED,
        bind: |call| {
            let scores = ranking::scores(&DEFINITION, call);
            let form = SlopeForm::from_option(call.options.choice(&FORM));
            if (scores, form) == (Scores::Given, SlopeForm::Grf) {
                return plan_err!(
                    "{}: form 'grf' is a regression of outcomes; give outcome, treated and propensity",
                    call.function
                );
            }
            Ok(if call.clustered {
                BoundAggregate::any_estimator(OverRows(CalibrationSlope::<InCluster>::new(scores, form)))
            } else {
                BoundAggregate::any_estimator(OverRows(CalibrationSlope::<Independent>::new(scores, form)))
            })
        },
    },
};
