//! The rows of a plan: chosen rows with their rank, marginal value per cost and propensity.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use datafusion::arrow::compute::{cast, interleave, take};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr::utils::collect_columns;

use super::columns::Columns;
use super::pairs::NO_OFFER_ACTION;
use super::settings::Settings;
use super::solving::Solved;
use super::store::Stored;
use crate::allocation::{NO_OFFER, Pairs};

/// The columns that are added to those of the input.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("allocation_rank", DataType::Int64, true),
        Field::new("marginal_value_per_cost", DataType::Float64, true),
        Field::new("allocation_propensity", DataType::Float64, false),
    ]
}

/// A row of the result.
#[derive(Clone, Copy, Debug)]
struct Entry {
    row: u32,
    /// From 1; 0 for a unit without offer.
    rank: u32,
    marginal: Option<f64>,
    propensity: f64,
}

/// The rows of the result, by row of the input.
#[derive(Debug)]
pub(super) struct Chosen {
    entries: Vec<Entry>,
}

impl Chosen {
    /// Makes the rows of a plan.
    pub(super) fn new(settings: &Settings, solved: &Solved) -> Self {
        let mut entries = vec![];
        let mut order: Vec<(f64, f64, u32)> = vec![];
        let prepared = &solved.prepared;
        let free = &prepared.problem.pairs;
        let halves = [
            (free, &solved.plan.chosen, 0, 0),
            (&prepared.explored, &prepared.explorers, free.value.len(), free.units()),
        ];
        for (half, (pairs, chosen, first_pair, first_unit)) in halves.into_iter().enumerate() {
            for unit in 0..pairs.units() {
                let choice = chosen[unit];
                let preferred = if half == 0 { choice } else { best(pairs, unit, solved) };
                let choices = (pairs.of(unit).len() + 1) as f64;
                let at_prices = if choice == preferred { 1.0 - settings.explore } else { 0.0 };
                let propensity = settings.explore / choices + at_prices;
                if choice == NO_OFFER {
                    if settings.include_no_offer {
                        let row = prepared.unit_rows[first_unit + unit];
                        entries.push(Entry { row, rank: 0, marginal: None, propensity });
                    }
                    continue;
                }
                let marginal = marginal_value_per_cost(pairs, unit, choice);
                order.push((
                    marginal.unwrap_or(f64::INFINITY),
                    pairs.value[choice as usize],
                    entries.len() as u32,
                ));
                let row = prepared.pair_rows[first_pair + choice as usize];
                entries.push(Entry { row, rank: 0, marginal, propensity });
            }
        }
        if settings.include_no_offer {
            let none = |&row: &u32| Entry { row, rank: 0, marginal: None, propensity: 1.0 };
            entries.extend(prepared.without.iter().map(none));
        }
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
        for (rank, (_, _, entry)) in order.into_iter().enumerate() {
            entries[entry as usize].rank = rank as u32 + 1;
        }
        entries.sort_unstable_by_key(|entry| entry.row);
        Self { entries }
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

/// What the final prices choose for an explorer.
fn best(pairs: &Pairs, unit: usize, solved: &Solved) -> u32 {
    let mut best = (0.0, NO_OFFER);
    for pair in pairs.of(unit) {
        let worth = solved.plan.reduced(pairs.class[pair], pairs.value[pair], pairs.cost[pair]);
        if worth > best.0 {
            best = (worth, pair as u32);
        }
    }
    best.1
}

/// The slope of the last step to a choice: the least value gained per cost added over the unit's cheaper choices, no-offer
/// being one of them. `None` when none is cheaper.
fn marginal_value_per_cost(pairs: &Pairs, unit: usize, choice: u32) -> Option<f64> {
    let (value, cost) = (pairs.value[choice as usize], pairs.cost[choice as usize]);
    let others = pairs.of(unit).map(|pair| (pairs.value[pair], pairs.cost[pair]));
    let cheaper = others.chain([(0.0, 0.0)]).filter(|&(_, other)| other < cost);
    cheaper.map(|(other, at)| (value - other) / (cost - at)).min_by(f64::total_cmp)
}

/// What stands in columns of the input in the row of a unit without offer.
struct Fillers {
    /// The columns that say who the unit is, which stay.
    unit: Vec<usize>,
    others: Vec<(usize, ArrayRef)>,
}

impl Fillers {
    fn new(columns: &Columns<Arc<dyn PhysicalExpr>>, schema: &SchemaRef) -> Result<Self> {
        let mut others: Vec<(usize, ArrayRef)> = vec![];
        let unit: Vec<usize> = collect_columns(&columns.unit).iter().map(Column::index).collect();
        let no_offer: ArrayRef = Arc::new(StringArray::from(vec![NO_OFFER_ACTION]));
        let zero: ArrayRef = Arc::new(Float64Array::from(vec![0.0]));
        for (expr, filler) in [(&columns.action, &no_offer), (&columns.value, &zero), (&columns.cost, &zero)]
        {
            if let Some(column) = plain_column(expr)
                && !schema.field(column).data_type().is_null()
                && !unit.contains(&column)
                && others.iter().all(|(known, _)| *known != column)
            {
                let data_type = schema.field(column).data_type();
                let is_text = match data_type {
                    DataType::Dictionary(_, values) => values.is_string(),
                    other => other.is_string(),
                };
                if is_text == filler.data_type().is_string() {
                    others.push((column, cast(filler, data_type)?));
                }
            }
        }
        Ok(Self { unit, others })
    }
}

/// The column that an expression is, but for casts.
pub(super) fn plain_column(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    if let Some(column) = expr.downcast_ref::<Column>() {
        return Some(column.index());
    }
    expr.downcast_ref::<CastExpr>().and_then(|cast| plain_column(cast.expr()))
}

/// The result, batch by batch.
pub(super) struct Rows {
    chosen: Chosen,
    _reservation: MemoryReservation,
    stored: Stored,
    fillers: Fillers,
    schema: SchemaRef,
    next: usize,
    first: usize,
}

impl Rows {
    pub(super) fn new(
        (chosen, reservation): (Chosen, MemoryReservation),
        stored: Stored,
        columns: &Columns<Arc<dyn PhysicalExpr>>,
        input: &SchemaRef,
        schema: SchemaRef,
    ) -> Result<Self> {
        let fillers = Fillers::new(columns, input)?;
        Ok(Self { chosen, _reservation: reservation, stored, fillers, schema, next: 0, first: 0 })
    }

    /// The rows of the next batch that has any.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.next < self.chosen.entries.len() {
            let Some(batch) = self.stored.next().await? else { break };
            let first = self.first;
            self.first += batch.num_rows();
            let rest = &self.chosen.entries[self.next..];
            let entries = &rest[..rest.partition_point(|entry| (entry.row as usize) < self.first)];
            self.next += entries.len();
            if !entries.is_empty() {
                return Ok(Some(self.rows(&batch, first, entries)?));
            }
        }
        Ok(None)
    }

    fn rows(&self, batch: &RecordBatch, first: usize, entries: &[Entry]) -> Result<RecordBatch> {
        let at = |entry: &Entry| entry.row - first as u32;
        let always: UInt32Array = entries.iter().map(at).collect::<Vec<_>>().into();
        let offered: BooleanArray = entries.iter().map(|entry| Some(entry.rank > 0)).collect();
        let all_offered = offered.true_count() == entries.len();
        let when_offered: UInt32Array = entries.iter().map(|e| (e.rank > 0).then(|| at(e))).collect();
        let mut columns: Vec<ArrayRef> = vec![];
        for (position, column) in batch.columns().iter().enumerate() {
            let filler = self.fillers.others.iter().find(|(known, _)| *known == position);
            columns.push(if all_offered || self.fillers.unit.contains(&position) {
                take(column, &always, None)?
            } else if let Some((_, filler)) = filler {
                let from = |entry: &Entry| if entry.rank > 0 { (0, at(entry) as usize) } else { (1, 0) };
                interleave(&[column, filler], &entries.iter().map(from).collect::<Vec<_>>())?
            } else {
                take(column, &when_offered, None)?
            });
        }
        let rank = |entry: &Entry| (entry.rank > 0).then_some(i64::from(entry.rank));
        columns.push(Arc::new(entries.iter().map(rank).collect::<Int64Array>()));
        columns.push(Arc::new(entries.iter().map(|entry| entry.marginal).collect::<Float64Array>()));
        columns.push(Arc::new(Float64Array::from_iter_values(entries.iter().map(|entry| entry.propensity))));
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
