//! What logistic regression needs to know of its rows before it starts: counts, means and centred sums of products.
//!
//! The size depends on the columns alone. A panel of rows is centred at its own means before anything is multiplied, so that
//! large means cost no digits.
//! Source: Chan, Golub and LeVeque (1983), "Algorithms for Computing the Sample Variance".

use super::encoding::Design;
use super::panel::{Panel, panels};

/// Sums over weighted rows of the columns of a design and of the outcomes behind them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sums {
    width: usize,
    rows: f64,
    weight: f64,
    /// A mean is `origin + shift`, the origin being a value of the first row: two means are then told apart to the last
    /// digit of their difference, not of themselves.
    origin: Vec<f64>,
    shift: Vec<f64>,
    /// Lower triangle by rows: the pair `(i, j)` with `j <= i` is at `i (i + 1) / 2 + j`.
    products: Vec<f64>,
}

impl Sums {
    /// Sums of no rows.
    pub(crate) fn new(width: usize, outcomes: usize) -> Self {
        let terms = width + outcomes;
        let products = vec![0.0; terms * (terms + 1) / 2];
        Self { width, rows: 0.0, weight: 0.0, origin: vec![0.0; terms], shift: vec![0.0; terms], products }
    }

    /// Columns of the design.
    #[cfg(test)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Outcomes behind them.
    pub(crate) fn outcomes(&self) -> usize {
        self.terms() - self.width
    }

    fn terms(&self) -> usize {
        self.origin.len()
    }

    /// Sum of the weights.
    pub(crate) fn weight(&self) -> f64 {
        self.weight
    }

    /// The mean of a column, or of an outcome behind them.
    pub(crate) fn mean(&self, i: usize) -> f64 {
        self.origin[i] + self.shift[i]
    }

    /// The products of columns alone.
    pub(super) fn of_columns(&self) -> &[f64] {
        &self.products[..self.width * (self.width + 1) / 2]
    }

    /// Sum of `weight · (x_i - mean_i) (x_j - mean_j)`, outcomes being the terms behind the columns.
    pub(crate) fn product(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j), i.min(j));
        self.products[i * (i + 1) / 2 + j]
    }

    pub(super) fn is_finite(&self) -> bool {
        self.origin
            .iter()
            .chain(&self.shift)
            .chain(&self.products)
            .chain([&self.weight])
            .all(|x| x.is_finite())
    }

    /// Adds some rows of a table; outcomes and weights are those of the whole table. A row of weight zero is no row.
    pub(crate) fn add(
        &mut self,
        design: &Design<'_>,
        rows: &[u32],
        outcomes: &[&[f64]],
        weight: Option<&[f64]>,
    ) {
        debug_assert_eq!((self.width, self.outcomes()), (design.width(), outcomes.len()));
        let mut panel = Panel::new(self.terms());
        for rows in panels(rows, weight) {
            panel.start(&rows, weight);
            design.fill(&rows, &mut panel, 0);
            for (k, outcome) in outcomes.iter().enumerate() {
                for (y, &row) in panel.column_mut(self.width + k).iter_mut().zip(&rows) {
                    *y = outcome[row as usize];
                }
            }
            let sum: f64 = panel.weights.iter().sum();
            let (origin, shift): (Vec<f64>, Vec<f64>) =
                (0..self.terms()).map(|j| panel.centre(j, sum)).unzip();
            panel.add_products(&panel.weights, &mut self.products);
            self.join(rows.len() as f64, sum, &origin, &shift);
        }
    }

    /// Moves the means to those of both parts, the products of the other one having been added.
    fn join(&mut self, rows: f64, weight: f64, origin: &[f64], shift: &[f64]) {
        if rows == 0.0 {
            return;
        }
        if self.rows == 0.0 {
            (self.rows, self.weight) = (rows, weight);
            self.origin.copy_from_slice(origin);
            self.shift.copy_from_slice(shift);
            return;
        }
        let share = weight / (self.weight + weight);
        let delta: Vec<f64> =
            (0..self.terms()).map(|i| (origin[i] - self.origin[i]) + (shift[i] - self.shift[i])).collect();
        let mut triangle = &mut self.products[..];
        for i in 0..delta.len() {
            let (row, rest) = std::mem::take(&mut triangle).split_at_mut(i + 1);
            let factor = delta[i] * self.weight * share;
            if factor != 0.0 {
                row.iter_mut().zip(&delta).for_each(|(sum, delta)| *sum += factor * delta);
            }
            triangle = rest;
        }
        self.shift.iter_mut().zip(&delta).for_each(|(shift, delta)| *shift += delta * share);
        self.rows += rows;
        self.weight += weight;
    }
}

#[cfg(test)]
mod tests;
