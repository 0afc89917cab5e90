//! How much memory a training takes: what its tables of numbers hold, by how many rows they have.

use super::base::Base;
use super::matrix::{BINS, BLOCK};
use super::method::Method;
use super::sample::Sample;
use super::train::Settings;

const NUMBER: usize = size_of::<f64>();
const ROW: usize = size_of::<u32>();

/// Bytes that a training takes at most beside its sample, so many functions being fitted at a time.
pub(crate) fn footprint(sample: &Sample, settings: &Settings, threads: usize) -> usize {
    let rows = sample.rows();
    let folds = settings.drawing.folds as usize;
    let columns = sample.features.columns.len() + usize::from(settings.method == Method::S);
    let switched = if settings.method == Method::S { rows * columns * NUMBER } else { 0 };
    let table = match settings.base {
        Base::Boosting(_) => rows * bins_of_row(columns),
        Base::Linear(_) => 0,
    };
    // Which fold each row is in, and its propensity, its weight in a bag, and what its targets and their weights are for the
    // member of each fold.
    let trainer = rows * (ROW + 2 * NUMBER + 2 * NUMBER * folds);
    let nuisances = settings.method.nuisances().len() * rows * NUMBER * folds.saturating_sub(1).max(1);
    switched + table + trainer + nuisances + threads.max(1) * of_fit(settings, rows, columns)
}

/// Bytes of one fit at a time.
fn of_fit(settings: &Settings, rows: usize, columns: usize) -> usize {
    match &settings.base {
        // The bins of its rows side by side; their target, score, residual and cell, their weight as it is given and as it is
        // scaled; which they are, their order, and room to part them; a histogram for each leaf that may still be split.
        Base::Boosting(boosting) => {
            let cell = 2 * NUMBER;
            let histogram = columns.next_multiple_of(BLOCK) * BINS * cell;
            rows * (bins_of_row(columns) + 5 * NUMBER + cell + 4 * ROW) + boosting.leaves * histogram
        }
        // Rows are read as they are; logistic regression holds a score, a probability and a weight of each.
        Base::Linear(_) => rows * (3 * NUMBER + 2 * ROW),
    }
}

fn bins_of_row(columns: usize) -> usize {
    columns.next_multiple_of(BLOCK)
}
