//! An aggregate with its options known, as the engine's accumulators.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, LargeBinaryArray,
};
use datafusion::arrow::buffer::{Buffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::output::{Column, inference_column};
use super::reader::{Reader, Sink};
use super::sliding::SlidingAccumulator;
use super::state::Header;
use crate::estimators::{
    Aggregate, Clustered, DecodeError, Estimator, FloatReader, Inference, IntervalSettings, Plain, Rows,
    Statistic,
};

/// What an estimator's function returns.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// The estimate.
    Number,
    /// Estimate, error, interval and test, and what the estimator appends by name.
    Inference(IntervalSettings, &'static [&'static str]),
    /// Bytes that can be merged later.
    State(Header),
}

/// Makes the accumulators of one call.
pub(crate) struct BoundAggregate(Box<dyn Binding>);

/// A row function with its options known.
pub(crate) struct RowScore(Box<ScoreOfRow>);

/// From the columns and the position of a row to its score.
type ScoreOfRow = dyn Fn(&[&[f64]], usize) -> Option<f64> + Send + Sync;

impl RowScore {
    /// Makes a row function of a function of the arguments' numbers.
    pub(crate) fn new<const A: usize>(score: impl Fn([f64; A]) -> f64 + Send + Sync + 'static) -> Self {
        Self::nullable(move |row| Some(score(row)))
    }

    /// Makes one of a function that is not defined for all rows.
    pub(crate) fn nullable<const A: usize>(
        score: impl Fn([f64; A]) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |columns, i| {
            // A score beyond the range of numbers is none.
            score(std::array::from_fn(|a| columns[a][i])).filter(|score| score.is_finite())
        }))
    }

    /// Makes one whose results may be infinite: where that is what ranks a row rightly.
    pub(crate) fn extended<const A: usize>(
        score: impl Fn([f64; A]) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |columns, i| score(std::array::from_fn(|a| columns[a][i]))))
    }

    /// The score of row `i`.
    pub(super) fn score(&self, columns: &[&[f64]], i: usize) -> Option<f64> {
        (self.0)(columns, i)
    }
}

impl BoundAggregate {
    /// Binds a statistic, with cluster-robust errors when the call has clusters.
    pub(crate) fn estimator<S: Statistic>(statistic: S, clustered: bool) -> Self {
        if clustered {
            Self(Box::new(EstimatorBinding(Arc::new(Clustered(statistic)))))
        } else {
            Self(Box::new(EstimatorBinding(Arc::new(Plain(statistic)))))
        }
    }

    /// Binds an estimator that is no statistic of means.
    pub(crate) fn any_estimator<E: Estimator>(estimator: E) -> Self {
        Self(Box::new(EstimatorBinding(Arc::new(estimator))))
    }

    /// Binds an aggregate whose function returns `result` of its output.
    pub(crate) fn measure<A: Aggregate, T: Column + 'static>(
        aggregate: A,
        result: fn(A::Output) -> T,
    ) -> Self {
        Self::fallible(aggregate, move |output| Ok(result(output)))
    }

    /// The same of an aggregate whose rows, each of them valid, may not fit together.
    pub(crate) fn fallible<A: Aggregate, T: Column + 'static>(
        aggregate: A,
        result: impl Fn(A::Output) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(MeasureBinding { aggregate: Arc::new(aggregate), result: Arc::new(result) }))
    }

    /// Numbers that hold a state between stages, 0 when it travels as bytes.
    pub(super) fn floats(&self) -> usize {
        self.0.floats()
    }

    pub(super) fn accumulator(&self, reader: Reader, wanted: Wanted) -> Box<dyn Accumulator> {
        self.0.accumulator(reader, wanted)
    }

    pub(super) fn groups_accumulator(&self, reader: Reader, wanted: Wanted) -> Box<dyn GroupsAccumulator> {
        self.0.groups_accumulator(reader, wanted)
    }

    /// For frames whose rows leave; `None` when rows cannot leave a state.
    pub(super) fn sliding_accumulator(&self, reader: Reader, wanted: Wanted) -> Option<Box<dyn Accumulator>> {
        self.0.sliding_accumulator(reader, wanted)
    }

    /// Why an interval cannot be had.
    pub(super) fn missing(&self, settings: &IntervalSettings) -> Option<&'static str> {
        self.0.missing(settings)
    }

    /// An empty state that states can be merged into; `None` unless it is an estimator.
    pub(super) fn merged(&self) -> Option<Box<dyn MergedState>> {
        self.0.merged()
    }
}

/// A state of an estimator whose type is not known.
pub(super) trait MergedState: Send + Sync + std::fmt::Debug {
    fn merge(&mut self, payload: &[u8]) -> Result<(), DecodeError>;
    /// Puts the state in order, for what follows.
    fn settle(&mut self);
    fn write(&self, out: &mut Vec<u8>);
    fn number(&self) -> Option<f64>;
    fn inference(&self, settings: &IntervalSettings) -> Inference;
    fn size(&self) -> usize;
}

trait Binding: Send + Sync {
    fn floats(&self) -> usize;
    fn accumulator(&self, reader: Reader, wanted: Wanted) -> Box<dyn Accumulator>;
    fn groups_accumulator(&self, reader: Reader, wanted: Wanted) -> Box<dyn GroupsAccumulator>;
    fn sliding_accumulator(&self, reader: Reader, wanted: Wanted) -> Option<Box<dyn Accumulator>>;
    fn missing(&self, settings: &IntervalSettings) -> Option<&'static str>;
    fn merged(&self) -> Option<Box<dyn MergedState>>;
}

struct EstimatorBinding<E>(Arc<E>);

impl<E: Estimator> EstimatorBinding<E> {
    fn finish(&self, wanted: Wanted) -> Finish<E> {
        match wanted {
            Wanted::Number => Box::new(|estimator, states| {
                let numbers: Vec<_> = states.iter().map(|state| estimator.finish(state)).collect();
                Ok(Column::column(&numbers))
            }),
            Wanted::Inference(settings, appended) => Box::new(move |estimator, states| {
                let inference = |state| estimator.inference(state, &settings);
                Ok(inference_column(&states.iter().map(inference).collect::<Vec<_>>(), appended))
            }),
            Wanted::State(header) => Box::new(move |estimator, states| {
                let bytes = |state| header.seal(|out| estimator.write(state, out));
                Ok(Arc::new(BinaryArray::from_iter_values(states.iter().map(bytes))))
            }),
        }
    }
}

impl<E: Estimator> Binding for EstimatorBinding<E> {
    fn floats(&self) -> usize {
        E::FLOATS
    }

    fn accumulator(&self, reader: Reader, wanted: Wanted) -> Box<dyn Accumulator> {
        Box::new(RowAccumulator::new(&self.0, reader, self.finish(wanted)))
    }

    fn groups_accumulator(&self, reader: Reader, wanted: Wanted) -> Box<dyn GroupsAccumulator> {
        Box::new(GroupedAccumulator::new(&self.0, reader, self.finish(wanted)))
    }

    fn sliding_accumulator(&self, reader: Reader, wanted: Wanted) -> Option<Box<dyn Accumulator>> {
        sliding(&self.0, reader, self.finish(wanted))
    }

    fn missing(&self, settings: &IntervalSettings) -> Option<&'static str> {
        self.0.missing(settings)
    }

    fn merged(&self) -> Option<Box<dyn MergedState>> {
        Some(Box::new(Merged { estimator: Arc::clone(&self.0), state: E::State::default() }))
    }
}

struct Merged<E: Estimator> {
    estimator: Arc<E>,
    state: E::State,
}

impl<E: Estimator> std::fmt::Debug for Merged<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Merged").field(&self.estimator).finish()
    }
}

impl<E: Estimator> MergedState for Merged<E> {
    fn merge(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        self.estimator.absorb(&mut self.state, decode(self.estimator.as_ref(), payload)?);
        Ok(())
    }

    fn settle(&mut self) {
        self.estimator.settle(&mut self.state);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.estimator.write(&self.state, out);
    }

    fn number(&self) -> Option<f64> {
        self.estimator.finish(&self.state)
    }

    fn inference(&self, settings: &IntervalSettings) -> Inference {
        self.estimator.inference(&self.state, settings)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.estimator.heap_size(&self.state)
    }
}

struct MeasureBinding<A: Aggregate, T> {
    aggregate: Arc<A>,
    result: Arc<ResultOf<A, T>>,
}

/// From an aggregate's output to the value SQL gets.
type ResultOf<A, T> = dyn Fn(<A as Aggregate>::Output) -> Result<T> + Send + Sync;

impl<A: Aggregate, T: Column + 'static> MeasureBinding<A, T> {
    fn finish(&self) -> Finish<A> {
        let result = Arc::clone(&self.result);
        Box::new(move |aggregate, states| {
            let results = states.iter().map(|state| result(aggregate.finish(state)));
            Ok(T::column(&results.collect::<Result<Vec<_>>>()?))
        })
    }
}

impl<A: Aggregate, T: Column + 'static> Binding for MeasureBinding<A, T> {
    fn floats(&self) -> usize {
        A::FLOATS
    }

    fn accumulator(&self, reader: Reader, _wanted: Wanted) -> Box<dyn Accumulator> {
        Box::new(RowAccumulator::new(&self.aggregate, reader, self.finish()))
    }

    fn groups_accumulator(&self, reader: Reader, _wanted: Wanted) -> Box<dyn GroupsAccumulator> {
        Box::new(GroupedAccumulator::new(&self.aggregate, reader, self.finish()))
    }

    fn sliding_accumulator(&self, reader: Reader, _wanted: Wanted) -> Option<Box<dyn Accumulator>> {
        sliding(&self.aggregate, reader, self.finish())
    }

    fn missing(&self, _settings: &IntervalSettings) -> Option<&'static str> {
        None
    }

    fn merged(&self) -> Option<Box<dyn MergedState>> {
        None
    }
}

/// Makes the result column of some states.
pub(super) type Finish<A> = Box<dyn Fn(&A, &[<A as Aggregate>::State]) -> Result<ArrayRef> + Send + Sync>;

/// One state, for queries without GROUP BY and for windows that do not slide.
struct RowAccumulator<A: Aggregate> {
    aggregate: Arc<A>,
    reader: Reader,
    finish: Finish<A>,
    state: A::State,
}

impl<A: Aggregate> RowAccumulator<A> {
    fn new(aggregate: &Arc<A>, reader: Reader, finish: Finish<A>) -> Self {
        Self { aggregate: Arc::clone(aggregate), reader, finish, state: A::State::default() }
    }
}

impl<A: Aggregate> std::fmt::Debug for RowAccumulator<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RowAccumulator").field(&self.aggregate).finish()
    }
}

struct OneState<'a, A: Aggregate> {
    aggregate: &'a A,
    state: &'a mut A::State,
}

impl<A: Aggregate> Sink for OneState<'_, A> {
    fn rows(&mut self, rows: Rows<'_>, _groups: &[usize]) {
        self.aggregate.update(self.state, rows);
    }

    fn skipped(&mut self, _group: usize) {
        self.aggregate.skip(self.state);
    }
}

impl<A: Aggregate> Accumulator for RowAccumulator<A> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (aggregate, state) = (self.aggregate.as_ref(), &mut self.state);
        self.reader.read(values, None, &[], &mut OneState { aggregate, state })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let mut transfer = Transfer::default();
        let rows = states.first().map_or(0, |array| array.len());
        for row in 0..rows {
            let other = transfer.read(self.aggregate.as_ref(), states, row)?;
            self.aggregate.absorb(&mut self.state, other);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.aggregate.settle(&mut self.state);
        if A::FLOATS == 0 {
            // It may be large: not by way of an array, which would copy it.
            let mut bytes = vec![];
            self.aggregate.write(&self.state, &mut bytes);
            return Ok(vec![ScalarValue::LargeBinary(Some(bytes))]);
        }
        let columns = transfer(self.aggregate.as_ref(), std::slice::from_ref(&self.state));
        columns.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.aggregate.settle(&mut self.state);
        let column = (self.finish)(&self.aggregate, std::slice::from_ref(&self.state))?;
        ScalarValue::try_from_array(&column, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.aggregate.heap_size(&self.state)
    }
}

fn sliding<A: Aggregate>(
    aggregate: &Arc<A>,
    reader: Reader,
    finish: Finish<A>,
) -> Option<Box<dyn Accumulator>> {
    A::SLIDES
        .then(|| -> Box<dyn Accumulator> { Box::new(SlidingAccumulator::new(aggregate, reader, finish)) })
}

/// A state per group, side by side.
struct GroupedAccumulator<A: Aggregate> {
    aggregate: Arc<A>,
    reader: Reader,
    finish: Finish<A>,
    states: Vec<A::State>,
    /// Bytes that the states hold outside themselves, and the rows since they were counted.
    outside: usize,
    uncounted: usize,
}

impl<A: Aggregate> GroupedAccumulator<A> {
    fn new(aggregate: &Arc<A>, reader: Reader, finish: Finish<A>) -> Self {
        Self { aggregate: Arc::clone(aggregate), reader, finish, states: vec![], outside: 0, uncounted: 0 }
    }

    /// Takes states out, in order.
    fn take(&mut self, emit_to: EmitTo) -> Vec<A::State> {
        let mut states = emit_to.take_needed(&mut self.states);
        states.iter_mut().for_each(|state| self.aggregate.settle(state));
        self.count_outside();
        states
    }

    /// Counts what states hold outside themselves, once as many rows have come as there are groups: else batches of a
    /// query with many groups would be spent on counting.
    fn count_rows(&mut self, rows: usize) {
        self.uncounted += rows;
        if self.uncounted >= self.states.len() {
            self.count_outside();
        }
    }

    fn count_outside(&mut self) {
        self.uncounted = 0;
        if A::FLOATS == 0 {
            self.outside = self.states.iter().map(|state| self.aggregate.heap_size(state)).sum();
        }
    }
}

struct StatePerGroup<'a, A: Aggregate> {
    aggregate: &'a A,
    states: &'a mut [A::State],
}

impl<A: Aggregate> Sink for StatePerGroup<'_, A> {
    fn rows(&mut self, rows: Rows<'_>, groups: &[usize]) {
        self.aggregate.update_groups(self.states, groups, rows);
    }

    fn skipped(&mut self, group: usize) {
        self.aggregate.skip(&mut self.states[group]);
    }
}

impl<A: Aggregate> GroupsAccumulator for GroupedAccumulator<A> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize_with(total_num_groups, A::State::default);
        let (aggregate, states) = (self.aggregate.as_ref(), self.states.as_mut_slice());
        self.reader.read(values, opt_filter, group_indices, &mut StatePerGroup { aggregate, states })?;
        self.count_rows(group_indices.len());
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize_with(total_num_groups, A::State::default);
        let mut transfer = Transfer::default();
        for (row, &group) in group_indices.iter().enumerate() {
            let other = transfer.read(self.aggregate.as_ref(), values, row)?;
            self.aggregate.absorb(&mut self.states[group], other);
        }
        self.count_rows(group_indices.len());
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let states = self.take(emit_to);
        (self.finish)(&self.aggregate, &states)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let states = self.take(emit_to);
        Ok(transfer(self.aggregate.as_ref(), &states))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let aggregate = self.aggregate.as_ref();
        Ok(transfer(aggregate, &states_of_rows(aggregate, &self.reader, values, opt_filter)?))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states.capacity() * size_of::<A::State>() + self.outside
    }
}

/// One state for each row, empty where `filter` does not select it.
pub(super) fn states_of_rows<A: Aggregate>(
    aggregate: &A,
    reader: &Reader,
    values: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Vec<A::State>> {
    let rows = values.first().map_or(0, |array| array.len());
    let mut states = vec![A::State::default(); rows];
    let groups: Vec<usize> = (0..rows).collect();
    reader.read(values, filter, &groups, &mut StatePerGroup { aggregate, states: &mut states })?;
    Ok(states)
}

/// States as columns of numbers, or as one column of bytes.
fn transfer<A: Aggregate>(aggregate: &A, states: &[A::State]) -> Vec<ArrayRef> {
    if A::FLOATS == 0 {
        let mut bytes = vec![];
        let lengths = states.iter().map(|state| {
            let start = bytes.len();
            aggregate.write(state, &mut bytes);
            bytes.len() - start
        });
        let lengths: Vec<_> = lengths.collect();
        let array = LargeBinaryArray::new(OffsetBuffer::from_lengths(lengths), Buffer::from_vec(bytes), None);
        return vec![Arc::new(array)];
    }
    let mut columns = vec![Vec::with_capacity(states.len()); A::FLOATS];
    let mut row = vec![];
    for state in states {
        row.clear();
        aggregate.write(state, &mut row);
        for (column, number) in columns.iter_mut().zip(row.as_chunks().0) {
            column.push(f64::from_le_bytes(*number));
        }
    }
    columns.into_iter().map(|column| Arc::new(Float64Array::from(column)) as ArrayRef).collect()
}

/// Reads back what [`transfer`] made.
#[derive(Default)]
struct Transfer(Vec<u8>);

impl Transfer {
    fn read<A: Aggregate>(&mut self, aggregate: &A, columns: &[ArrayRef], row: usize) -> Result<A::State> {
        let state = if A::FLOATS == 0 {
            decode(aggregate, columns[0].as_binary::<i64>().value(row))
        } else {
            self.0.clear();
            for column in columns {
                let number = column.as_primitive::<Float64Type>().value(row);
                self.0.extend_from_slice(&number.to_le_bytes());
            }
            decode(aggregate, &self.0)
        };
        state.map_err(|error| internal_datafusion_err!("the state of {aggregate:?} cannot be read: {error}"))
    }
}

fn decode<A: Aggregate>(aggregate: &A, bytes: &[u8]) -> Result<A::State, DecodeError> {
    let mut reader = FloatReader::new(bytes);
    let state = aggregate.read(&mut reader)?;
    if reader.remaining() > 0 { Err(DecodeError::Length) } else { Ok(state) }
}

/// Types of the columns that carry a state between stages.
pub(super) fn state_types(floats: usize) -> Vec<DataType> {
    if floats == 0 { vec![DataType::LargeBinary] } else { vec![DataType::Float64; floats] }
}
