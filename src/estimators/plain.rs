//! An estimator over independent rows.

use std::hint::black_box;

use super::aggregate::{Aggregate, DecodeError, Estimator, FloatReader, Rows};
use super::inference::{Errors, Inference, IntervalSettings, infer};
use super::statistic::{Outcome, Row, Statistic, Sums};

/// Groups whose sums are fetched before they are used: they fit the nearest cache beside the rows.
const FETCHED: usize = 64;

/// A statistic with errors for independent rows.
#[derive(Clone, Debug)]
pub(crate) struct Plain<S>(pub(crate) S);

/// The sums of a statistic, the origin they are kept about and the rows left out.
///
/// Aligned to a cache line: groups are visited at random, and the usual sums fill just one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub(crate) struct Tally<T> {
    pub(crate) sums: T,
    pub(crate) origin: f64,
    pub(crate) skipped: u64,
}

impl<T: Sums> Tally<T> {
    pub(crate) const FLOATS: usize = T::FLOATS + 2;

    /// Makes the outcome of `row` the origin when no outcome has had a weight yet; says whether the origin stands.
    #[inline]
    fn place_origin<S: Statistic<Sums = T>>(&mut self, statistic: &S, row: &S::Row) -> bool {
        let Some(outcome) = statistic.outcome() else { return true };
        if self.has_weight(&outcome) {
            return true;
        }
        let terms = statistic.terms(row);
        let weighs = outcome.weighted.iter().any(|&(_, weight)| T::term(&terms, weight) > 0.0);
        if weighs {
            self.origin = statistic.origin(row);
        }
        weighs
    }

    #[inline]
    fn has_weight(&self, outcome: &Outcome) -> bool {
        outcome.weighted.iter().any(|&(_, weight)| self.sums.has_weight(weight))
    }

    /// Reads a row about the origin: its arm and its terms.
    #[inline]
    fn terms<S: Statistic<Sums = T>>(&self, statistic: &S, mut row: S::Row) -> (usize, T::Terms) {
        if let Some(outcome) = statistic.outcome() {
            row.shift(outcome.argument, self.origin);
        }
        (statistic.arm(&row), statistic.terms(&row))
    }

    /// Adds one row and returns its arm and terms.
    #[inline]
    pub(crate) fn push<S: Statistic<Sums = T>>(&mut self, statistic: &S, row: S::Row) -> (usize, T::Terms) {
        self.place_origin(statistic, &row);
        let (arm, terms) = self.terms(statistic, row);
        self.sums.push(arm, &terms);
        (arm, terms)
    }

    fn push_block<S: Statistic<Sums = T>>(&mut self, statistic: &S, rows: Rows<'_>, block: &mut T::Block) {
        let columns = S::Row::columns(rows.columns, rows.len);
        _ = (0..rows.len).any(|i| self.place_origin(statistic, &S::Row::read(&columns, i)));
        T::fill(block, rows.len, |i| self.terms(statistic, S::Row::read(&columns, i)));
        self.sums.push_block(block, rows.len, S::APART);
    }

    /// Adds the rows of another tally, brought to this origin; returns by how much its outcomes were moved.
    pub(crate) fn merge<S: Statistic<Sums = T>>(&mut self, statistic: &S, other: &Self) -> f64 {
        self.skipped += other.skipped;
        if other.sums.count() == 0.0 {
            return 0.0;
        }
        if statistic.outcome().is_some_and(|outcome| !self.has_weight(&outcome)) {
            self.origin = other.origin;
        }
        let moved = other.origin - self.origin;
        let mut sums = other.sums;
        if let Some(outcome) = statistic.outcome()
            && moved != 0.0
        {
            for &(weighted, weight) in outcome.weighted {
                sums.shear(weighted, weight, moved);
            }
        }
        self.sums.merge(&sums);
        moved
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut put = |x: f64| out.extend_from_slice(&x.to_le_bytes());
        self.sums.write(&mut put);
        put(self.origin);
        put(self.skipped as f64);
    }

    pub(crate) fn read(bytes: &mut FloatReader<'_>) -> Result<Self, DecodeError> {
        let tally = bytes.floats(Self::FLOATS, |mut next| Self {
            sums: T::read(&mut next),
            origin: next(),
            skipped: next() as u64,
        })?;
        let count = tally.sums.count();
        if count >= 0.0 && count.fract() == 0.0 { Ok(tally) } else { Err(DecodeError::Content) }
    }
}

impl<T: Sums> Errors<T::Gradient> for Tally<T> {
    fn covariance(&self, a: &T::Gradient, b: &T::Gradient) -> Option<f64> {
        self.sums.covariance(a, b)
    }

    fn cluster_df(&self) -> Option<f64> {
        None
    }
}

impl<S: Statistic> Aggregate for Plain<S> {
    type State = Tally<S::Sums>;
    type Output = Option<f64>;

    const FLOATS: usize = Tally::<S::Sums>::FLOATS;

    fn update(&self, state: &mut Self::State, rows: Rows<'_>) {
        state.push_block(&self.0, rows, &mut Default::default());
    }

    fn update_groups(&self, states: &mut [Self::State], groups: &[usize], rows: Rows<'_>) {
        let columns = S::Row::columns(rows.columns, rows.len);
        if self.0.outcome().is_some() {
            // What a row adds depends on its group's origin.
            for (i, &group) in groups.iter().enumerate() {
                states[group].push(&self.0, S::Row::read(&columns, i));
            }
            return;
        }
        let mut block = <S::Sums as Sums>::Block::default();
        S::Sums::fill(&mut block, rows.len, |i| {
            let row = S::Row::read(&columns, i);
            (self.0.arm(&row), self.0.terms(&row))
        });
        for (chunk, groups) in groups.chunks(FETCHED).enumerate() {
            // Groups are anywhere in memory. Looked at one after the other, their cache lines arrive together.
            black_box(groups.iter().map(|&group| states[group].skipped).max());
            for (i, &group) in groups.iter().enumerate() {
                states[group].sums.push_placed(&block, chunk * FETCHED + i);
            }
        }
    }

    fn skip(&self, state: &mut Self::State) {
        state.skipped += 1;
    }

    fn merge(&self, state: &mut Self::State, other: &Self::State) {
        state.merge(&self.0, other);
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.write(out);
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Self::State, DecodeError> {
        Tally::read(bytes)
    }

    fn finish(&self, state: &Self::State) -> Option<f64> {
        let solution = self.0.solve(&state.sums, state.origin)?;
        Some(solution.linear::<S::Sums>().value).filter(|value| value.is_finite())
    }
}

impl<S: Statistic> Estimator for Plain<S> {
    fn missing(&self, settings: &IntervalSettings) -> Option<&'static str> {
        settings.missing(&self.0)
    }

    fn inference(&self, state: &Self::State, settings: &IntervalSettings) -> Inference {
        infer(&self.0, &state.sums, state.origin, state.skipped, state, settings)
    }
}
