//! `in_period_spend`: what liabilities will cost in the next periods.

use datafusion::common::plan_err;

use super::adapter::{
    ALPHA, Argument, Cell, Column, Constants, Definition, EXPIRY, Kind, ON_INVALID, PERIODS, PRIOR_BELOW,
    PROJECTION, Record,
};
use super::triangle::{self, OverTriangle};
use crate::allocation::pacing::{CohortSpend, Method, Spend, SpendProjection};

pub(super) static DEFINITION: Definition = Definition {
    name: "in_period_spend",
    summary: "Spend that liabilities already assigned will cause in the next periods, with its prediction error.",
    details: "Cohorts, ages and the periods seen are those of redemption_curve, and so are the shares P by age. A cohort of age a with C \
        redeemed spends by age e C (P(e) / P(a) - 1) by chain ladder, and L (P(e) - P(a)) by Bornhuetter-Ferguson, its liability L standing in for \
        an ultimate that it is too young to show. With `method` 'auto' and liabilities given, that is so below the share `prior_below`, and \
        for cohorts that have redeemed nothing. `estimate` is the spend of all cohorts in the next `periods`, with a normal interval; `reserve` all \
        that is still to come, `ultimate` that and all that came. `cohorts` lists the same by cohort, with age, redeemed, liability, share P(a) and method. \
        Errors are Mack's, of estimation and process; by Bornhuetter-Ferguson \
        the process is the scatter of amounts per unit of liability, and the liability is taken to be known. `reversals` counts negative cells. \
        NULL without rows, and where a cohort's is NULL: without a share, or with a share of 0 and no liability. Errors are NULL with one cohort and where a factor \
        that is needed has none. A row with a NULL is left out whole, with its amount, also when only its liability is NULL: `n_skipped` counts them. Errors: those of redemption_curve, two liabilities of one cohort, and method 'bornhuetter_ferguson' without liability. A group keeps as many sums as there are pairs of cohort and age.",
    holds: triangle::HOLDS,
    source: "Mack (1993); Bornhuetter and Ferguson (1972); Mack (2008).",
    arguments: &[
        triangle::COHORT,
        triangle::AGE,
        triangle::AMOUNT,
        Argument::size(
            "liability",
            "what the whole cohort is expected to redeem in all, the same on each of its rows, not negative",
        )
        .optional(0.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ALPHA, EXPIRY, PROJECTION, ON_INVALID, PERIODS, PRIOR_BELOW]),
    example: "\
SELECT round(s['estimate'], 1) AS spend, round(s['std_error'], 1) AS std_error, round(s['reserve'], 1) AS reserve
FROM (SELECT in_period_spend(week, age, redeemed, liability, {'periods': 2}) AS s
  FROM (VALUES (1, 0, 40, 100), (1, 1, 30, 100), (1, 2, 10, 100), (1, 3, 5, 100), (2, 0, 50, 120), (2, 1, 45, 120), (2, 2, 8, 120),
    (3, 0, 30, 80), (3, 1, 20, 80), (4, 0, 60, 150))
  AS redemptions(week, age, redeemed, liability));",
    kind: Kind::Measure {
        returns: "STRUCT(estimate, std_error, ci_low, ci_high, ultimate, reserve, reserve_std_error DOUBLE, n, n_skipped, reversals \
            BIGINT, cohorts LIST of STRUCT(cohort, age BIGINT, redeemed, liability, share DOUBLE, method TEXT, ultimate, reserve, \
            reserve_std_error, spend, spend_std_error DOUBLE))",
        data_type: <Spend>::data_type,
        bind: |call| {
            let liability = call.has(&DEFINITION, "liability");
            let method = match call.options.choice(&PROJECTION) {
                CHAIN_LADDER => Method::ChainLadder,
                BORNHUETTER_FERGUSON if !liability => {
                    return plan_err!(
                        "in_period_spend: method '{BORNHUETTER_FERGUSON}' needs liability: what each cohort is expected to redeem in all"
                    );
                }
                BORNHUETTER_FERGUSON => Method::BornhuetterFerguson,
                _ => Method::PriorBelow(call.options.number(&PRIOR_BELOW)),
            };
            let function = SpendProjection {
                periods: call.options.number(&PERIODS) as usize,
                alpha: call.options.number(&ALPHA),
                method,
                expiry: triangle::expiry(call),
            };
            Ok(triangle::measure(&DEFINITION, OverTriangle { function, liability }))
        },
    },
};

const CHAIN_LADDER: &str = "chain_ladder";
const BORNHUETTER_FERGUSON: &str = "bornhuetter_ferguson";

impl Record for Spend {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("estimate", |r| r.estimate),
        Cell::Number("std_error", |r| r.std_error),
        Cell::Number("ci_low", |r| r.ci_low),
        Cell::Number("ci_high", |r| r.ci_high),
        Cell::Number("ultimate", |r| r.ultimate),
        Cell::Number("reserve", |r| r.reserve),
        Cell::Number("reserve_std_error", |r| r.reserve_std_error),
        Cell::Count("n", |r| Some(r.n)),
        Cell::Count("n_skipped", |r| Some(r.n_skipped)),
        Cell::Count("reversals", |r| Some(r.reversals)),
        Cell::Column("cohorts", <Vec<CohortSpend>>::data_type, |records| {
            let cohorts: Vec<Vec<CohortSpend>> = records.iter().map(|r| r.cohorts.clone()).collect();
            Column::column(&cohorts)
        }),
    ];
}

impl Record for CohortSpend {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Whole("cohort", |r| r.cohort),
        Cell::Count("age", |r| Some(r.age)),
        Cell::Number("redeemed", |r| Some(r.redeemed)),
        Cell::Number("liability", |r| r.liability),
        Cell::Number("share", |r| r.share),
        Cell::Text("method", |r| if r.is_prior { BORNHUETTER_FERGUSON } else { CHAIN_LADDER }),
        Cell::Number("ultimate", |r| r.ultimate),
        Cell::Number("reserve", |r| r.reserve),
        Cell::Number("reserve_std_error", |r| r.reserve_std_error),
        Cell::Number("spend", |r| r.spend),
        Cell::Number("spend_std_error", |r| r.spend_std_error),
    ];
}
