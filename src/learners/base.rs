//! Base learners behind one face: functions of the features, fitted by boosting or as linear ones.

use std::sync::atomic::AtomicBool;

use super::binning::Binning;
use super::boosting::{self, Curve, Ensemble, Grown, Loss, Run, Training};
use super::features::Features;
use super::linear::{Design, Encoding, LinearError, LinearModel, Penalty, logistic, probability};
use super::matrix::BinnedMatrix;

/// How a function of the features is fitted.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    Boosting(boosting::Settings),
    Linear(Penalty),
}

/// What a function is fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// The mean of a number.
    Mean,
    /// The probability of a 1, as log-odds.
    LogOdds,
}

/// How features are read; one for all functions of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Space {
    Bins(Binning),
    Columns(Encoding),
}

/// A table as it is read in a space.
#[derive(Debug)]
pub(crate) enum Table<'a> {
    Bins(&'a Binning, BinnedMatrix),
    Columns(Design<'a>, usize),
}

/// A fitted function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Function {
    Trees(Ensemble),
    Linear(LinearModel),
}

/// Why a function cannot be fitted.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum FitError {
    #[error("{0}")]
    Linear(LinearError),
    #[error("training was stopped")]
    Stopped,
}

impl From<LinearError> for FitError {
    fn from(error: LinearError) -> Self {
        match error {
            LinearError::Stopped => Self::Stopped,
            error => Self::Linear(error),
        }
    }
}

/// Rows of a table and what they are fitted to; targets, weights and keys are those of the whole table.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) task: Task,
    pub(crate) rows: &'a [u32],
    pub(crate) target: &'a [f64],
    pub(crate) weight: Option<&'a [f64]>,
    pub(crate) keys: &'a [u64],
    /// Rows that say when boosting has learned enough; empty where all trees are wanted.
    pub(crate) held_out: &'a [u32],
}

impl Space {
    /// The space that a base learner works in, made from all rows of a table.
    pub(crate) fn fit(base: &Base, features: &Features, weight: Option<&[f64]>, threads: usize) -> Self {
        let rows: Vec<u32> = (0..features.rows as u32).collect();
        match base {
            Base::Boosting(_) => Self::Bins(Binning::fit(features, &rows, threads)),
            Base::Linear(_) => Self::Columns(Encoding::fit(features, &rows, weight)),
        }
    }

    /// A table in this space; `None` when it has features of other kinds.
    pub(crate) fn table<'a>(&'a self, features: &'a Features, threads: usize) -> Option<Table<'a>> {
        match self {
            Self::Bins(binning) => Some(Table::Bins(binning, binning.bins(features, threads))),
            Self::Columns(encoding) => Some(Table::Columns(Design::new(encoding, features)?, features.rows)),
        }
    }
}

impl Base {
    /// Fits a function to some rows of a table that is in the base learner's space, with what its trees do for the held-out
    /// rows.
    ///
    /// # Errors
    ///
    /// Those of linear learners, and when the work is ended from outside.
    pub(crate) fn fit(
        &self,
        table: &Table<'_>,
        problem: Problem<'_>,
        threads: usize,
        stopped: &AtomicBool,
    ) -> Result<(Function, Option<Curve>), FitError> {
        let Problem { task, rows, target, weight, keys, held_out } = problem;
        match (self, table) {
            (Self::Boosting(settings), Table::Bins(binning, matrix)) => {
                let loss = if task == Task::Mean { Loss::Squared } else { Loss::Logistic };
                let settings = boosting::Settings { loss, ..settings.clone() };
                let held_out = (!held_out.is_empty()).then_some(held_out);
                let scaled = weight.and_then(|weight| of_mean_one(weight, rows));
                let weight = scaled.as_deref().or(weight);
                let training = Training { matrix, binning, rows, target, weight, keys, held_out };
                let grown = boosting::fit(&training, &settings, Run { threads, stopped });
                let Grown { ensemble, curve } = grown.map_err(|_| FitError::Stopped)?;
                Ok((Function::Trees(ensemble), curve))
            }
            (Self::Linear(penalty), Table::Columns(design, _)) => {
                debug_assert_eq!(task, Task::LogOdds, "means come from sums, for which no rows are held");
                let model = logistic(design, rows, target, weight, *penalty, stopped)?;
                Ok((Function::Linear(model), None))
            }
            _ => unreachable!("a table is read in the space of the base learner it is made for"),
        }
    }
}

/// Weights whose mean over some rows is one, in which trees count the rows of leaves; `None` where weights are whole numbers
/// and count copies of rows.
fn of_mean_one(weight: &[f64], rows: &[u32]) -> Option<Vec<f64>> {
    let of_rows = || rows.iter().map(|&row| weight[row as usize]);
    if of_rows().all(|weight| weight.fract() == 0.0) {
        return None;
    }
    let mean = of_rows().sum::<f64>() / rows.len() as f64;
    (mean > 0.0).then(|| weight.iter().map(|weight| weight / mean).collect())
}

impl Table<'_> {
    /// The same features of some rows.
    fn selected(&self, rows: &[u32]) -> BinnedMatrix {
        match self {
            Self::Bins(_, matrix) => matrix.select(rows),
            Self::Columns(..) => unreachable!("columns are read by row"),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Bins(_, matrix) => matrix.rows(),
            Self::Columns(_, rows) => *rows,
        }
    }
}

impl Function {
    /// Keeps the first trees alone; a linear function has none.
    pub(super) fn truncated(mut self, trees: usize) -> Self {
        if let Self::Trees(ensemble) = &mut self {
            ensemble.trees.truncate(trees);
        }
        self
    }

    /// The values at some rows of a table: means, or probabilities inside (0, 1).
    pub(crate) fn values(&self, task: Task, table: &Table<'_>, rows: Rows<'_>, threads: usize) -> Vec<f64> {
        let mut values = vec![0.0; rows.len(table)];
        match (self, table) {
            (Self::Trees(ensemble), Table::Bins(_, matrix)) => match rows {
                Rows::All => ensemble.predict(matrix, &mut values, threads),
                Rows::Some(rows) => ensemble.predict(&table.selected(rows), &mut values, threads),
            },
            (Self::Linear(model), Table::Columns(design, all)) => match rows {
                Rows::All => model.predict(design, &(0..*all as u32).collect::<Vec<_>>(), &mut values),
                Rows::Some(rows) => model.predict(design, rows, &mut values),
            },
            _ => unreachable!("a function is asked in the space it was fitted in"),
        }
        if task == Task::LogOdds {
            values.iter_mut().for_each(|value| *value = probability(*value));
        }
        values
    }
}

/// Rows of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    All,
    Some(&'a [u32]),
}

impl Rows<'_> {
    pub(super) fn len(&self, table: &Table<'_>) -> usize {
        match self {
            Self::All => table.rows(),
            Self::Some(rows) => rows.len(),
        }
    }
}
