//! `mixture_boundary`: what a sum of deviations stays below at all times.

use super::adapter::{Argument, Constants, Definition, Kind, ON_INVALID, RowScore, SIDES};
use crate::math::{one_sided_boundary, two_sided_normal_boundary};

pub(super) static DEFINITION: Definition = Definition {
    name: "mixture_boundary",
    summary: "Uniform boundary: what a sum of deviations from its mean exceeds at any time with probability alpha at most.",
    details: "v is the sum's variance so far, or a bound on it: for n values in [a, b] n (b - a)^2 / 4, or, with c = b - a, the sum of \
        squared differences to a guess made before each value, such as the mean until then. The sum divided by n is the \
        estimate less the mean, so boundary / n is the radius of an interval that holds at every look. c = 0 is a mixture of \
        normals, greater ones a gamma-exponential mixture; `{'sides': 'one'}` is for sums that matter in one direction. A \
        boundary on both sides with c is one of alpha / 2 on each. NULL when an argument is NULL, when v_opt is not positive, \
        with one side when alpha is 0.5 or more, where numbers are too large or small to compute with, or with `{'on_invalid': 'skip'}` for invalid values.",
    holds: "v_opt and c were fixed before the data; exp(x S - psi(x) V) is a supermartingale, with psi(x) = x^2 / 2, or \
        (-ln(1 - c x) - c x) / c^2 where c > 0.",
    source: "Howard, Ramdas, McAuliffe and Sekhon (2021).",
    arguments: &[
        Argument::not_negative("v", "intrinsic time: the variance of the sum so far, or a bound on it"),
        Argument::number("v_opt", "the intrinsic time near which the boundary is narrowest, above 0"),
        Argument::open_probability("alpha", "probability in (0, 1) that the sum ever crosses"),
        Argument::not_negative(
            "c",
            "scale of the deviations' tails; 0, the default, where they are sub-Gaussian",
        )
        .optional(0.0),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[SIDES, ON_INVALID]),
    example: "SELECT n, mixture_boundary(n / 4.0, 250, 0.05) / n AS radius FROM (VALUES (100), (1000), (10000)) AS looks(n);",
    kind: Kind::Score {
        bind: |call| {
            let is_one_sided = call.options.choice(&SIDES) == "one";
            Ok(RowScore::nullable(move |[v, v_opt, alpha, c]| match (is_one_sided, c > 0.0) {
                (true, _) => one_sided_boundary(v, v_opt, alpha, c),
                (false, true) => one_sided_boundary(v, v_opt, alpha / 2.0, c),
                (false, false) => two_sided_normal_boundary(v, v_opt, alpha),
            }))
        },
    },
};
