//! Learners: what is fitted to data, pure numbers.
//!
//! Sums are made in the order of the rows given, so a caller whose results may not depend on partitions or threads puts
//! the rows into an order of their own first, and merges parts in a fixed order.

mod calibration;
mod features;
mod linear;

pub(crate) use calibration::{Isotonic, Platt};
pub(crate) use features::{Column, Features, NULL};
pub(crate) use linear::{
    Design, Encoding, LinearError, LinearModel, Penalty, Sums, logistic, probability, ridge,
};
