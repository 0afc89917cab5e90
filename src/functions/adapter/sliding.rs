//! Sliding windows: frames whose first row moves on.
//!
//! Rows that leave are not subtracted: what a large value took from the digits of the others would not come back.
//! The frame is two stacks of states instead, so that any mergeable state slides, with two merges a row.
//! Source: Tangwongsan, Hirzel, Schneider (2021), "In-Order Sliding-Window Aggregation in Worst-Case Constant Time".

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use super::bound::{Finish, states_of_rows};
use super::reader::Reader;
use crate::estimators::Aggregate;

/// The rows of a frame. The engine adds rows at its end and takes them from its start.
pub(super) struct SlidingAccumulator<A: Aggregate> {
    aggregate: Arc<A>,
    reader: Reader,
    finish: Finish<A>,
    /// For each row of the frame's first part, last row first: the state from that row to the end of the part.
    front: Vec<A::State>,
    /// The state of each row after them.
    back: Vec<A::State>,
    /// The rows of `back` together.
    back_sum: A::State,
}

impl<A: Aggregate> SlidingAccumulator<A> {
    pub(super) fn new(aggregate: &Arc<A>, reader: Reader, finish: Finish<A>) -> Self {
        let aggregate = Arc::clone(aggregate);
        Self { aggregate, reader, finish, front: vec![], back: vec![], back_sum: A::State::default() }
    }

    /// Takes the first row from the frame.
    fn pop(&mut self) {
        if self.front.is_empty() {
            self.back_sum = A::State::default();
            let mut sum = A::State::default();
            while let Some(mut row) = self.back.pop() {
                self.aggregate.merge(&mut row, &sum);
                sum = row;
                self.front.push(sum.clone());
            }
        }
        self.front.pop();
    }

    /// The rows of the frame together.
    fn sum(&self) -> A::State {
        let mut sum = self.front.last().cloned().unwrap_or_default();
        self.aggregate.merge(&mut sum, &self.back_sum);
        sum
    }
}

impl<A: Aggregate> std::fmt::Debug for SlidingAccumulator<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SlidingAccumulator").field(&self.aggregate).finish()
    }
}

impl<A: Aggregate> Accumulator for SlidingAccumulator<A> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for row in states_of_rows(self.aggregate.as_ref(), &self.reader, values, None)? {
            self.aggregate.merge(&mut self.back_sum, &row);
            self.back.push(row);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |array| array.len());
        (0..rows).for_each(|_| self.pop());
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let column = (self.finish)(&self.aggregate, &[self.sum()])?;
        ScalarValue::try_from_array(&column, 0)
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        internal_err!("a frame has no partial states")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a frame has no partial states")
    }

    fn size(&self) -> usize {
        let heap = |states: &[A::State]| -> usize {
            states.iter().map(|state| self.aggregate.heap_size(state)).sum()
        };
        let states = self.front.capacity() + self.back.capacity();
        size_of_val(self) + states * size_of::<A::State>() + heap(&self.front) + heap(&self.back)
    }
}
