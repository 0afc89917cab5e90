//! The options that functions take, each once: several functions share most of them.

use super::options::{OptionKind, OptionSpec, Shapes};
use crate::math::{SEEDS, is_seed};

const fn number(
    name: &'static str,
    description: &'static str,
    default: f64,
    rule: &'static str,
    holds: fn(f64) -> bool,
    shapes: Shapes,
) -> OptionSpec {
    OptionSpec { name, description, kind: OptionKind::Number { default, rule, holds }, shapes }
}

const fn choice(
    name: &'static str,
    description: &'static str,
    words: &'static [&'static str],
    shapes: Shapes,
) -> OptionSpec {
    OptionSpec { name, description, kind: OptionKind::Choice(words), shapes }
}

/// Miscoverage rate of the interval.
pub(crate) const ALPHA: OptionSpec = number(
    "alpha",
    "miscoverage rate of the interval",
    0.05,
    "a number in (0, 1)",
    |x| x > 0.0 && x < 1.0,
    Shapes::Interval,
);

/// Kind of interval; the word `default` stands for the estimator's own.
pub(crate) const INTERVAL: OptionSpec = interval(&["default", "normal", "t", "bootstrap"]);

/// Kind of interval of an estimate that does not follow from the sums of clusters.
pub(crate) const PLAIN_INTERVAL: OptionSpec =
    choice("interval", "kind of confidence interval", &["default", "normal", "t"], Shapes::Interval);

/// Kind of interval of a mean of scores that have a range.
pub(crate) const BOUNDED_INTERVAL: OptionSpec =
    interval(&["default", "normal", "t", "bootstrap", "empirical_bernstein", "hoeffding"]);

/// Kind of interval of a mean of weighted rewards.
pub(crate) const WEIGHTED_INTERVAL: OptionSpec = interval(&[
    "default",
    "normal",
    "t",
    "bootstrap",
    "empirical_bernstein",
    "hoeffding",
    "clopper_pearson",
    "cressie_read",
]);

/// Least and greatest reward.
pub(crate) const REWARD_RANGE: OptionSpec = OptionSpec {
    name: "reward_range",
    description: "least and greatest value that can be, not those that were seen; for intervals that need them",
    kind: OptionKind::Range,
    shapes: Shapes::Interval,
};

/// Largest importance weight that can be.
pub(crate) const MAX_WEIGHT: OptionSpec = number(
    "max_weight",
    "largest weight that can be, not that was seen; for intervals that need it",
    f64::INFINITY,
    "a number greater than 0",
    |x| x > 0.0,
    Shapes::Interval,
);

/// Kind of interval of a ratio.
pub(crate) const RATIO_INTERVAL: OptionSpec = interval(&["default", "fieller", "normal", "t", "bootstrap"]);

const fn interval(choices: &'static [&'static str]) -> OptionSpec {
    OptionSpec {
        name: "interval",
        description: "kind of confidence interval; 'bootstrap' draws clusters anew, and needs them",
        kind: OptionKind::Choice(choices),
        shapes: Shapes::Resampling,
    }
}

/// What the draws of a bootstrap are made from.
pub(crate) const SEED: OptionSpec = number(
    "seed",
    "seed of the bootstrap: a cluster is drawn by the hash of seed, replicate and its value",
    0.0,
    SEEDS,
    is_seed,
    Shapes::Resampling,
);

/// How often a bootstrap draws.
pub(crate) const REPLICATES: OptionSpec = number(
    "replicates",
    "samples that the bootstrap draws; the interval is NULL unless nine in ten have an estimate",
    1000.0,
    "a whole number from 2 to 100000",
    |x| (2.0..=100_000.0).contains(&x) && x.fract() == 0.0,
    Shapes::Resampling,
);

/// What to do with rows whose values break a rule.
pub(crate) const ON_INVALID: OptionSpec = choice(
    "on_invalid",
    "whether a row with an invalid value is an error or skipped: counted in `n_skipped` where the result has it, NULL where the result is the row's own",
    &["error", "skip"],
    Shapes::Sums,
);

/// Which deviations a boundary is for.
pub(crate) const SIDES: OptionSpec = choice(
    "sides",
    "whether the boundary is for the sum in both directions or in one",
    &["two", "one"],
    Shapes::Sums,
);

/// Largest importance weight.
pub(crate) const CLIP: OptionSpec = number(
    "clip",
    "largest importance weight; larger ones are set to it, which biases the value towards that of the lower weights",
    f64::INFINITY,
    "a number greater than 0",
    |x| x > 0.0,
    Shapes::Sums,
);

/// Largest weight that SWITCH corrects with.
pub(crate) const SWITCH_LAMBDA: OptionSpec =
    tunable_lambda("largest weight to correct with; rows of larger ones have the prediction alone");

/// How far the optimistic factor follows the weight.
pub(crate) const SHRINKAGE_LAMBDA: OptionSpec =
    tunable_lambda("how far the factor follows the weight: it is at most half the root of lambda");

/// How far the sub-Gaussian factor is drawn to 1.
pub(crate) const MIXTURE_LAMBDA: OptionSpec = number(
    "lambda",
    "how far the factor is drawn to 1: it is below 1 / lambda",
    0.0,
    "a number in [0, 1]",
    |x| (0.0..=1.0).contains(&x),
    Shapes::Sums,
);

const fn tunable_lambda(description: &'static str) -> OptionSpec {
    OptionSpec {
        name: "lambda",
        description,
        kind: OptionKind::Tunable {
            default: f64::INFINITY,
            rule: "a number that is not negative",
            holds: |x| x >= 0.0,
        },
        shapes: Shapes::Sums,
    }
}

/// How outcomes become scores of rows.
pub(crate) const SCORES: OptionSpec = choice(
    "scores",
    "how outcomes become row scores: weighted about the arms' Hájek means, or as they are",
    &["centred", "horvitz_thompson"],
    Shapes::Sums,
);

/// Whose number a measure of a ranking is.
pub(crate) const CONVENTION: OptionSpec = choice(
    "convention",
    "whose definition: ours, or another library's, which has no error and leaves propensities out",
    &["canonical", "sklift", "causalml", "causalml_raw", "pylift"],
    Shapes::Sums,
);

/// Which regression tells the slope of actual on predicted effects.
pub(crate) const FORM: OptionSpec = choice(
    "form",
    "what is regressed: row scores on the prediction, or outcomes on treatment times prediction as grf does",
    &["blp", "grf"],
    Shapes::Sums,
);

/// Bins of a prediction.
pub(crate) const BINS: OptionSpec = number(
    "bins",
    "number of bins",
    10.0,
    "a whole number from 1 to 10000",
    |x| (1.0..=10_000.0).contains(&x) && x.fract() == 0.0,
    Shapes::Sums,
);

/// Where bins meet.
pub(crate) const EDGES: OptionSpec = OptionSpec {
    name: "edges",
    description: "where bins meet, instead of bins of as many rows: those of training, say; an edge belongs to the bin above it",
    kind: OptionKind::Edges,
    shapes: Shapes::Sums,
};

/// Share of the rows at the top of a ranking.
pub(crate) const TOP: OptionSpec = number(
    "top",
    "share of the rows, those of the largest predictions",
    0.3,
    "a number in (0, 1]",
    |x| x > 0.0 && x <= 1.0,
    Shapes::Sums,
);

/// Share of the rows that two rankings should agree on.
pub(crate) const STABLE_TOP: OptionSpec = number(
    "top",
    "share of the rows, those of the largest predictions",
    0.1,
    "a number in (0, 1]",
    |x| x > 0.0 && x <= 1.0,
    Shapes::Sums,
);

/// Whether predictions are rounded so that few of them differ.
pub(crate) const APPROXIMATE: OptionSpec = OptionSpec {
    name: "approximate",
    description: "whether predictions are rounded to as many bits as leave at most 65,536 different ones, which then tie: memory is bounded, by about 32 MiB a group; without clusters",
    kind: OptionKind::Flag,
    shapes: Shapes::Sums,
};

/// Points of a curve.
pub(crate) const POINTS: OptionSpec = number(
    "points",
    "points of the curve after that at share 0",
    20.0,
    "a whole number from 1 to 1000",
    |x| (1.0..=1000.0).contains(&x) && x.fract() == 0.0,
    Shapes::Sums,
);

/// The last age at which something can be redeemed.
pub(crate) const EXPIRY: OptionSpec = number(
    "expiry",
    "last age at which a liability can be redeemed; amounts of later ages count at it",
    f64::INFINITY,
    "a whole number from 0 to 10000",
    |x| (0.0..=10_000.0).contains(&x) && x.fract() == 0.0,
    Shapes::Sums,
);

/// Periods ahead.
pub(crate) const PERIODS: OptionSpec = number(
    "periods",
    "periods ahead, from the one after the latest",
    1.0,
    "a whole number from 1 to 10000",
    |x| (1.0..=10_000.0).contains(&x) && x.fract() == 0.0,
    Shapes::Sums,
);

/// What a cohort's ultimate follows from.
pub(crate) const PROJECTION: OptionSpec = choice(
    "method",
    "whether what is still to come follows from what a cohort redeemed, from its liability, or for young cohorts from its liability",
    &["auto", "chain_ladder", "bornhuetter_ferguson"],
    Shapes::Sums,
);

/// Up to when a cohort is young.
pub(crate) const PRIOR_BELOW: OptionSpec = number(
    "prior_below",
    "with method 'auto', share redeemed below which a cohort's own redemptions say less than its liability",
    0.5,
    "a number in [0, 1]",
    |x| (0.0..=1.0).contains(&x),
    Shapes::Sums,
);

/// How far a bias is from 1 before there are data.
pub(crate) const PRIOR_SD: OptionSpec = number(
    "prior_sd",
    "how far from 1 the bias is expected to be before there are data: the smaller, the stronger `shrunk` is drawn to 1",
    0.25,
    "a number greater than 0",
    |x| x > 0.0 && x.is_finite(),
    Shapes::Sums,
);

/// Probability of staying within a cap.
pub(crate) const CAP_QUANTILE: OptionSpec = number(
    "quantile",
    "probability that the spend stays within the cap",
    0.9,
    "a number in [0.5, 1)",
    |x| (0.5..1.0).contains(&x),
    Shapes::Sums,
);

/// What the draws of a null law are made from.
pub(crate) const NULL_SEED: OptionSpec =
    number("seed", "seed of the draws of the statistic's law", 0.0, SEEDS, is_seed, Shapes::Interval);

/// Where the slope on a covariate comes from.
pub(crate) const THETA: OptionSpec = choice(
    "theta",
    "whose slope of the outcome on the covariate: within the arms, of all rows, or the controls' alone",
    &["within", "joint", "control"],
    Shapes::Sums,
);

/// Hájek or Horvitz-Thompson.
pub(crate) const ESTIMATOR: OptionSpec = choice(
    "estimator",
    "whether weighted sums are divided by the sum of the weights or by the number of rows",
    &["hajek", "horvitz_thompson"],
    Shapes::Sums,
);

/// Whose effect.
pub(crate) const ESTIMAND: OptionSpec = choice(
    "estimand",
    "whose effect: everybody's, the treated's, the controls', or weighted by e (1 - e)",
    &["ate", "att", "atc", "overlap"],
    Shapes::Sums,
);

/// Rows with extreme propensities are left out.
pub(crate) const TRIM: OptionSpec = number(
    "trim",
    "rows with propensity below it or above 1 - it are skipped and counted in `n_skipped`; the effect is that of the kept rows",
    0.0,
    "a number in [0, 0.5)",
    |x| (0.0..0.5).contains(&x),
    Shapes::Sums,
);

/// What a period takes from the value of the next.
pub(crate) const DISCOUNT: OptionSpec = number(
    "discount",
    "discount rate of a period: a value of period t, the first being 0, is divided by (1 + discount)^t",
    0.0,
    "a number that is not negative",
    |x| (0.0..f64::INFINITY).contains(&x),
    Shapes::Sums,
);

/// What a unit of cost is worth in value.
pub(crate) const COST_PRICE: OptionSpec = number(
    "cost_price",
    "value that a unit of cost must bring: 1 in one currency, or the shadow price of a budget",
    1.0,
    "a number that is not negative",
    |x| (0.0..f64::INFINITY).contains(&x),
    Shapes::Sums,
);

/// Weights of early proxies of a value.
pub(crate) const PROXY_WEIGHTS: OptionSpec = OptionSpec {
    name: "weights",
    description: "what a unit of each element of values is worth, for proxies of a later value",
    kind: OptionKind::Numbers,
    shapes: Shapes::Sums,
};

/// The most that a unit of value may cost.
pub(crate) const MAX_COST_PER_VALUE: OptionSpec = number(
    "max_cost_per_value",
    "most that a unit of value may cost: a pair is pruned where cost > max_cost_per_value * value",
    f64::INFINITY,
    "a number that is not negative",
    |x| x >= 0.0,
    Shapes::Sums,
);

/// The least probability of an action.
pub(crate) const FLOOR: OptionSpec = number(
    "floor",
    "least probability of each action; times the number of actions at most 1",
    0.02,
    "a number in [0, 1]",
    |x| (0.0..=1.0).contains(&x),
    Shapes::Sums,
);

/// How little probabilities follow what actions promise.
pub(crate) const TEMPERATURE: OptionSpec = number(
    "temperature",
    "how even the probabilities are: small ones go to the best action, large ones to all alike",
    1.0,
    "a number greater than 0",
    |x| x > 0.0 && x < f64::INFINITY,
    Shapes::Sums,
);

/// Who fits the functions that a model is made of.
pub(crate) const LEARNER: OptionSpec = choice(
    "learner",
    "what fits functions of the features: boosted trees, or ridge and logistic regression on numbers and one-hot levels",
    &["boosting", "linear"],
    Shapes::Sums,
);

/// Trees of an ensemble.
pub(crate) const TREES: OptionSpec =
    whole_number("trees", "trees at most, boosting alone", 100.0, "a whole number from 1 to 10000", |x| {
        is_whole(x, 1.0, 10_000.0)
    });

/// Shrinkage of boosting.
pub(crate) const LEARNING_RATE: OptionSpec = number(
    "learning_rate",
    "what the values of a tree are multiplied by, boosting alone",
    0.1,
    "a number in (0, 1]",
    |x| x > 0.0 && x <= 1.0,
    Shapes::Sums,
);

/// Splits above a leaf.
pub(crate) const DEPTH: OptionSpec = whole_number(
    "depth",
    "splits above a leaf at most, boosting alone",
    f64::INFINITY,
    "a whole number of at least 1",
    |x| x == f64::INFINITY || is_whole(x, 1.0, 1e9),
);

/// Leaves of a tree.
pub(crate) const LEAVES: OptionSpec = whole_number(
    "leaves",
    "leaves of a tree at most, boosting alone",
    31.0,
    "a whole number from 2 to 4096",
    |x| is_whole(x, 2.0, 4096.0),
);

/// Weight of the rows of a leaf.
pub(crate) const MIN_LEAF_ROWS: OptionSpec = number(
    "min_leaf_rows",
    "sum of the weights of a leaf's rows at least, boosting alone",
    10.0,
    "a number that is not negative",
    |x| (0.0..f64::INFINITY).contains(&x),
    Shapes::Sums,
);

/// Penalty on the squares of coefficients.
pub(crate) const L2: OptionSpec = number(
    "l2",
    "penalty on squares: of the coefficients of linear functions (0.001 when left out), of the values of leaves (5)",
    f64::NAN,
    "a number that is not negative",
    |x| (0.0..f64::INFINITY).contains(&x),
    Shapes::Sums,
);

/// The same of effects.
pub(crate) const EFFECT_L2: OptionSpec = number(
    "effect_l2",
    "the same of functions that are fitted to effects; that of l2 when left out",
    f64::NAN,
    "a number that is not negative",
    |x| (0.0..f64::INFINITY).contains(&x),
    Shapes::Sums,
);

/// The scale of a linear penalty.
pub(crate) const L2_SCALE: OptionSpec = choice(
    "l2_scale",
    "whether the penalty of linear functions is on coefficients of features of standard deviation one and relative to the weight of all rows, or on those of features as they are and absolute",
    &["standardised", "raw"],
    Shapes::Sums,
);

/// Parts of the units that are left out in turn.
pub(crate) const FOLDS: OptionSpec = whole_number(
    "folds",
    "parts of the units, each left out by one member of the model; 1 trains on all at once, as methods were first published",
    5.0,
    "a whole number from 1 to 50",
    |x| is_whole(x, 1.0, 50.0),
);

/// Draws of the units with replacement.
pub(crate) const BAGS: OptionSpec = whole_number(
    "bags",
    "draws of the units with replacement, on each of which the model is trained; 1 takes the units as they are",
    1.0,
    "a whole number from 1 to 1000",
    |x| is_whole(x, 1.0, 1000.0),
);

/// Share of the rows of a tree.
pub(crate) const SUBSAMPLE: OptionSpec = number(
    "subsample",
    "share of the rows that each tree is grown from, boosting alone",
    1.0,
    "a number in (0, 1]",
    |x| x > 0.0 && x <= 1.0,
    Shapes::Sums,
);

/// Seed of a training.
pub(crate) const TRAINING_SEED: OptionSpec = number(
    "seed",
    "seed of the draws of folds, bags and rows, by the hash of seed and unit",
    0.0,
    SEEDS,
    is_seed,
    Shapes::Sums,
);

/// How probabilities are calibrated.
pub(crate) const CALIBRATION: OptionSpec = choice(
    "calibration",
    "curve that is fitted to what members say of units they have not seen; with folds 1 there is none",
    &["platt", "isotonic", "none"],
    Shapes::Sums,
);

/// Rows that anything is fitted to.
pub(crate) const MIN_ROWS: OptionSpec = whole_number(
    "min_rows",
    "rows that a function must have to be fitted to, in each arm",
    10.0,
    "a whole number of at least 2",
    |x| is_whole(x, 2.0, 1e9),
);

/// How rows are weighted.
pub(crate) const WEIGHTS: OptionSpec = choice(
    "weights",
    "whether rows count once or by the inverse of the probability of their arm, which needs a propensity",
    &["none", "ipw"],
    Shapes::Sums,
);

/// The largest weight of a row.
pub(crate) const WEIGHT_CLIP: OptionSpec = number(
    "weight_clip",
    "the largest weight of a row with weights 'ipw'; larger ones are cut and counted",
    f64::INFINITY,
    "a number greater than 0",
    |x| x > 0.0,
    Shapes::Sums,
);

/// Which outcome is predicted.
pub(crate) const HEAD: OptionSpec = OptionSpec {
    name: "head",
    description: "which outcome of a model of several is predicted",
    kind: OptionKind::Text,
    shapes: Shapes::Sums,
};

/// Share of the bags outside the bounds.
pub(crate) const BAG_ALPHA: OptionSpec = number(
    "alpha",
    "share of the bags outside the two bounds",
    0.05,
    "a number in (0, 1)",
    |x| x > 0.0 && x < 1.0,
    Shapes::Interval,
);

const fn whole_number(
    name: &'static str,
    description: &'static str,
    default: f64,
    rule: &'static str,
    holds: fn(f64) -> bool,
) -> OptionSpec {
    number(name, description, default, rule, holds, Shapes::Sums)
}

fn is_whole(x: f64, low: f64, high: f64) -> bool {
    (low..=high).contains(&x) && x.fract() == 0.0
}
