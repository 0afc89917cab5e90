//! The adapter: turns a [`Definition`] into functions of the engine.
//!
//! `AggregateUDFImpl`, `Accumulator`, `GroupsAccumulator` and `ScalarUDFImpl` are implemented here, once.

mod aggregate;
mod bound;
mod call;
mod definition;
mod described;
mod distinct;
mod documentation;
mod entry;
mod merge;
mod option_catalog;
mod options;
mod output;
mod reader;
mod row;
mod rule;
mod score;
mod series;
mod signature;
mod sliding;
mod state;

pub(super) use aggregate::{AggregateFunction, Shape};
pub(super) use bound::{BoundAggregate, RowScore};
pub(super) use call::{Call, constant_scalar_struct, constant_struct};
pub(super) use definition::{Argument, Constants, Definition, Kind};
pub(super) use described::Described;
pub(super) use distinct::{refuse_distinct, refuse_distinct_in_plan};
pub(super) use documentation::reference;
pub(crate) use entry::Entry;
pub(super) use entry::entries;
pub(super) use merge::MergeFunction;
pub(super) use option_catalog::{
    ALPHA, APPROXIMATE, BAG_ALPHA, BAGS, BINS, BOUNDED_INTERVAL, CALIBRATION, CAP_QUANTILE, CLIP, CONVENTION,
    COST_PRICE, DEPTH, DISCOUNT, EDGES, EFFECT_L2, ESTIMAND, ESTIMATOR, EXPIRY, FLOOR, FOLDS, FORM, HEAD,
    INTERVAL, L2, L2_SCALE, LEARNER, LEARNING_RATE, LEAVES, MAX_COST_PER_VALUE, MAX_WEIGHT, MIN_LEAF_ROWS,
    MIN_ROWS, MIXTURE_LAMBDA, NULL_SEED, ON_INVALID, PERIODS, PLAIN_INTERVAL, POINTS, PRIOR_BELOW, PRIOR_SD,
    PROJECTION, PROXY_WEIGHTS, RATIO_INTERVAL, REPLICATES, REWARD_RANGE, SCORES, SEED, SHRINKAGE_LAMBDA,
    SIDES, STABLE_TOP, SUBSAMPLE, SWITCH_LAMBDA, TEMPERATURE, THETA, TOP, TRAINING_SEED, TREES, TRIM,
    WEIGHT_CLIP, WEIGHTED_INTERVAL, WEIGHTS,
};
pub(super) use options::{OptionSpec, Options};
pub(super) use output::{Cell, Column, Record};
pub(super) use row::{Invalid, NumberLists, RowFunction, number_list_column};
pub(super) use rule::Rule;
pub(super) use score::ScoreFunction;
pub(super) use series::SeriesFunction;
pub(super) use signature::{features_signature, is_number};
