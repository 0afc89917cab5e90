//! Learners: what is fitted to data, pure numbers.
//!
//! `train` fits the functions that a `method` needs to a `sample`, each without some folds, by a `base` learner: trees on
//! bins (`boosting`) or linear functions (`linear`). What comes out is a `model` whose members, `drawing` says which, have
//! not seen some units. `calibration` makes probabilities of scores. Linear functions but logistic ones are fitted to sums
//! that hold no rows (`streamed`).
//!
//! Sums are made in the order of the rows given, so a caller whose results may not depend on partitions or threads puts
//! the rows into an order of their own first.

mod base;
mod binning;
mod boosting;
mod calibration;
mod codec;
mod drawing;
mod edges;
mod features;
mod footprint;
mod linear;
mod matrix;
mod method;
mod model;
mod parts;
mod sample;
mod streamed;
mod train;

pub(crate) use base::Base;
pub(crate) use boosting::Settings as Boosting;
pub(crate) use calibration::Calibrator;
pub(crate) use drawing::Drawing;
pub(crate) use features::{Column, Features, NULL};
pub(crate) use footprint::footprint;
pub(crate) use linear::Penalty;
pub(crate) use method::Method;
pub(crate) use model::{Model, Predictions};
pub(crate) use sample::Sample;
pub(crate) use streamed::{Streamed, StreamedRows};
pub(crate) use train::{Settings, TrainError, Work, functions, train};
