//! The run-off triangle: cohorts by age, cut off by the calendar.
//!
//! A cohort assigned in period `c` has been seen up to age `T - c`, `T` being the latest period `c + age` of all cells.
//! Within that a cell without rows is an amount of zero. At the expiry nothing more may come: later amounts count there.

use super::cells::Cells;

/// Cohorts, and ages of a cohort, at most: work grows with their product.
pub(super) const MOST_PERIODS: usize = 10_000;

/// Sum of the sizes of all amounts at most, so that what is computed of them is a number.
const MOST_IN_ALL: f64 = 1e100;

/// Cells that make no triangle.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum TriangleError {
    /// Periods are not counted.
    #[error(
        "cohort must count periods, got {0}, which looks like a date; count months as 12 * year + month, weeks as days / 7"
    )]
    Date(i64),
    /// Cohorts that lie too far from the end.
    #[error(
        "cohort must be within {MOST_PERIODS} periods of the latest period {latest}, got {cohort}; count longer periods, \
         or filter to late cohorts"
    )]
    Span { cohort: i64, latest: i64 },
    /// Amounts whose squares and ratios are no numbers.
    #[error("amounts must sum to at most 1e100 in size, got {0}; give them in a larger unit")]
    Size(f64),
    /// A cohort of several sizes.
    #[error(
        "liability must be that of the whole cohort on each of its rows, got {least} and {greatest} for cohort {cohort}"
    )]
    Liabilities { cohort: i64, least: f64, greatest: f64 },
}

/// Cohorts by age, the oldest first, so that those seen at an age are the first ones.
#[derive(Clone, Debug)]
pub(super) struct Triangle {
    pub(super) cohorts: Vec<Cohort>,
    /// By age up to the largest one: positions of cohorts, in order, and what each redeemed at this age.
    pub(super) increments: Vec<Vec<(usize, f64)>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Cohort {
    pub(super) number: i64,
    /// The last age seen, at most the largest age of the triangle.
    pub(super) age: usize,
    pub(super) liability: Option<f64>,
}

impl Triangle {
    /// Lays out the cells; `None` without any. `expiry` is the last age at which something can be redeemed.
    pub(super) fn new(cells: &Cells, expiry: Option<usize>) -> Result<Option<Self>, TriangleError> {
        let numbers = || cells.amounts().map(|(cohort, _, _)| cohort);
        let (Some(first), Some(latest)) =
            (numbers().next(), cells.amounts().map(|(cohort, age, _)| cohort + age as i64).max())
        else {
            return Ok(None);
        };
        if numbers().all(is_date) {
            return Err(TriangleError::Date(first));
        }
        if latest - first >= MOST_PERIODS as i64 {
            return Err(TriangleError::Span { cohort: first, latest });
        }
        let size: f64 = cells.amounts().map(|(_, _, amount)| amount.abs()).sum();
        let size = cells.liabilities().map(|(_, range)| range.greatest).fold(size, f64::max);
        if size > MOST_IN_ALL {
            return Err(TriangleError::Size(size));
        }
        if let Some((cohort, range)) = cells.liabilities().find(|(_, range)| range.least < range.greatest) {
            return Err(TriangleError::Liabilities { cohort, least: range.least, greatest: range.greatest });
        }
        let capped = |age: usize| expiry.map_or(age, |expiry| age.min(expiry));
        let mut cohorts: Vec<Cohort> = vec![];
        let mut increments = vec![vec![]; capped((latest - first) as usize) + 1];
        for (number, age, amount) in cells.amounts() {
            if cohorts.last().is_none_or(|last| last.number != number) {
                let liability = cells.liabilities.get(&number).map(|range| range.least);
                cohorts.push(Cohort { number, age: capped((latest - number) as usize), liability });
            }
            let column: &mut Vec<(usize, f64)> = &mut increments[capped(age)];
            let position = cohorts.len() - 1;
            match column.last_mut() {
                // Ages past the expiry.
                Some((last, sum)) if *last == position => *sum += amount,
                _ => column.push((position, amount)),
            }
        }
        Ok(Some(Self { cohorts, increments }))
    }

    /// The largest age.
    pub(super) fn last_age(&self) -> usize {
        self.increments.len() - 1
    }

    /// Cohorts that have been seen at an age.
    pub(super) fn seen(&self, age: usize) -> usize {
        self.cohorts.partition_point(|cohort| cohort.age >= age)
    }
}

/// Whether a number is a year with a month or week, `202601`, or with month and day, `20260131`.
fn is_date(number: i64) -> bool {
    let (rest, last) = (number / 100, number % 100);
    let is_week = (1900..2200).contains(&rest) && (1..=53).contains(&last);
    let is_day =
        (1900..2200).contains(&(rest / 100)) && (1..=12).contains(&(rest % 100)) && (1..=31).contains(&last);
    is_week || is_day
}
