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
pub(super) use call::Call;
pub(super) use definition::{Argument, Constants, Definition, Kind};
pub(super) use documentation::reference;
pub(crate) use entry::Entry;
pub(super) use entry::entries;
pub(super) use merge::MergeFunction;
pub(super) use option_catalog::{
    ALPHA, APPROXIMATE, BINS, BOUNDED_INTERVAL, CAP_QUANTILE, CLIP, CONVENTION, COST_PRICE, DISCOUNT, EDGES,
    ESTIMAND, ESTIMATOR, EXPIRY, FLOOR, FORM, INTERVAL, MAX_COST_PER_VALUE, MAX_WEIGHT, MIXTURE_LAMBDA,
    NULL_SEED, ON_INVALID, PERIODS, PLAIN_INTERVAL, POINTS, PRIOR_BELOW, PRIOR_SD, PROJECTION, PROXY_WEIGHTS,
    RATIO_INTERVAL, REPLICATES, REWARD_RANGE, SCORES, SEED, SHRINKAGE_LAMBDA, SIDES, STABLE_TOP,
    SWITCH_LAMBDA, TEMPERATURE, THETA, TOP, TRIM, WEIGHTED_INTERVAL,
};
pub(super) use options::OptionSpec;
pub(super) use output::{Cell, Column, Record};
pub(super) use row::{Invalid, NumberLists, RowFunction, number_list_column};
pub(super) use score::ScoreFunction;
pub(super) use series::SeriesFunction;
