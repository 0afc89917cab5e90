//! Rows as numbers: the pairs of a unit and an action in an order that follows from the data alone.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
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

/// Consecutive rows of one unit.
#[derive(Clone, Copy, Debug)]
struct Run {
    unit: u128,
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
        for i in 0..rows {
            let row = evaluated.row(i);
            let is_null = |nulls: &Option<NullBuffer>| nulls.as_ref().is_some_and(|nulls| nulls.is_null(i));
            if is_null(&no_units) || is_null(&no_actions) {
                if self.settings.strict {
                    let name = if is_null(&no_units) { "unit" } else { "action" };
                    return exec_err!(
                        "{}: {name} must not be NULL; without strict such rows are dropped and counted",
                        self.purpose
                    );
                }
                block.tally.add(Dropped::NullKey, &row);
                continue;
            }
            if block.runs.last().is_none_or(|run| run.unit != units[i]) {
                block.runs.push(Run { unit: units[i], pairs: 0, row: i as u32 });
            }
            if no_offer == Some(actions[i]) {
                block.tally.add(Dropped::NoOffer, &row);
                continue;
            }
            let pruned = row.pruned(&self.settings);
            if let Some(reason) = pruned {
                if reason == PruneReason::NotFinite && self.settings.strict {
                    row.refuse(self.purpose)?;
                }
                block.tally.add(Dropped::Pruned(reason), &row);
            }
            if let Some(run) = block.runs.last_mut() {
                run.pairs += 1;
            }
            block.action.push(actions[i] as u64);
            block.value.push(row.value.unwrap_or(f64::NAN));
            block.cost.push(row.cost.unwrap_or(f64::NAN));
            // An audit sums every row of a plan.
            block.code.push((codes[i], pruned.is_none() || self.purpose == Purpose::Audit));
            block.row.push(i as u32);
        }
        Ok(block)
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
                Some(expr) => Some(cast(&array(expr)?, &DataType::Boolean)?.as_boolean().clone()),
                None => None,
            },
        })
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
        for run in block.runs {
            match self.runs.last_mut() {
                Some(last) if last.unit == run.unit => last.pairs += run.pairs,
                _ => self.runs.push(Run { row: first + run.row, ..run }),
            }
        }
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

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
            + (self.action.capacity() + self.value.capacity() + self.cost.capacity()) * 8
            + (self.class.capacity() + self.row.capacity()) * 4
            + self.codes.len() * 48
    }

    /// Bytes that [`Self::order`] and the solver take besides, by unit and by pair.
    pub(super) fn size_of_order(&self) -> usize {
        self.runs.len() * 56 + self.action.len() * 28
    }

    /// Class, value and cost of all rows with an action, as they are.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, f64, f64)> {
        let numbers = self.value.iter().zip(&self.cost);
        self.class.iter().zip(numbers).map(|(&class, (&value, &cost))| (class, value, cost))
    }

    /// How many units have more than one row with an action.
    pub(super) fn units_with_several(&self) -> u64 {
        let mut runs: Vec<(u128, u32)> = self.runs.iter().map(|run| (run.unit, run.pairs)).collect();
        runs.sort_unstable();
        let pairs = |runs: &[(u128, u32)]| runs.iter().map(|(_, pairs)| u64::from(*pairs)).sum::<u64>();
        runs.chunk_by(|a, b| a.0 == b.0).filter(|runs| pairs(runs) > 1).count() as u64
    }

    /// The codes that rows have, by class.
    pub(super) fn codes(&self) -> &[u128] {
        &self.codes
    }

    /// Puts the pairs of each unit together, units in the order of their keys and pairs in that of their actions.
    pub(super) fn order(self, settings: &Settings) -> Result<Ordered, Duplicate> {
        let mut starts = Vec::with_capacity(self.runs.len());
        let mut start = 0;
        for run in &self.runs {
            starts.push(start);
            start += run.pairs;
        }
        // The first half of a key nearly always decides, and is compared where it is.
        let unit = |run: u32| self.runs[run as usize].unit;
        let half = |(run, key): (u32, &Run)| ((key.unit >> 64) as u64, run);
        let mut runs: Vec<(u64, u32)> = (0..).zip(&self.runs).map(half).collect();
        runs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| (unit(a.1), a.1).cmp(&(unit(b.1), b.1))));

        let mut free = Half::with_capacity(self.runs.len(), self.action.len());
        let mut explorers = Half::default();
        let mut without = vec![];
        let mut of_unit: Vec<u32> = vec![];
        for runs in runs.chunk_by(|a, b| a.0 == b.0 && unit(a.1) == unit(b.1)) {
            let Run { unit, row, .. } = self.runs[runs[0].1 as usize];
            of_unit.clear();
            for &(_, run) in runs {
                let start = starts[run as usize];
                of_unit.extend(start..start + self.runs[run as usize].pairs);
            }
            of_unit.sort_unstable_by_key(|&pair| (self.action[pair as usize], pair));
            let twice = |pair: &[u32]| self.action[pair[0] as usize] == self.action[pair[1] as usize];
            if let Some(pair) = of_unit.windows(2).find(|pair| twice(pair)) {
                return Err(Duplicate { row: self.row[pair[0] as usize] });
            }
            of_unit.retain(|&pair| self.class[pair as usize] != DROPPED);
            if of_unit.is_empty() {
                without.push(row);
            } else if settings.explore > 0.0 && draw(settings.seed, unit, 0) < settings.explore {
                explorers.push(&of_unit, unit, row);
            } else {
                free.push(&of_unit, unit, row);
            }
        }
        drop((runs, starts));
        let boundary = free.order.len() as u32;
        let mut order = free.order;
        order.extend(explorers.order);
        let mut starts = free.starts;
        starts.push(boundary);
        let Self { value, cost, class, row, tally, mut codes, rows, .. } = self;
        let value = in_order(value, &order);
        let cost = in_order(cost, &order);
        // Classes were numbered as they came; sums by class must not depend on that.
        let mut by_code: Vec<u32> = (0..codes.len() as u32).collect();
        by_code.sort_unstable_by_key(|&class| codes[class as usize]);
        let mut places = vec![0; codes.len()];
        by_code.iter().zip(0..).for_each(|(&class, place)| places[class as usize] = place);
        codes.sort_unstable();
        let mut class = in_order(class, &order);
        class.iter_mut().for_each(|class| *class = places[*class as usize]);
        let pair_rows = in_order(row, &order);
        let mut explorer_starts = explorers.starts;
        explorer_starts.push(order.len() as u32 - boundary);
        let (mut value, mut cost) = (value, cost);
        let boundary = boundary as usize;
        let explored = Pairs {
            starts: explorer_starts,
            value: value.split_off(boundary),
            cost: cost.split_off(boundary),
            class: class.split_off(boundary),
        };
        let explorer_draws = explorers.units.iter().map(|&unit| draw(settings.seed, unit, 1)).collect();
        let mut unit_rows = free.rows;
        unit_rows.extend(explorers.rows);
        Ok(Ordered {
            free: Pairs { starts, value, cost, class },
            explored,
            explorer_draws,
            pair_rows,
            unit_rows,
            without,
            codes,
            tally,
            rows,
        })
    }
}

/// Units of a kind in their order, while they are put together.
#[derive(Default)]
struct Half {
    order: Vec<u32>,
    starts: Vec<u32>,
    units: Vec<u128>,
    rows: Vec<u32>,
}

impl Half {
    fn with_capacity(units: usize, pairs: usize) -> Self {
        Self {
            order: Vec::with_capacity(pairs),
            starts: Vec::with_capacity(units + 1),
            units: vec![],
            rows: Vec::with_capacity(units),
        }
    }

    fn push(&mut self, pairs: &[u32], unit: u128, row: u32) {
        self.starts.push(self.order.len() as u32);
        self.order.extend_from_slice(pairs);
        self.units.push(unit);
        self.rows.push(row);
    }
}

fn in_order<T: Copy>(values: Vec<T>, order: &[u32]) -> Vec<T> {
    order.iter().map(|&pair| values[pair as usize]).collect()
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
