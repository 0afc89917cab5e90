//! What large coefficients cost.
//!
//! Source: Hoerl and Kennard (1970), "Ridge Regression: Biased Estimation for Nonorthogonal Problems".

use super::LinearError;

/// The penalty on coefficients. Both forms with zero ask for the plain fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalty {
    l2: f64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Standardised,
    Raw,
}

impl Penalty {
    /// `deviance / sum of weights + l2 · sum_j (sd_j beta_j)^2`: neither the units of the features, nor the number of rows,
    /// nor the scale of the weights change what `l2` means.
    ///
    /// # Errors
    /// When `l2` is negative or not a finite number.
    pub(crate) fn per_row(l2: f64) -> Result<Self, LinearError> {
        Self::new(l2, Unit::Standardised)
    }

    /// `deviance + alpha · sum_j beta_j^2` in the units of the features: scikit-learn's `Ridge(alpha)` and
    /// `LogisticRegression(C=1 / alpha)`.
    ///
    /// # Errors
    /// When `alpha` is negative or not a finite number.
    pub(crate) fn raw(alpha: f64) -> Result<Self, LinearError> {
        Self::new(alpha, Unit::Raw)
    }

    fn new(l2: f64, unit: Unit) -> Result<Self, LinearError> {
        if (0.0..f64::INFINITY).contains(&l2) { Ok(Self { l2, unit }) } else { Err(LinearError::Penalty(l2)) }
    }

    pub(super) fn is_none(self) -> bool {
        self.l2 == 0.0
    }

    /// The penalty per row on the squared coefficient of a standardised column whose centred sum of squares is given.
    pub(super) fn on(self, sum_of_squares: f64) -> f64 {
        match self.unit {
            _ if self.is_none() => 0.0,
            Unit::Standardised => self.l2,
            Unit::Raw => self.l2 / sum_of_squares,
        }
    }
}
