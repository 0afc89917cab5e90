//! The methods by which effects, outcomes and propensities are learned.

use super::sample::Sample;

/// A method.
///
/// With `mu_0` and `mu_1` for the mean outcome of each arm, `m` for that of both, `e` for P(treated) and `t` for treated:
///
/// * T: `mu_1 - mu_0`; S: one function of the features and `t`, its difference.
/// * X: `e tau_0 + (1 - e) tau_1`, the functions of the imputed effects `mu_1 - y` of controls and `y - mu_0` of treated.
///   Source: Künzel, Sekhon, Bickel and Yu (2019), "Metalearners for Estimating Heterogeneous Treatment Effects".
/// * R: the function of `(y - m) / (t - e)` with weight `(t - e)²`.
///   Source: Nie and Wager (2021), "Quasi-Oracle Estimation of Heterogeneous Treatment Effects".
/// * DR: the function of `mu_1 - mu_0 + t (y - mu_1) / e - (1 - t) (y - mu_0) / (1 - e)`.
///   Source: Kennedy (2023), "Towards Optimal Doubly Robust Estimation of Heterogeneous Causal Effects".
/// * Outcome and propensity: one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    X,
    T,
    S,
    R,
    Dr,
    Outcome,
    Propensity,
}

/// Rows by arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arm {
    Control,
    Treated,
    Both,
}

impl Arm {
    pub(super) fn has(self, sample: &Sample, row: u32) -> bool {
        match self {
            Self::Both => true,
            Self::Treated => sample.treated[row as usize],
            Self::Control => !sample.treated[row as usize],
        }
    }

    /// What errors call its rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Control => "control ",
            Self::Treated => "treated ",
            Self::Both => "",
        }
    }
}

impl Method {
    /// Functions of the outcome that are fitted first, by the arm whose rows they are fitted to.
    pub(super) fn nuisances(self) -> &'static [Arm] {
        match self {
            Self::X | Self::Dr => &[Arm::Control, Arm::Treated],
            Self::R => &[Arm::Both],
            Self::T | Self::S | Self::Outcome | Self::Propensity => &[],
        }
    }

    /// The functions that the result is made of, by the arm whose rows they are fitted to.
    pub(super) fn finals(self) -> &'static [Arm] {
        match self {
            Self::X | Self::T => &[Arm::Control, Arm::Treated],
            Self::S | Self::R | Self::Dr | Self::Outcome | Self::Propensity => &[Arm::Both],
        }
    }

    /// Whether P(treated) takes part.
    pub(super) fn needs_propensity(self) -> bool {
        matches!(self, Self::X | Self::R | Self::Dr)
    }

    /// What a final function is fitted to: the target and weight of a row, given its outcome `y`, arm `t`, P(treated) `e`
    /// and the values of the nuisances.
    pub(super) fn target(self, y: f64, t: bool, e: f64, nuisances: &[f64]) -> (f64, f64) {
        match (self, nuisances) {
            (Self::X, &[mu0, mu1]) => (if t { y - mu0 } else { mu1 - y }, 1.0),
            (Self::R, &[m]) => {
                let residual = f64::from(t) - e;
                ((y - m) / residual, residual * residual)
            }
            (Self::Dr, &[mu0, mu1]) => {
                let corrected = if t { (y - mu1) / e } else { -(y - mu0) / (1.0 - e) };
                (mu1 - mu0 + corrected, 1.0)
            }
            _ => (y, 1.0),
        }
    }
}
