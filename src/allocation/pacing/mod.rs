//! Pacing: when liabilities that were assigned turn into spend, and what may still be assigned under a cap.
//!
//! Redemptions are summed in [`Cells`] by cohort and age; a triangle lays them out by calendar, and the chain ladder
//! reads factors and shares off it, for a curve and for a projection of spend. [`largest_liability`] is the pacer.

mod budget;
mod cells;
mod chain_ladder;
mod curve;
mod spend;
mod triangle;

pub(crate) use budget::{NewLiability, OldLiability, largest_liability};
pub(crate) use cells::{Cells, CellsFunction, Liability};
pub(crate) use curve::{CurveAge, RedemptionCurve};
pub(crate) use spend::{CohortSpend, Method, Spend, SpendProjection};
pub(crate) use triangle::TriangleError;
