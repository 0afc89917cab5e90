//! Linear learners: ridge and logistic regression on numbers and one-hot categories.
//!
//! Both minimise `deviance + penalty`, the deviance being the weighted sum of squared residuals, or minus two times the
//! weighted log-likelihood; [`Penalty`] says in which unit. The intercept is never penalised.

mod centred;
mod encoding;
mod layout;
mod likelihood;
mod logistic;
mod model;
mod panel;
mod penalty;
mod products;
mod ridge;
mod sums;
mod totals;

pub(crate) use centred::Centred;
pub(crate) use encoding::{Coding, Design, Encoding, Place};
pub(crate) use layout::{Flags, Layout};
pub(crate) use logistic::logistic;
pub(crate) use model::{LinearModel, probability};
pub(crate) use penalty::Penalty;
pub(crate) use products::{Products, Row};
pub(crate) use ridge::ridge;
pub(crate) use totals::{Totals, Vector};

use sums::Sums;

#[cfg(test)]
mod fixture;

/// Why there is no fit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum LinearError {
    /// No row has a weight above zero.
    #[error("there is no row to fit")]
    NoRows,
    /// The penalty is negative or not a number.
    #[error("l2 must be a number that is not negative, got {0}")]
    Penalty(f64),
    /// Sums or coefficients left the range of floating-point numbers.
    #[error("the values are too large to be summed; rescale features and outcome")]
    Overflow,
    /// All outcomes are 0, or all are 1, so the intercept has no finite value.
    #[error("the outcome is {0} in every row; both 0 and 1 must occur")]
    OneClass(f64),
    /// Some combination of features predicts outcomes perfectly, so that coefficients have no finite value.
    #[error("the features tell outcomes 0 and 1 apart perfectly in some rows; ask for a larger l2")]
    Separated,
    /// Newton's method did not come to rest.
    #[error("no convergence after {0} iterations")]
    NotConverged(usize),
    /// The caller asked to stop.
    #[error("training was stopped")]
    Stopped,
}
