//! Gradient-boosted trees on bins, by squared or logistic loss.
//!
//! Each tree fits the negative gradient of the loss, leaf by leaf, best gain first; a leaf is worth
//! `G / (H + l2)`, `G` the sum of the negative gradients and `H` that of the second derivatives of its rows, and a split
//! gains `G_l² / (H_l + l2) + G_r² / (H_r + l2) - G² / (H + l2)`.
//! Sums are of integers, so that neither the number of threads nor the order of additions changes a tree.
//! Sources: Friedman (2001), "Greedy Function Approximation: A Gradient Boosting Machine"; Chen and Guestrin (2016),
//! "XGBoost: A Scalable Tree Boosting System"; Ke et al. (2017), "LightGBM: A Highly Efficient Gradient Boosting
//! Decision Tree".

mod assembly;
mod cell;
mod ensemble;
mod fit;
mod frontier;
mod gradients;
mod growth;
mod held_out;
mod histogram;
mod masks;
mod numeric;
mod partition;
mod settings;
mod split;
mod subset;
#[cfg(test)]
mod tests;
mod tree;
mod weights;

pub(crate) use ensemble::Ensemble;
pub(crate) use fit::{Grown, Run, Training, fit};
pub(crate) use held_out::{Curve, helpful};
pub(crate) use settings::{Loss, Settings};
pub(crate) use tree::{BinSet, Child, Split, Test, Tree};
