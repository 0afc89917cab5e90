//! `pacer_budget`: what may be assigned now so that spend stays within its cap.

use super::adapter::{Argument, CAP_QUANTILE, Constants, Definition, Kind, ON_INVALID, RowScore};
use crate::allocation::pacing::{NewLiability, OldLiability, largest_liability};
use crate::math::normal_quantile;

pub(super) static DEFINITION: Definition = Definition {
    name: "pacer_budget",
    summary: "Largest liability that may be assigned now so that the period's spend stays within its cap: the budget of an allocation.",
    details: "The largest L with m + z sqrt(v) <= cap, where m = bias (spend + share L), v = (spend + share L)^2 bias_std_error^2 + \
        bias^2 (spend_std_error^2 + L^2 share_std_error^2) and z is the normal quantile of `quantile`; a root of a quadratic. `spend` is what old \
        liabilities will still cost in the period (in_period_spend), `share` what of a new one is redeemed by its end (redemption_curve), \
        `bias` their common bias (bias_factor; 1 without error when left out). 0 when old liabilities break the cap \
        alone. NULL when an argument is NULL (a bare NULL in the place of `bias` or its error, without a type, is not given), when nothing of new liability is redeemed in the period, so that none breaks the cap, and \
        when L is beyond the range of numbers, and with `{'on_invalid': 'skip'}` for invalid values.",
    holds: "the three errors are independent and spend is nearly normal.",
    source: "Goodman (1960), \"On the Exact Variance of Products\", for the variance of a product, to first order.",
    arguments: &[
        Argument::size(
            "cap",
            "most that the period may cost; of a period that has begun, what is left of it",
        ),
        Argument::number("spend", "what old liabilities will cost in the period"),
        Argument::size("spend_std_error", "its standard error"),
        Argument::probability("share", "share of new liability that is redeemed in the period, in [0, 1]"),
        Argument::size(
            "share_std_error",
            "its standard error: that of the curve and, for a single cohort, how far single cohorts are from it",
        ),
        Argument::size("bias", "what comes true for a predicted amount of 1").optional(1.0),
        Argument::size("bias_std_error", "its standard error").optional(0.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID, CAP_QUANTILE]),
    example: "SELECT round(pacer_budget(10000, 6000, 500, 0.4, 0.03, 1.05, 0.04, {'quantile': 0.9}), 2) AS budget;",
    kind: Kind::Score {
        bind: |call| {
            let z = normal_quantile(call.options.number(&CAP_QUANTILE));
            Ok(RowScore::nullable(move |[cap, spend, spend_error, share, share_error, bias, bias_error]| {
                let old = OldLiability { spend, std_error: spend_error };
                let new = NewLiability { share, std_error: share_error };
                largest_liability(cap, old, new, (bias, bias_error), z)
            }))
        },
    },
};
