//! Scored rows, kept until all of them can be ranked.

use super::sorting::{Ranked, merge_runs, sort};
use crate::estimators::aggregate::{DecodeError, FloatReader, Rows};

/// Who a row depends on: nobody, or its cluster.
pub(crate) trait Dependence:
    Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
    /// Bytes of a key.
    const BYTES: usize;

    fn read(rows: &Rows<'_>, i: usize) -> Self;
    fn key(self) -> Option<u128>;
    fn write(self, out: &mut Vec<u8>);
    fn decode(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError>;
}

/// Rows do not depend on each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Independent;

impl Dependence for Independent {
    const BYTES: usize = 0;

    fn read(_rows: &Rows<'_>, _i: usize) -> Self {
        Self
    }

    fn key(self) -> Option<u128> {
        None
    }

    fn write(self, _out: &mut Vec<u8>) {}

    fn decode(_bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// Rows of one cluster depend on each other. In halves, since a whole key would be aligned to sixteen bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct InCluster([u64; 2]);

impl Dependence for InCluster {
    const BYTES: usize = 16;

    fn read(rows: &Rows<'_>, i: usize) -> Self {
        let key = rows.clusters[i];
        Self([key as u64, (key >> 64) as u64])
    }

    fn key(self) -> Option<u128> {
        Some(u128::from(self.0[0]) | u128::from(self.0[1]) << 64)
    }

    fn write(self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|half| out.extend_from_slice(&half.to_le_bytes()));
    }

    fn decode(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self([u64::from_le_bytes(bytes.bytes()?), u64::from_le_bytes(bytes.bytes()?)]))
    }
}

/// What followed in a row: one outcome, or several.
pub(crate) trait Outcomes: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// Bytes of the outcomes.
    const BYTES: usize;

    fn write(self, out: &mut Vec<u8>);
    fn decode(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError>;
}

impl Outcomes for f64 {
    const BYTES: usize = 8;

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn decode(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError> {
        let number = Self::from_le_bytes(bytes.bytes()?);
        if number.is_finite() { Ok(number) } else { Err(DecodeError::Content) }
    }
}

impl<const K: usize> Outcomes for [f64; K] {
    const BYTES: usize = 8 * K;

    fn write(self, out: &mut Vec<u8>) {
        self.into_iter().for_each(|outcome| outcome.write(out));
    }

    fn decode(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError> {
        let mut outcomes = [0.0; K];
        for outcome in &mut outcomes {
            *outcome = f64::decode(bytes)?;
        }
        Ok(outcomes)
    }
}

/// A row as it is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored<D, Y = f64> {
    /// What rows are ranked by.
    pub(super) prediction: f64,
    /// The outcomes, or the scores of a row that brings its own.
    pub(super) outcome: Y,
    /// `1 / e` of a treated row, `-1 / (1 - e)` of a control; 0 of a row that brings its score.
    pub(super) weight: f64,
    pub(super) dependence: D,
}

impl<D: Copy, Y: Copy> Ranked for Scored<D, Y> {
    #[inline]
    fn rank(&self) -> f64 {
        self.prediction
    }
}

/// Rows in runs, each sorted, and behind them rows that are not.
#[derive(Clone, Debug)]
pub(crate) struct RankedRows<D, Y = f64> {
    rows: Vec<Scored<D, Y>>,
    /// Where the sorted runs end.
    ends: Vec<usize>,
    pub(super) skipped: u64,
}

impl<D, Y> Default for RankedRows<D, Y> {
    fn default() -> Self {
        Self { rows: vec![], ends: vec![], skipped: 0 }
    }
}

impl<D: Dependence, Y: Outcomes> RankedRows<D, Y> {
    /// Bytes of a row where it is written.
    const ROW: usize = 16 + Y::BYTES + D::BYTES;

    #[inline]
    pub(super) fn push(&mut self, row: Scored<D, Y>) {
        self.rows.push(row);
    }

    /// The rows, in order once [`Self::settle`] has run.
    pub(super) fn rows(&self) -> &[Scored<D, Y>] {
        &self.rows
    }

    fn sorted(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Sorts what is not sorted and makes one run of all.
    pub(super) fn settle(&mut self) {
        self.sort_rest();
        merge_runs(&mut self.rows, &mut self.ends);
    }

    fn sort_rest(&mut self) {
        let mut rest = self.rows.split_off(self.sorted());
        if !rest.is_empty() {
            sort(&mut rest);
            self.rows.append(&mut rest);
            self.ends.push(self.rows.len());
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.skipped += other.skipped;
        if other.sorted() > 0 {
            self.sort_rest();
        }
        let start = self.rows.len();
        self.rows.extend_from_slice(&other.rows);
        self.ends.extend(other.ends.iter().map(|end| start + end));
    }

    pub(super) fn absorb(&mut self, mut other: Self) {
        if self.rows.is_empty() {
            other.skipped += self.skipped;
            *self = other;
        } else {
            self.merge(&other);
        }
    }

    pub(super) fn heap_size(&self) -> usize {
        self.rows.capacity() * size_of::<Scored<D, Y>>() + self.ends.capacity() * size_of::<usize>()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.reserve(16 + self.rows.len() * Self::ROW);
        out.extend_from_slice(&self.skipped.to_le_bytes());
        // One run, or none that could be told from the others.
        let is_sorted = u64::from(self.ends == [self.rows.len()]);
        out.extend_from_slice(&is_sorted.to_le_bytes());
        for row in &self.rows {
            row.prediction.write(out);
            row.outcome.write(out);
            row.weight.write(out);
            row.dependence.write(out);
        }
    }

    pub(super) fn read(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError> {
        let skipped = u64::from_le_bytes(bytes.bytes()?);
        let is_sorted = u64::from_le_bytes(bytes.bytes()?) == 1;
        // Room for what the bytes can hold, not for what they claim.
        let mut rows = Vec::with_capacity(bytes.remaining() / Self::ROW);
        while bytes.remaining() > 0 {
            let prediction = f64::from_le_bytes(bytes.bytes()?);
            if prediction.is_nan() {
                return Err(DecodeError::Content);
            }
            rows.push(Scored {
                prediction,
                outcome: Y::decode(bytes)?,
                weight: f64::from_le_bytes(bytes.bytes()?),
                dependence: D::decode(bytes)?,
            });
        }
        let is_sorted =
            is_sorted && rows.is_sorted_by(|a, b| a.prediction >= b.prediction) && !rows.is_empty();
        let ends = if is_sorted { vec![rows.len()] } else { vec![] };
        Ok(Self { rows, ends, skipped })
    }
}
