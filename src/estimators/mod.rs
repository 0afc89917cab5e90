//! Estimators: one method per file, pure numbers.
//!
//! [`Statistic`] is the contract of an estimator; [`Plain`] and [`Clustered`] keep its sums and turn them into
//! an [`Inference`]. What is not an estimator with a standard error implements [`Aggregate`] itself.

mod aggregate;
mod aipw;
mod arms;
mod balance;
mod bias_factor;
mod bootstrap;
mod bounded;
mod clustered;
mod cost_per_value;
mod cuped;
mod difference;
mod direct_method;
mod doubly_robust;
mod inference;
mod ips;
mod ipw;
mod late;
mod mean;
mod monotonicity;
mod plain;
mod policy_lift;
mod ranking;
mod ratio_difference;
mod relative_lift;
mod sample_ratio;
mod self_normalized;
mod shrunk_dr;
mod statistic;
mod tuned;
mod weights;

pub(crate) use aggregate::{Aggregate, BLOCK, DecodeError, Estimator, FloatReader, Rows};
pub(crate) use aipw::{Aipw, aipw_score};
pub(crate) use balance::{BalanceMeasure, CovariateBalance};
pub(crate) use bias_factor::BiasFactor;
pub(crate) use bootstrap::Resampling;
pub(crate) use bounded::Bounds;
pub(crate) use clustered::Clustered;
pub(crate) use cost_per_value::{CostPerValue, WeightedCostPerValue};
pub(crate) use cuped::{COVARIATES, Cuped, CupedList, Slope};
pub(crate) use difference::DifferenceInMeans;
pub(crate) use direct_method::DirectMethod;
pub(crate) use doubly_robust::{DoublyRobust, dr_score};
pub(crate) use inference::{Inference, Interval, IntervalSettings};
pub(crate) use ips::{Ips, ips_score};
pub(crate) use ipw::{Estimand, IpwAte, IpwMean, Weighting};
pub(crate) use late::Late;
pub(crate) use mean::Mean;
pub(crate) use monotonicity::{Monotonicity, Point, monotonicity};
pub(crate) use plain::Plain;
pub(crate) use policy_lift::{Baseline, DrLift, IpsLift};
pub(crate) use ranking::{
    Aucc, Bin, CalibrationBins, CalibrationSlope, Convention, CostCurve, CostPoint, CurvePoint, Drift,
    InCluster, Independent, KolmogorovSmirnov, Measure, OverCells, OverRows, RankStability, Ranking, Scores,
    SlopeForm, Stability, StabilityIndex, TestResult, UpliftCurve,
};
pub(crate) use ratio_difference::RatioDifference;
pub(crate) use relative_lift::{RelativeLift, WeightedRelativeLift};
pub(crate) use sample_ratio::{GoodnessOfFit, SampleRatio};
pub(crate) use self_normalized::{SelfNormalizedDr, SelfNormalizedIps};
pub(crate) use shrunk_dr::{Shrinkage, ShrunkDr};
pub(crate) use statistic::Statistic;
pub(crate) use tuned::Tuned;
pub(crate) use weights::{WeightMeasure, Weights};

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod laws;
