//! `psi`: how far the distribution of a value has moved.

use super::adapter::{Argument, BINS, BoundAggregate, Column, Constants, Definition, Kind, ON_INVALID};
use crate::estimators::{Drift, OverRows, StabilityIndex};

pub(super) static DEFINITION: Definition = Definition {
    name: "psi",
    summary: "Population stability index: how far the distribution of a value now is from that before.",
    details: "Estimator: the sum over bins of (a - e) ln(a / e), e and a being the shares of the rows before and now. A number \
        has bins between the deciles of the rows before (an edge belongs to the bin below it, equal edges are one); of other types each \
        value is a bin; NULL is a bin of its own. A bin without rows before or now counts as half a row there, and \
        `empty_bins` says how many do. The p-value is that of the index's chi-square law without drift, which sees small drift in \
        many rows: beside it, 0.1 and 0.25 are the customary marks. NULL unless there are rows before and now.",
    holds: "rows are independent.",
    source: "Siddiqi (2006); Yurdakul (2018).",
    arguments: &[
        Argument::any("x", "the value, a number or of any other type; NULL is a value"),
        Argument::binary("is_current", "1 or true for rows of now, 0 or false for those of before"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[BINS, ON_INVALID]),
    example: "\
SELECT r['statistic'] AS statistic, r['p_value'] AS p_value, r['bins'] AS bins
FROM (SELECT psi(channel, week >= 3) AS r
  FROM (VALUES ('app', 1), ('web', 1), ('app', 2), ('web', 2), ('app', 3), ('app', 3), ('app', 4), ('web', 4)) AS visits(channel, week));",
    kind: Kind::Measure {
        returns: "STRUCT(statistic, p_value DOUBLE, bins, empty_bins BIGINT)",
        data_type: <Drift>::data_type,
        bind: |call| {
            let index =
                StabilityIndex { bins: call.options.number(&BINS) as usize, levels: call.levels };
            Ok(BoundAggregate::measure(OverRows(index), |result| result))
        },
    },
};
