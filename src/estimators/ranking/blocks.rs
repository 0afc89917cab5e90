//! Ranked rows in blocks of equal predictions.

use super::rows::Scored;
use super::scores::Scorer;

/// Rows of one prediction, and where they stand: `above` rows have larger ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a, D> {
    pub(super) rows: &'a [Scored<D>],
    pub(super) above: usize,
}

impl<D> Block<'_, D> {
    pub(super) fn len(&self) -> f64 {
        self.rows.len() as f64
    }

    /// Rows of the block and above it.
    pub(super) fn through(&self) -> f64 {
        (self.above + self.rows.len()) as f64
    }

    /// Sum of the rows' scores.
    pub(super) fn sum(&self, scorer: &Scorer) -> f64 {
        self.rows.iter().map(|row| scorer.score(row)).sum()
    }
}

/// Calls `visit` with each block, that of the smallest prediction first.
pub(super) fn upwards<'a, D>(rows: &'a [Scored<D>], mut visit: impl FnMut(&Block<'a, D>)) {
    let mut end = rows.len();
    while end > 0 {
        let ties = rows[..end].iter().rev().take_while(|row| row.prediction == rows[end - 1].prediction);
        let above = end - ties.count();
        visit(&Block { rows: &rows[above..end], above });
        end = above;
    }
}

/// Calls `visit` with each block, that of the largest prediction first.
pub(super) fn downwards<'a, D>(rows: &'a [Scored<D>], mut visit: impl FnMut(&Block<'a, D>)) {
    let mut above = 0;
    while above < rows.len() {
        let ties = rows[above..].iter().take_while(|row| row.prediction == rows[above].prediction);
        let end = above + ties.count();
        visit(&Block { rows: &rows[above..end], above });
        above = end;
    }
}
