//! What the functions of a triangle of cohorts and ages share: their columns, and cells as the state of an aggregate.

use datafusion::common::exec_err;

use super::adapter::{Argument, BoundAggregate, Call, Column, Definition, EXPIRY};
use crate::allocation::pacing::{Cells, CellsFunction, Liability, TriangleError};
use crate::estimators::{Aggregate, DecodeError, FloatReader, Rows};

pub(super) const HOLDS: &str = "cohorts develop alike whatever their size and calendar period, and independently; the oldest cohort is as old as a redemption can be, or as the expiry";

pub(super) const COHORT: Argument = Argument::period(
    "cohort",
    "number of the period in which the liability was assigned, a whole number that grows by one from period to period: months as 12 * year + month, weeks as days / 7",
);
pub(super) const AGE: Argument = Argument::age(
    "age",
    "whole periods since then, the same periods that cohorts count; 0 is the cohort's own",
);
pub(super) const AMOUNT: Argument = Argument::number(
    "amount",
    "what the row redeemed at this age, not in all up to it; negative for a reversal, 0 to say that there was nothing",
);

/// The last age at which something can be redeemed, if the call says.
pub(super) fn expiry(call: &Call) -> Option<usize> {
    Some(call.options.number(&EXPIRY)).filter(|expiry| expiry.is_finite()).map(|expiry| expiry as usize)
}

/// The aggregate of a function of cells. Columns: cohort, age, amount, and the cohort's liability where there is a fourth.
#[derive(Clone, Debug)]
pub(super) struct OverTriangle<F> {
    pub(super) function: F,
    /// Whether liabilities are given.
    pub(super) liability: bool,
}

impl<F> OverTriangle<F> {
    fn add(&self, cells: &mut Cells, rows: &Rows<'_>, i: usize) {
        let cohort = rows.columns[0][i] as i64;
        cells.add_amount(cohort, rows.columns[1][i] as usize, rows.columns[2][i]);
        if self.liability {
            let liability = rows.columns[3][i];
            cells.note_liability(cohort, Liability { least: liability, greatest: liability });
        }
        cells.rows += 1;
    }
}

impl<F: CellsFunction> Aggregate for OverTriangle<F> {
    type State = Cells;
    type Output = Result<F::Output, TriangleError>;

    const FLOATS: usize = 0;
    const SLIDES: bool = false;

    fn update(&self, state: &mut Cells, rows: Rows<'_>) {
        (0..rows.len).for_each(|i| self.add(state, &rows, i));
    }

    fn update_groups(&self, states: &mut [Cells], groups: &[usize], rows: Rows<'_>) {
        groups.iter().enumerate().for_each(|(i, &group)| self.add(&mut states[group], &rows, i));
    }

    fn skip(&self, state: &mut Cells) {
        state.skipped += 1;
    }

    fn merge(&self, state: &mut Cells, other: &Cells) {
        state.merge(other);
    }

    fn write(&self, state: &Cells, out: &mut Vec<u8>) {
        let mut put = |number: f64| out.extend_from_slice(&number.to_le_bytes());
        let (amounts, liabilities) = (state.amounts(), state.liabilities());
        [state.rows, state.skipped, amounts.len() as u64].into_iter().for_each(|count| put(count as f64));
        for (cohort, age, amount) in amounts {
            [cohort as f64, age as f64, amount].into_iter().for_each(&mut put);
        }
        for (cohort, Liability { least, greatest }) in liabilities {
            [cohort as f64, least, greatest].into_iter().for_each(&mut put);
        }
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Cells, DecodeError> {
        let triple = |bytes: &mut FloatReader<'_>| bytes.floats(3, |next| [next(), next(), next()]);
        let mut cells = Cells::default();
        let [rows, skipped, amounts] = triple(bytes)?;
        (cells.rows, cells.skipped) = (rows as u64, skipped as u64);
        for _ in 0..amounts as u64 {
            let [cohort, age, amount] = triple(bytes)?;
            cells.add_amount(cohort as i64, age as usize, amount);
        }
        while bytes.remaining() > 0 {
            let [cohort, least, greatest] = triple(bytes)?;
            cells.note_liability(cohort as i64, Liability { least, greatest });
        }
        Ok(cells)
    }

    fn heap_size(&self, state: &Cells) -> usize {
        // Nodes of the trees are at least half full.
        64 * (state.amounts().len() + state.liabilities().len())
    }

    fn finish(&self, state: &Cells) -> Self::Output {
        self.function.apply(state)
    }
}

/// Binds a function of cells, whose problems are errors of the definition's function.
pub(super) fn measure<F: CellsFunction>(
    definition: &'static Definition,
    aggregate: OverTriangle<F>,
) -> BoundAggregate
where
    F::Output: Column + 'static,
{
    BoundAggregate::fallible(aggregate, move |output| match output {
        Ok(output) => Ok(output),
        Err(problem) => exec_err!("{}: {problem}", definition.name),
    })
}
