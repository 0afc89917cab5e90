//! Ranked rows in blocks of equal predictions.

use super::rows::Scored;

/// Rows of one prediction, and where they stand: `above` rows have larger ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a, D, Y = f64> {
    pub(super) rows: &'a [Scored<D, Y>],
    pub(super) above: usize,
}

impl<D, Y> Block<'_, D, Y> {
    pub(super) fn len(&self) -> f64 {
        self.rows.len() as f64
    }
}

/// Calls `visit` with each block, that of the smallest prediction first.
pub(super) fn upwards<'a, D, Y>(rows: &'a [Scored<D, Y>], mut visit: impl FnMut(&Block<'a, D, Y>)) {
    let mut end = rows.len();
    while end > 0 {
        let ties = rows[..end].iter().rev().take_while(|row| row.prediction == rows[end - 1].prediction);
        let above = end - ties.count();
        visit(&Block { rows: &rows[above..end], above });
        end = above;
    }
}

/// Calls `visit` with each block, that of the largest prediction first.
pub(super) fn downwards<'a, D, Y>(rows: &'a [Scored<D, Y>], mut visit: impl FnMut(&Block<'a, D, Y>)) {
    let mut above = 0;
    while above < rows.len() {
        let ties = rows[above..].iter().take_while(|row| row.prediction == rows[above].prediction);
        let end = above + ties.count();
        visit(&Block { rows: &rows[above..end], above });
        above = end;
    }
}

/// Calls `visit` with each row among those from rank `from` to rank `to`, and the part of it that is: a block that reaches
/// beyond is in with a share of each of its rows.
pub(super) fn between<'a, D, Y>(
    rows: &'a [Scored<D, Y>],
    from: f64,
    to: f64,
    mut visit: impl FnMut(&'a Scored<D, Y>, f64),
) {
    let first = (from as usize).min(rows.len());
    let is_tied = |row: &Scored<D, Y>| rows.get(first).is_some_and(|at| at.prediction == row.prediction);
    let mut above = first - rows[..first].iter().rev().take_while(|row| is_tied(row)).count();
    while above < rows.len() && (above as f64) < to {
        let ties = rows[above..].iter().take_while(|row| row.prediction == rows[above].prediction);
        let end = above + ties.count();
        let part = ((end as f64).min(to) - (above as f64).max(from)) / (end - above) as f64;
        if part > 0.0 {
            rows[above..end].iter().for_each(|row| visit(row, part.min(1.0)));
        }
        above = end;
    }
}
