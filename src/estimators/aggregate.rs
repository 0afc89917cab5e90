//! What the SQL adapter needs of any aggregate: a mergeable state over blocks of valid rows.

use super::inference::{Inference, IntervalSettings};

/// Rows that are handed over at once, at most: the terms of a block stay in the first-level cache.
pub(crate) const BLOCK: usize = 512;

/// A block of rows whose values have been checked against their rules.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// One slice per numeric argument, all of one length, at most [`BLOCK`].
    pub(crate) columns: &'a [&'a [f64]],
    /// The cluster of each row, empty without clusters.
    pub(crate) clusters: &'a [u128],
    /// Rows in the block.
    pub(crate) len: usize,
}

/// An aggregate over numeric columns.
pub(crate) trait Aggregate: std::fmt::Debug + Send + Sync + 'static {
    /// What is kept per group.
    type State: Clone + Default + Send + Sync;
    /// What SQL gets.
    type Output;

    /// Numbers that hold a state, or 0 when its size varies and it travels as bytes.
    const FLOATS: usize;
    /// Whether a window may hold a state per row, for sliding frames: not when states grow.
    const SLIDES: bool = true;

    /// Adds rows to one state.
    fn update(&self, state: &mut Self::State, rows: Rows<'_>);

    /// Adds each row to the state of its group.
    fn update_groups(&self, states: &mut [Self::State], groups: &[usize], rows: Rows<'_>);

    /// Counts a row that was left out.
    fn skip(&self, _state: &mut Self::State) {}

    /// Adds the rows of another state.
    fn merge(&self, state: &mut Self::State, other: &Self::State);

    /// Adds the rows of another state that is not needed any more.
    fn absorb(&self, state: &mut Self::State, other: Self::State) {
        self.merge(state, &other);
    }

    /// Puts a state in order before it is passed on or finished.
    fn settle(&self, _state: &mut Self::State) {}

    /// Passes a state on as numbers, or bytes as the numbers of [`FloatReader`].
    fn write(&self, state: &Self::State, out: &mut Vec<u8>);

    /// Reads what [`Self::write`] wrote.
    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Self::State, DecodeError>;

    /// Bytes a state holds outside itself.
    fn heap_size(&self, _state: &Self::State) -> usize {
        0
    }

    /// The result.
    fn finish(&self, state: &Self::State) -> Self::Output;
}

/// An aggregate that estimates: its result is an inference under some interval settings.
pub(crate) trait Estimator: Aggregate<Output = Option<f64>> {
    /// Why the interval that is asked for cannot be had, if it cannot.
    fn missing(&self, settings: &IntervalSettings) -> Option<&'static str>;

    /// Estimate, error, interval and test.
    fn inference(&self, state: &Self::State, settings: &IntervalSettings) -> Inference;
}

/// Why the payload of a state cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// Fewer or more bytes than the state's numbers take.
    #[error("it is cut off or too long")]
    Length,
    /// Numbers no state can have.
    #[error("it holds impossible numbers")]
    Content,
}

/// Reads little-endian numbers from bytes that users hand in.
#[derive(Debug)]
pub(crate) struct FloatReader<'a>(&'a [u8]);

impl<'a> FloatReader<'a> {
    /// Reads from the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Bytes left.
    pub(crate) fn remaining(&self) -> usize {
        self.0.len()
    }

    /// Takes the next `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(DecodeError::Length)?;
        self.0 = tail;
        Ok(*head)
    }

    /// Takes the next `length` bytes as a reader of their own.
    pub(crate) fn part(&mut self, length: usize) -> Result<Self, DecodeError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(DecodeError::Length)?;
        self.0 = tail;
        Ok(Self(head))
    }

    /// Calls `read` with a source of the next `count` numbers.
    pub(crate) fn floats<T>(
        &mut self,
        count: usize,
        read: impl FnOnce(&mut dyn FnMut() -> f64) -> T,
    ) -> Result<T, DecodeError> {
        let bytes = count.checked_mul(8).ok_or(DecodeError::Length)?;
        let (head, tail) = self.0.split_at_checked(bytes).ok_or(DecodeError::Length)?;
        self.0 = tail;
        let mut numbers = head.as_chunks().0.iter().map(|&chunk| f64::from_le_bytes(chunk));
        Ok(read(&mut || numbers.next().unwrap_or(f64::NAN)))
    }
}
