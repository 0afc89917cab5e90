//! Sums of redeemed amounts by cohort and age, as they are gathered from rows.

use std::collections::BTreeMap;

use super::triangle::TriangleError;

/// A function of the cells.
pub(crate) trait CellsFunction: Clone + std::fmt::Debug + Send + Sync + 'static {
    type Output;

    /// The result, or what is wrong with the cells.
    fn apply(&self, cells: &Cells) -> Result<Self::Output, TriangleError>;
}

/// Amounts by cohort and age, in order; as many as there are such pairs, whatever the number of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells {
    pub(super) amounts: BTreeMap<(i64, usize), f64>,
    pub(super) liabilities: BTreeMap<i64, Liability>,
    /// Rows added, and rows left out.
    pub(crate) rows: u64,
    pub(crate) skipped: u64,
}

/// Least and greatest of what was said of a cohort's liability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Liability {
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Liability {
    fn join(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }
}

impl Cells {
    /// Adds an amount that was redeemed at an age.
    pub(crate) fn add_amount(&mut self, cohort: i64, age: usize, amount: f64) {
        *self.amounts.entry((cohort, age)).or_default() += amount;
    }

    /// Notes the liability of a cohort.
    pub(crate) fn note_liability(&mut self, cohort: i64, liability: Liability) {
        self.liabilities.entry(cohort).or_insert(liability).join(liability);
    }

    /// Adds all rows of other cells.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.amounts().for_each(|(cohort, age, amount)| self.add_amount(cohort, age, amount));
        other.liabilities().for_each(|(cohort, liability)| self.note_liability(cohort, liability));
        self.rows += other.rows;
        self.skipped += other.skipped;
    }

    /// Cohort, age and amount of each cell, by cohort and age.
    pub(crate) fn amounts(&self) -> impl ExactSizeIterator<Item = (i64, usize, f64)> {
        self.amounts.iter().map(|(&(cohort, age), &amount)| (cohort, age, amount))
    }

    /// What was said of each cohort's liability.
    pub(crate) fn liabilities(&self) -> impl ExactSizeIterator<Item = (i64, Liability)> {
        self.liabilities.iter().map(|(&cohort, &liability)| (cohort, liability))
    }
}
