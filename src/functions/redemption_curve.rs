//! `redemption_curve`: how fast liabilities turn into spend.

use super::adapter::{Cell, Column, Constants, Definition, EXPIRY, Kind, ON_INVALID, Record};
use super::triangle::{self, OverTriangle};
use crate::allocation::pacing::{CurveAge, RedemptionCurve};

pub(super) static DEFINITION: Definition = Definition {
    name: "redemption_curve",
    summary: "Curve of redemption: which share of all that a cohort will redeem has come by each age.",
    details: "Amounts are summed by cohort and age. A cohort has been seen up to the latest period `cohort + age` of all \
        rows; within that a cell without rows is an amount of zero. By age from 0: `cohorts` seen at it, the `amount` they redeemed \
        at it, `reversals` (cohorts with a negative amount at it), `factor` from this age to the next, the ratio of the cumulative amounts of \
        the cohorts seen at both, and `share`, the product of 1 / factor from this age on, with Mack's errors. The share of the \
        oldest age is 1: nothing is expected past it. The factor is NULL at the oldest age and where cumulative amounts are not positive; the \
        share is 0 where nothing had come yet, and NULL while nothing has come at all or where reversals took all back. Errors are NULL with one \
        cohort, where a factor is, and where three cohorts or fewer leave the last factor's scatter open; the error is \
        that of the average curve, about which single cohorts scatter. An empty list without rows; rows left out (NULL, or invalid ones skipped) are not counted here. Errors: cohorts or ages that are no whole numbers (a date is none) or look like dates such as 202601, more than 10,000 periods from the oldest cohort to the latest period, amounts that sum to more than 1e100. A group keeps as many sums as there are pairs \
        of cohort and age, at most 10,000 of each.",
    holds: triangle::HOLDS,
    source: "Mack (1993).",
    arguments: &[triangle::COHORT, triangle::AGE, triangle::AMOUNT],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[EXPIRY, ON_INVALID]),
    example: "\
SELECT p['age'] AS age, p['amount'] AS amount, round(p['share'], 3) AS share, round(p['share_std_error'], 3) AS std_error
FROM (SELECT unnest(redemption_curve(week, age, redeemed)) AS p
  FROM (VALUES (1, 0, 40), (1, 1, 30), (1, 2, 10), (1, 3, 5), (2, 0, 50), (2, 1, 45), (2, 2, 8), (3, 0, 30), (3, 1, 20), (4, 0, 60))
  AS redemptions(week, age, redeemed));",
    kind: Kind::Measure {
        returns: "LIST of STRUCT(age, cohorts BIGINT, amount DOUBLE, reversals BIGINT, factor, factor_std_error, share, \
            share_std_error DOUBLE)",
        data_type: <Vec<CurveAge>>::data_type,
        bind: |call| {
            let function = RedemptionCurve { expiry: triangle::expiry(call) };
            Ok(triangle::measure(&DEFINITION, OverTriangle { function, liability: false }))
        },
    },
};

impl Record for CurveAge {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Count("age", |r| Some(r.age)),
        Cell::Count("cohorts", |r| Some(r.cohorts)),
        Cell::Number("amount", |r| Some(r.amount)),
        Cell::Count("reversals", |r| Some(r.reversals)),
        Cell::Number("factor", |r| r.factor),
        Cell::Number("factor_std_error", |r| r.factor_std_error),
        Cell::Number("share", |r| r.share),
        Cell::Number("share_std_error", |r| r.share_std_error),
    ];
}
