//! The small table that other tools were run on.

use crate::learners::{Column, Features};

pub(super) const OUTCOME: [f64; 8] = [1.0, 3.0, 2.0, 5.0, 4.0, 8.0, 6.0, 9.0];
pub(super) const CLASS: [f64; 8] = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
pub(super) const WEIGHTS: [f64; 8] = [1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 2.0, 1.0];

pub(super) fn features() -> Features {
    let first = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let second = vec![4.0, 1.0, 16.0, 9.0, 49.0, 25.0, 64.0, 36.0];
    Features { columns: vec![Column::Numeric(first), Column::Numeric(second)], rows: 8 }
}
