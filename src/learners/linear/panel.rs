//! A few rows of a design at once, column by column, so that products run through the nearest cache.

use crate::math::dot;

/// Rows of a panel at most.
pub(super) const PANEL: usize = 128;

/// Columns of up to [`PANEL`] rows with the weights of the rows.
pub(super) struct Panel {
    rows: usize,
    values: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Panel {
    pub(super) fn new(columns: usize) -> Self {
        Self { rows: 0, values: vec![0.0; columns * PANEL], weights: vec![] }
    }

    /// Starts over with some of the rows of a table; values are what they were.
    pub(super) fn start(&mut self, rows: &[u32], weight: Option<&[f64]>) {
        self.rows = rows.len();
        self.weights.clear();
        self.weights.extend(rows.iter().map(|&row| weight.map_or(1.0, |weight| weight[row as usize])));
    }

    pub(super) fn columns(&self) -> usize {
        self.values.len() / PANEL
    }

    pub(super) fn column(&self, j: usize) -> &[f64] {
        &self.values[j * PANEL..][..self.rows]
    }

    pub(super) fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.values[j * PANEL..][..self.rows]
    }

    /// Subtracts its weighted mean from a column and returns it as its first value and what is to be added to that; a column
    /// of equal values is exactly zero after that.
    pub(super) fn centre(&mut self, j: usize, weight_sum: f64) -> (f64, f64) {
        let column = &mut self.values[j * PANEL..][..self.rows];
        let Some(&origin) = column.first() else {
            return (0.0, 0.0);
        };
        column.iter_mut().for_each(|x| *x -= origin);
        let shift = dot(column, &self.weights) / weight_sum;
        if shift != 0.0 {
            column.iter_mut().for_each(|x| *x -= shift);
        }
        (origin, shift)
    }

    /// Adds the sums of `weight · x_i x_j` to a lower triangle by rows. Columns of zeroes, such as those of levels that do
    /// not occur, cost nothing.
    pub(super) fn add_products(&self, weights: &[f64], triangle: &mut [f64]) {
        let filled: Vec<usize> =
            (0..self.columns()).filter(|&j| self.column(j).iter().any(|&x| x != 0.0)).collect();
        let mut weighted = [0.0; PANEL];
        for (position, &i) in filled.iter().enumerate() {
            for ((weighted, x), weight) in weighted.iter_mut().zip(self.column(i)).zip(weights) {
                *weighted = x * weight;
            }
            let row = &mut triangle[i * (i + 1) / 2..];
            for &j in &filled[..=position] {
                row[j] += dot(&weighted[..self.rows], self.column(j));
            }
        }
    }
}

/// The rows with a weight above zero, as many at a time as a panel holds.
pub(super) fn panels<'a>(
    rows: &'a [u32],
    weight: Option<&'a [f64]>,
) -> impl Iterator<Item = Vec<u32>> + use<'a> {
    let mut rows = rows.iter().copied().filter(move |&row| weight.is_none_or(|w| w[row as usize] > 0.0));
    std::iter::from_fn(move || {
        let panel: Vec<u32> = rows.by_ref().take(PANEL).collect();
        (!panel.is_empty()).then_some(panel)
    })
}
