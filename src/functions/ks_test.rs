//! `ks_test`: whether a number has the same distribution now as before.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{KolmogorovSmirnov, OverRows, TestResult};

pub(super) static DEFINITION: Definition = Definition {
    name: "ks_test",
    summary: "Test of Kolmogorov and Smirnov: whether a number has the same distribution in two samples.",
    details: "The statistic is the largest distance of the two empirical distribution functions; the p-value that of \
        its limit law, conservative where values tie. Rows where x is NULL are left out: compare the shares of NULL \
        apart. NULL when a sample has no values.",
    holds: "rows are independent.",
    source: "Kolmogorov (1933); Smirnov (1948).",
    arguments: &[
        Argument::number("x", "the number"),
        Argument::binary("is_current", "1 or true for rows of now, 0 or false for those of before"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT r['statistic'] AS statistic, r['p_value'] AS p_value
FROM (SELECT ks_test(basket, week >= 3) AS r
  FROM (VALUES (10, 1), (12, 1), (9, 2), (14, 2), (19, 3), (21, 3), (13, 4), (25, 4)) AS visits(basket, week));",
    kind: Kind::Measure {
        returns: "STRUCT(statistic, p_value DOUBLE)",
        data_type: <TestResult>::data_type,
        bind: |_| Ok(BoundAggregate::measure(OverRows(KolmogorovSmirnov), |result| result)),
    },
};
