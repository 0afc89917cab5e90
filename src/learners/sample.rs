//! What a model is trained on.

use super::features::{Column, Features};

/// Rows in an order that follows from the data alone: sums that are made in it are the same however the rows came.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) features: Features,
    /// A column of finite outcomes for each head.
    pub(crate) outcomes: Vec<Vec<f64>>,
    /// Whether each row has the arm under test; empty where there are no arms.
    pub(crate) treated: Vec<bool>,
    /// P(treated) of each row, inside (0, 1), where it is known.
    pub(crate) propensity: Option<Vec<f64>>,
    /// Weights of rows, not negative.
    pub(crate) weight: Option<Vec<f64>>,
    /// A hash of each row's unit, by which folds and bags are drawn: rows of one unit go together.
    pub(crate) keys: Vec<u64>,
}

impl Sample {
    pub(crate) fn rows(&self) -> usize {
        self.keys.len()
    }

    /// Bytes of all columns.
    pub(crate) fn size(&self) -> usize {
        let numbers = self.outcomes.len() + [&self.propensity, &self.weight].into_iter().flatten().count();
        let features: usize = self.features.columns.iter().map(Column::size).sum();
        features + self.rows() * (numbers * size_of::<f64>() + size_of::<u64>()) + self.treated.len()
    }
}
