//! Rows as numbers: the pairs of a unit and an action in an order that follows from the data alone.

use std::sync::Arc;
use std::thread;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::physical_expr::PhysicalExpr;
use hashbrown::HashMap;

use super::columns::Columns;
use super::guardrails::Guardrails;
use super::pruning::{Dropped, Row, Tally};
use super::relation::Purpose;
use super::settings::Settings;
use crate::allocation::{Pairs, PruneReason};
use crate::keys::value_keys;
use crate::math::mixed;

/// The action that is none: its rows say what no-offer is and are no choice of their own.
pub(super) const NO_OFFER_ACTION: &str = "no_offer";

/// Stands for the class of a row that is no choice.
const DROPPED: u32 = u32::MAX;

/// Consecutive rows of one unit, within a batch.
#[derive(Clone, Copy, Debug)]
struct Run {
    unit: u128,
    /// Its first row with an action, in the order of actions.
    start: u32,
    /// Rows with an action.
    pairs: u32,
    /// The first of its rows.
    row: u32,
}

/// The numbers of one batch.
#[derive(Debug, Default)]
pub(super) struct Block {
    rows: u32,
    runs: Vec<Run>,
    action: Vec<u64>,
    value: Vec<f64>,
    cost: Vec<f64>,
    /// The code of each row; `None` for a row that is no choice.
    code: Vec<(u128, bool)>,
    /// Rows within the batch.
    row: Vec<u32>,
    /// Whether a run has an action twice.
    has_duplicate: bool,
    tally: Tally,
}

/// Reads batches.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) purpose: Purpose,
    pub(super) settings: Arc<Settings>,
    pub(super) guardrails: Arc<Guardrails>,
    pub(super) columns: Columns<Arc<dyn PhysicalExpr>>,
}

impl Reader {
    /// The numbers of a batch.
    pub(super) fn read(&self, batch: &RecordBatch) -> Result<Block> {
        let rows = batch.num_rows();
        let evaluated = self.evaluate(batch)?;
        let codes = self.guardrails.codes(batch)?;
        let (units, actions) = (value_keys(&evaluated.unit)?, value_keys(&evaluated.action)?);
        let (no_units, no_actions) = (evaluated.unit.logical_nulls(), evaluated.action.logical_nulls());
        let no_offer = evaluated.no_offer()?;
        let mut block = Block { rows: rows as u32, ..Block::default() };
        block.action.reserve(rows);
        block.value.reserve(rows);
        block.cost.reserve(rows);
        block.code.reserve(rows);
        block.row.reserve(rows);
        // The rows of the run at hand, by key of the action.
        let mut run: Vec<(u64, u32)> = vec![];
        for i in 0..rows {
            let is_null = |nulls: &Option<NullBuffer>| nulls.as_ref().is_some_and(|nulls| nulls.is_null(i));
            if is_null(&no_units) || is_null(&no_actions) {
                if self.settings.strict {
                    let name = if is_null(&no_units) { "unit" } else { "action" };
                    return exec_err!(
                        "{}: {name} must not be NULL; without strict such rows are dropped and counted",
                        self.purpose
                    );
                }
                block.tally.add(Dropped::NullKey, &evaluated.row(i));
                continue;
            }
            if block.runs.last().is_none_or(|run| run.unit != units[i]) {
                self.end_run(&mut block, &mut run, &evaluated, &codes)?;
                let start = block.action.len() as u32;
                block.runs.push(Run { unit: units[i], start, pairs: 0, row: i as u32 });
            }
            if no_offer == Some(actions[i]) {
                block.tally.add(Dropped::NoOffer, &evaluated.row(i));
            } else {
                run.push((actions[i] as u64, i as u32));
            }
        }
        self.end_run(&mut block, &mut run, &evaluated, &codes)?;
        Ok(block)
    }

    /// Adds the rows of a run, in the order of their actions.
    fn end_run(
        &self,
        block: &mut Block,
        run: &mut Vec<(u64, u32)>,
        evaluated: &Evaluated,
        codes: &[u128],
    ) -> Result<()> {
        run.sort_unstable();
        block.has_duplicate |= run.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if let Some(last) = block.runs.last_mut() {
            last.pairs = run.len() as u32;
        }
        for (action, i) in run.drain(..) {
            let row = evaluated.row(i as usize);
            let pruned = row.pruned(&self.settings);
            if let Some(reason) = pruned {
                if reason == PruneReason::NotFinite && self.settings.strict {
                    row.refuse(self.purpose)?;
                }
                block.tally.add(Dropped::Pruned(reason), &row);
            }
            block.action.push(action);
            block.value.push(row.value.unwrap_or(f64::NAN));
            block.cost.push(row.cost.unwrap_or(f64::NAN));
            // An audit sums every row of a plan that has a unit and an action.
            block.code.push((codes[i as usize], pruned.is_none() || self.purpose == Purpose::Audit));
            block.row.push(i);
        }
        Ok(())
    }

    pub(super) fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated> {
        let array = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(batch.num_rows());
        let number = |expr| {
            Ok::<_, datafusion::error::DataFusionError>(array(expr)?.as_primitive::<Float64Type>().clone())
        };
        Ok(Evaluated {
            unit: array(&self.columns.unit)?,
            action: array(&self.columns.action)?,
            value: number(&self.columns.value)?,
            cost: number(&self.columns.cost)?,
            eligible: match &self.columns.eligible {
                Some(expr) => Some(self.flags(&array(expr)?)?),
                None => None,
            },
        })
    }
}

impl Reader {
    /// Booleans, or the integers 0 and 1.
    fn flags(&self, array: &ArrayRef) -> Result<BooleanArray> {
        if *array.data_type() == DataType::Boolean {
            return Ok(array.as_boolean().clone());
        }
        let numbers = cast(array, &DataType::Int64)?;
        let flag = |number: Option<i64>| match number {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(other) => exec_err!("{}: eligible must be 0 or 1, got {other}", self.purpose),
        };
        numbers.as_primitive::<Int64Type>().iter().map(flag).collect()
    }
}

/// The expressions of a call over a batch.
pub(super) struct Evaluated {
    pub(super) unit: ArrayRef,
    pub(super) action: ArrayRef,
    value: Float64Array,
    cost: Float64Array,
    eligible: Option<BooleanArray>,
}

impl Evaluated {
    pub(super) fn row(&self, i: usize) -> Row {
        let number = |array: &Float64Array| (!array.is_null(i)).then(|| array.value(i));
        let eligible = match &self.eligible {
            Some(array) => (!array.is_null(i)).then(|| array.value(i)),
            None => Some(true),
        };
        Row { eligible, value: number(&self.value), cost: number(&self.cost) }
    }

    /// The key of the action `no_offer`, where actions are texts.
    pub(super) fn no_offer(&self) -> Result<Option<u128>> {
        let data_type = match self.action.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        if !data_type.is_string() {
            return Ok(None);
        }
        let text: ArrayRef = Arc::new(StringArray::from(vec![NO_OFFER_ACTION]));
        Ok(value_keys(&text)?.first().copied())
    }
}

/// The numbers of all batches so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    rows: u32,
    runs: Vec<Run>,
    action: Vec<u64>,
    value: Vec<f64>,
    cost: Vec<f64>,
    class: Vec<u32>,
    row: Vec<u32>,
    /// Class of each code, of all rows and not only of choices.
    classes: HashMap<u128, u32>,
    codes: Vec<u128>,
    has_duplicate: bool,
    pub(super) tally: Tally,
}

impl Gathered {
    /// Adds the numbers of the next batch.
    pub(super) fn add(&mut self, purpose: Purpose, block: Block) -> Result<()> {
        let first = self.rows;
        let Some(rows) = first.checked_add(block.rows).filter(|&rows| rows < u32::MAX) else {
            return exec_err!("{purpose}: the input must have at most {} rows", u32::MAX - 1);
        };
        self.rows = rows;
        let start = self.action.len() as u32;
        let placed = |run: Run| Run { start: start + run.start, row: first + run.row, ..run };
        self.runs.extend(block.runs.into_iter().map(placed));
        self.has_duplicate |= block.has_duplicate;
        self.action.extend_from_slice(&block.action);
        self.value.extend_from_slice(&block.value);
        self.cost.extend_from_slice(&block.cost);
        self.row.extend(block.row.iter().map(|row| first + row));
        let mut last = None;
        for (code, is_choice) in block.code {
            let class = match last {
                Some((known, class)) if known == code => class,
                _ => {
                    let next = self.codes.len() as u32;
                    let class = *self.classes.entry(code).or_insert(next);
                    if class == next {
                        self.codes.push(code);
                    }
                    last = Some((code, class));
                    class
                }
            };
            self.class.push(if is_choice { class } else { DROPPED });
        }
        self.tally.merge(&block.tally);
        Ok(())
    }

    /// Bytes held, `most_counting` guardrails at most counting a row.
    pub(super) fn size(&self, most_counting: usize) -> usize {
        self.runs.capacity() * size_of::<Run>()
            + (self.action.capacity() + self.value.capacity() + self.cost.capacity()) * 8
            + (self.class.capacity() + self.row.capacity()) * 4
            // With the guardrails that count the rows of a class, in the problem.
            + self.codes.len() * (72 + 4 * most_counting)
    }

    /// Bytes that [`Self::order`] and the solver take besides at most: 40 by unit and 8 by pair, whose numbers are 32 here.
    ///
    /// Ordering, these are the places of the pairs (4, while those of parts are joined 8) and, once the actions (8) are
    /// gone, a second copy of one column (8). The solver has 24 by pair, and 4 where it closes pairs.
    pub(super) fn size_of_order(&self) -> usize {
        self.runs.len() * 40 + self.action.len() * 8
    }

    /// Class, value and cost of all rows with an action, as they are.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, f64, f64)> {
        let numbers = self.value.iter().zip(&self.cost);
        self.class.iter().zip(numbers).map(|(&class, (&value, &cost))| (class, value, cost))
    }

    /// How many units have a row with an action, and how many have several.
    pub(super) fn count_units(&self) -> Units {
        let mut runs: Vec<(u128, u32)> = self.runs.iter().map(|run| (run.unit, run.pairs)).collect();
        runs.sort_unstable();
        let mut units = Units::default();
        for runs in runs.chunk_by(|a, b| a.0 == b.0) {
            let pairs: u64 = runs.iter().map(|(_, pairs)| u64::from(*pairs)).sum();
            units.treated += u64::from(pairs > 0);
            units.with_several += u64::from(pairs > 1);
        }
        units
    }

    /// The codes that rows have, by class.
    pub(super) fn codes(&self) -> &[u128] {
        &self.codes
    }

    /// Puts the pairs of each unit together, units in the order of their keys and pairs in that of their actions.
    pub(super) fn order(mut self, settings: &Settings, threads: usize) -> Result<Ordered, Duplicate> {
        // The first half of a key nearly always decides, and is compared where it is.
        let half = |(run, key): (u32, &Run)| ((key.unit >> 64) as u64, run);
        let mut runs: Vec<(u64, u32)> = (0..).zip(&self.runs).map(half).collect();
        let unit = |run: u32| self.runs[run as usize].unit;
        runs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| (unit(a.1), a.1).cmp(&(unit(b.1), b.1))));

        // Classes were numbered as they came; sums by class must not depend on that.
        let mut by_code: Vec<u32> = (0..self.codes.len() as u32).collect();
        by_code.sort_unstable_by_key(|&class| self.codes[class as usize]);
        let mut places = vec![0; self.codes.len()];
        by_code.iter().zip(0..).for_each(|(&class, place)| places[class as usize] = place);

        // Rows of a unit lie anywhere: reading them is waiting, which threads share. Parts do not part a unit.
        let ends = (1..threads).map(|part| {
            let mut end = part * runs.len() / threads;
            while end > 0 && end < runs.len() && runs[end - 1].0 == runs[end].0 {
                end += 1;
            }
            end
        });
        let bounds: Vec<usize> = [0].into_iter().chain(ends).chain([runs.len()]).collect();
        let part = |bounds: &[usize]| self.order_part(settings, &runs[bounds[0]..bounds[1].max(bounds[0])]);
        let parts: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> =
                bounds.windows(2).skip(1).map(|bounds| scope.spawn(move || part(bounds))).collect();
            let first = part(&bounds[..2]);
            let join = |other: thread::ScopedJoinHandle<'_, _>| {
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            [first].into_iter().chain(others.into_iter().map(join)).collect()
        });
        drop(runs);
        (self.runs, self.action) = Default::default();
        let [mut free, mut explorers] = [Half::default(), Half::default()];
        let mut without = vec![];
        for part in parts {
            let part: Part = part?;
            free.append(part.free);
            explorers.append(part.explorers);
            without.extend(part.without);
        }
        let first_explored = free.pairs.len();
        let mut pairs = free.pairs;
        pairs.extend(explorers.pairs);
        // One column after the other: no more than one is there twice.
        let mut value = in_order(self.value, &pairs, threads, |value| value);
        let mut cost = in_order(self.cost, &pairs, threads, |cost| cost);
        let mut class = in_order(self.class, &pairs, threads, |class| places[class as usize]);
        let pair_rows = in_order(self.row, &pairs, threads, |row| row);
        let explored = Pairs {
            starts: explorers.starts,
            value: value.split_off(first_explored),
            cost: cost.split_off(first_explored),
            class: class.split_off(first_explored),
        };
        free.unit_rows.extend(explorers.unit_rows);
        self.codes.sort_unstable();
        Ok(Ordered {
            free: Pairs { starts: free.starts, value, cost, class },
            explored,
            explorer_draws: explorers.units.iter().map(|&unit| draw(settings.seed, unit, 1)).collect(),
            pair_rows,
            unit_rows: free.unit_rows,
            without,
            codes: self.codes,
            tally: self.tally,
            rows: self.rows,
        })
    }

    /// Puts the pairs of some units together, given their runs in order.
    fn order_part(&self, settings: &Settings, runs: &[(u64, u32)]) -> Result<Part, Duplicate> {
        let pairs = runs.iter().map(|(_, run)| self.runs[*run as usize].pairs as usize).sum();
        let mut part = Part { free: Half::with_capacity(runs.len(), pairs), ..Part::default() };
        let mut of_unit: Vec<u32> = vec![];
        let mut by_action: Vec<(u64, u32)> = vec![];
        let unit = |run: u32| self.runs[run as usize].unit;
        for runs in runs.chunk_by(|a, b| a.0 == b.0 && unit(a.1) == unit(b.1)) {
            let Run { unit, row, .. } = self.runs[runs[0].1 as usize];
            of_unit.clear();
            for &(_, run) in runs {
                let Run { start, pairs, .. } = self.runs[run as usize];
                of_unit.extend(start..start + pairs);
            }
            // A run is in the order of its actions already.
            if runs.len() > 1 || self.has_duplicate {
                by_action.clear();
                by_action.extend(of_unit.iter().map(|&pair| (self.action[pair as usize], pair)));
                by_action.sort_unstable();
                if let Some(twice) = by_action.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                    return Err(Duplicate { row: self.row[twice[0].1 as usize] });
                }
                of_unit.iter_mut().zip(&by_action).for_each(|(pair, (_, other))| *pair = *other);
            }
            of_unit.retain(|&pair| self.class[pair as usize] != DROPPED);
            if of_unit.is_empty() {
                part.without.push(row);
                continue;
            }
            let explores = settings.explore > 0.0 && draw(settings.seed, unit, 0) < settings.explore;
            let half = if explores { &mut part.explorers } else { &mut part.free };
            half.pairs.extend_from_slice(&of_unit);
            half.starts.push(half.pairs.len() as u32);
            half.unit_rows.push(row);
            if explores {
                half.units.push(unit);
            }
        }
        Ok(part)
    }
}

/// Numbers of units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Units {
    /// Those with a row that has an action.
    pub(super) treated: u64,
    /// Those with more than one.
    pub(super) with_several: u64,
}

/// Some units in their order.
#[derive(Debug, Default)]
struct Part {
    free: Half,
    explorers: Half,
    /// A row of each unit that has no choice but no-offer.
    without: Vec<u32>,
}

/// Units that the solver decides on, or that explore.
#[derive(Debug)]
struct Half {
    /// Places of the pairs among those that were gathered.
    pairs: Vec<u32>,
    /// Where the pairs of each unit start, and their number at the end.
    starts: Vec<u32>,
    /// A row of each unit.
    unit_rows: Vec<u32>,
    /// The keys of units that explore.
    units: Vec<u128>,
}

impl Default for Half {
    fn default() -> Self {
        Self { pairs: vec![], starts: vec![0], unit_rows: vec![], units: vec![] }
    }
}

impl Half {
    fn with_capacity(units: usize, pairs: usize) -> Self {
        let mut starts = Vec::with_capacity(units + 1);
        starts.push(0);
        Self { pairs: Vec::with_capacity(pairs), starts, unit_rows: Vec::with_capacity(units), units: vec![] }
    }

    fn append(&mut self, other: Self) {
        let before = self.pairs.len() as u32;
        self.starts.extend(other.starts[1..].iter().map(|start| before + start));
        self.pairs.extend(other.pairs);
        self.unit_rows.extend(other.unit_rows);
        self.units.extend(other.units);
    }
}

/// What `number` makes of the entries of a column at some places, in the order of these.
fn in_order<T: Copy + Default + Send + Sync>(
    column: Vec<T>,
    places: &[u32],
    threads: usize,
    number: impl Fn(T) -> T + Sync,
) -> Vec<T> {
    let mut ordered = vec![T::default(); places.len()];
    let size = places.len().div_ceil(threads).max(1);
    let fill = |(to, places): (&mut [T], &[u32])| {
        to.iter_mut().zip(places).for_each(|(to, &place)| *to = number(column[place as usize]));
    };
    // Reading places that lie anywhere is waiting, which threads share.
    thread::scope(|scope| {
        for part in ordered.chunks_mut(size).zip(places.chunks(size)) {
            scope.spawn(|| fill(part));
        }
    });
    ordered
}

/// Draws from [0, 1) by unit.
fn draw(seed: u64, unit: u128, stream: u64) -> f64 {
    let bits =
        mixed(mixed(mixed(seed.wrapping_mul(2).wrapping_add(stream)) ^ unit as u64) ^ (unit >> 64) as u64);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A unit that has an action twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duplicate {
    pub(super) row: u32,
}

/// All pairs in order.
#[derive(Debug)]
pub(super) struct Ordered {
    /// The pairs of the units that the solver decides on.
    pub(super) free: Pairs,
    /// The pairs of the units that explore, and a draw of each.
    pub(super) explored: Pairs,
    pub(super) explorer_draws: Vec<f64>,
    /// The row of each pair, the free ones first.
    pub(super) pair_rows: Vec<u32>,
    /// A row of each unit with pairs, the free ones first.
    pub(super) unit_rows: Vec<u32>,
    /// A row of each unit that has no choice but no-offer.
    pub(super) without: Vec<u32>,
    pub(super) codes: Vec<u128>,
    pub(super) tally: Tally,
    pub(super) rows: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_takes_forty_bytes_while_it_is_gathered_ordered_and_solved() {
        const UNITS: u32 = 1_000;
        const ACTIONS: u32 = 5;
        let mut gathered = Gathered::default();
        let pairs = (UNITS * ACTIONS) as usize;
        for column in [&mut gathered.value, &mut gathered.cost] {
            column.reserve_exact(pairs);
        }
        gathered.action.reserve_exact(pairs);
        gathered.class.reserve_exact(pairs);
        gathered.row.reserve_exact(pairs);
        gathered.runs.reserve_exact(UNITS as usize);
        // Units from the last to the first, each in a batch of its own.
        for unit in (0..UNITS).rev() {
            let number = |action| f64::from(unit * ACTIONS + action);
            let block = Block {
                rows: ACTIONS,
                runs: vec![Run { unit: u128::from(unit) << 64, start: 0, pairs: ACTIONS, row: 0 }],
                action: (0..u64::from(ACTIONS)).collect(),
                value: (0..ACTIONS).map(number).collect(),
                cost: (0..ACTIONS).map(number).collect(),
                code: vec![(0, true); ACTIONS as usize],
                row: (0..ACTIONS).collect(),
                ..Block::default()
            };
            gathered.add(Purpose::Allocate, block).unwrap();
        }
        let of_units = UNITS as usize * (size_of::<Run>() + 40) + gathered.codes.len() * 72;
        assert_eq!(gathered.size(0) + gathered.size_of_order() - of_units, 40 * pairs);
        let places: Vec<u32> = (0..7).rev().collect();
        assert_eq!(in_order((10..17).collect(), &places, 3, |x: u32| 2 * x), [32, 30, 28, 26, 24, 22, 20]);
        assert_eq!(in_order(vec![1.5], &[], 3, |x| x), [0.0; 0]);
    }
}
