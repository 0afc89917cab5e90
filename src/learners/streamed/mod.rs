//! Linear functions from sums: rows are added as they come and none is kept.
//!
//! What `train` fits to rows with ridge regressions follows from sums of products of their columns, made for each bag, fold
//! and channel apart: a function that leaves folds out is fitted to the sums of the others. Targets are linear in the
//! outcome and in what other functions say, so their sums with the columns are sums of products too, with weights that a row
//! knows by itself. With `v` for the weight of a row and the letters of [`Method`] the channels are
//!
//! * T, X: `v` in each arm; the target of X in the rows of a fold is `y - mu` or `mu - y`, linear in their columns;
//! * R: `v`, `v (t - e)²`, and `v |t - e|` in each arm: with weight `(t - e)²` the target `(y - m) / (t - e)` has the
//!   sums of `(t - e) (y - m)`;
//! * DR: `v` in each arm, `v / (1 - e)` of controls and `v / e` of treated;
//! * S, of which `t` is a column, and outcome: `v`.
//!
//! A state takes `24 bytes · channels · folds · bags` for each pair of columns that meet in a row. States merge.

mod codec;
mod fit;

use std::sync::atomic::{AtomicBool, Ordering};

use super::base::FitError;
use super::drawing::Drawing;
use super::features::{Column, Features, NULL};
use super::linear::{Flags, Products, Row};
use super::method::Method;
use super::sample::Sample;
use super::train::TrainError;

#[cfg(test)]
mod tests;

/// What rows are, which all states of a training have alike.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StreamedRows {
    pub(crate) method: Method,
    pub(crate) drawing: Drawing,
    /// Whether each feature is a number; else a category.
    pub(crate) is_numeric: Vec<bool>,
    pub(crate) outcomes: usize,
    /// Whether rows have weights.
    pub(crate) is_weighted: bool,
}

/// The sums of rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Streamed {
    rows: StreamedRows,
    flags: Flags,
    /// By bag, fold and channel.
    cells: Vec<Products>,
    /// All rows with their weights, where bags draw other ones.
    undrawn: Option<Products>,
    /// All rows without weights, where there are some and P(treated) is fitted.
    unweighted: Option<Products>,
    /// The range of P(treated).
    low: f64,
    high: f64,
}

impl StreamedRows {
    /// Whether a method can be fitted to sums: where a propensity takes part it must be known.
    pub(crate) fn can_be(method: Method, has_propensity: bool) -> bool {
        match method {
            Method::X | Method::R | Method::Dr => has_propensity,
            Method::T | Method::S | Method::Outcome => true,
            Method::Propensity => false,
        }
    }

    fn channels(&self) -> usize {
        match self.method {
            Method::X | Method::T => 2,
            Method::R | Method::Dr => 4,
            Method::S | Method::Outcome | Method::Propensity => 1,
        }
    }

    /// The channels in which each row is once, with its own weight: the first ones.
    fn whole(&self) -> usize {
        match self.method {
            Method::X | Method::T | Method::Dr => 2,
            Method::R | Method::S | Method::Outcome | Method::Propensity => 1,
        }
    }

    /// The features as functions see them: the last one of S is the arm.
    fn features(&self) -> Vec<bool> {
        let arm = (self.method == Method::S).then_some(true);
        self.is_numeric.iter().copied().chain(arm).collect()
    }

    /// Numbers of a row: 1, the numeric features, the arm where it is one, the outcomes, and P(treated) where it is fitted.
    fn numbers(&self) -> usize {
        self.first_outcome() + self.outcomes + usize::from(self.method == Method::X)
    }

    fn first_outcome(&self) -> usize {
        1 + self.features().iter().filter(|is_numeric| **is_numeric).count()
    }

    /// The weights of the channels that a row of weight 1 is in.
    fn weights(&self, t: bool, e: f64) -> ([(usize, f64); 3], usize) {
        let none = (0, 0.0);
        let arm = usize::from(t);
        match self.method {
            Method::S | Method::Outcome | Method::Propensity => ([(0, 1.0), none, none], 1),
            Method::X | Method::T => ([(arm, 1.0), none, none], 1),
            Method::R => {
                let residual = if t { 1.0 - e } else { e };
                ([(0, 1.0), (1, residual * residual), (2 + arm, residual)], 3)
            }
            Method::Dr => ([(arm, 1.0), (2 + arm, 1.0 / if t { e } else { 1.0 - e }), none], 2),
        }
    }
}

impl Streamed {
    pub(crate) fn new(rows: StreamedRows) -> Self {
        let Drawing { folds, bags, .. } = rows.drawing;
        let cells = bags as usize * folds as usize * rows.channels();
        Self {
            flags: Flags::new(rows.features().len()),
            cells: vec![Products::default(); cells],
            undrawn: (bags > 1).then(Products::default),
            unweighted: (rows.method == Method::X && rows.is_weighted).then(Products::default),
            low: 1.0,
            high: 0.0,
            rows,
        }
    }

    /// Adds rows, in any order, with P(treated) where it takes part. Codes of categories are those of this state.
    ///
    /// # Errors
    ///
    /// When the work is ended from outside.
    pub(crate) fn add(
        &mut self,
        sample: &Sample,
        propensity: Option<&[f64]>,
        stopped: &AtomicBool,
    ) -> Result<(), TrainError> {
        let Self { rows, flags, cells, undrawn, unweighted, low, high } = self;
        let Sample { features: Features { columns, .. }, outcomes, treated, weight, keys, .. } = sample;
        let (channels, Drawing { folds, bags, .. }) = (rows.channels(), rows.drawing);
        let mut row = Row::default();
        for (i, &key) in keys.iter().enumerate() {
            if stopped.load(Ordering::Relaxed) {
                return Err(FitError::Stopped.into());
            }
            let t = treated.get(i).copied().unwrap_or_default();
            let e = propensity.map_or(0.5, |propensity| propensity[i]);
            (*low, *high) = (low.min(e), high.max(e));
            row.numbers.clear();
            row.flags.clear();
            row.numbers.push(1.0);
            for (feature, column) in columns.iter().enumerate() {
                match column {
                    Column::Numeric(values) if values[i].is_nan() => {
                        row.numbers.push(0.0);
                        row.flags.push(flags.of(feature, NULL));
                    }
                    Column::Numeric(values) => row.numbers.push(values[i]),
                    Column::Categorical { codes, .. } => row.flags.push(flags.of(feature, codes[i])),
                }
            }
            if rows.method == Method::S {
                row.numbers.push(f64::from(t));
            }
            outcomes.iter().for_each(|outcome| row.numbers.push(outcome[i]));
            if rows.method == Method::X {
                row.numbers.push(e);
            }
            let weight = weight.as_ref().map_or(1.0, |weight| weight[i]);
            if let Some(undrawn) = undrawn {
                undrawn.add(weight, &row);
            }
            if let Some(unweighted) = unweighted {
                unweighted.add(1.0, &row);
            }
            let (weights, count) = rows.weights(t, e);
            let fold = rows.drawing.fold(key) as usize;
            for bag in 0..bags {
                let times = f64::from(rows.drawing.times(bag, key));
                if times > 0.0 {
                    let first = (bag as usize * folds as usize + fold) * channels;
                    for &(channel, of_channel) in &weights[..count] {
                        cells[first + channel].add(times * weight * of_channel, &row);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the rows of another state. `codes` has this state's code of each of the other's, by feature; a feature without
    /// any has the same codes on both sides.
    pub(crate) fn merge(&mut self, other: &Self, codes: &[Vec<u32>]) {
        let names = self.flags.merge(&other.flags, codes);
        let numbers = self.rows.numbers();
        let merge = |own: &mut Products, other: &Products| {
            own.merge(other, numbers, |flag| names[flag as usize]);
        };
        self.cells.iter_mut().zip(&other.cells).for_each(|(own, other)| merge(own, other));
        for (own, other) in [(&mut self.undrawn, &other.undrawn), (&mut self.unweighted, &other.unweighted)] {
            if let (Some(own), Some(other)) = (own, other) {
                merge(own, other);
            }
        }
        (self.low, self.high) = (self.low.min(other.low), self.high.max(other.high));
    }

    /// Columns that come of flags, and the feature with the most of them.
    pub(crate) fn flags(&self) -> (usize, usize) {
        (self.flags.count(), self.flags.most().0)
    }

    /// Bytes that are held.
    pub(crate) fn size(&self) -> usize {
        let all = self.cells.iter().chain(&self.undrawn).chain(&self.unweighted);
        size_of_val(self.cells.as_slice()) + all.map(Products::size).sum::<usize>() + self.flags.size()
    }

    /// Bytes that training takes at most beside the sums: those of a bag as they are read, and for each function that is
    /// fitted at a time its equations and their decomposition.
    pub(crate) fn footprint(&self, threads: usize) -> usize {
        let columns = self.flags.count() + self.rows.numbers();
        self.size() + threads.max(1) * columns * (columns + 1) * size_of::<f64>()
    }
}
