//! `srm_test`: the test of sample ratio mismatch.

use super::adapter::{Argument, BoundAggregate, Column, Constants, Definition, Kind};
use crate::estimators::{GoodnessOfFit, SampleRatio};

pub(super) static DEFINITION: Definition = Definition {
    name: "srm_test",
    summary: "Test of sample ratio mismatch: whether the arms have the sizes the design says.",
    details: "Pearson's chi-square on one less degrees of freedom than there are arms with a positive \
        share; exact binomial for two arms and an expected count below five. A p-value very \
        close to one means blocked randomisation. An arm without a share is an error, an \
        expected arm without rows counts as zero rows. NULL without rows, or when the shares are NULL.",
    holds: "rows are the units that were randomised.",
    source: "Pearson (1900); Fabijan et al. (2019).",
    arguments: &[Argument::level("arm", "the arm, compared with the names of the shares by its text")],
    short_form: &[],
    clustered: false,
    constants: Constants::Shares,
    example: "\
SELECT r['chi2'] AS chi2, r['p_value'] AS p_value
FROM (SELECT srm_test(arm, {'a': 0.5, 'b': 0.5}) AS r FROM (VALUES ('a'), ('a'), ('b'), ('a'), ('b')) AS t(arm));",
    kind: Kind::Measure {
        returns: "STRUCT(chi2 DOUBLE, df BIGINT, p_value DOUBLE, n BIGINT)",
        data_type: GoodnessOfFit::data_type,
        bind: |call| Ok(BoundAggregate::measure(SampleRatio::new(&call.shares), |result| result)),
    },
};
