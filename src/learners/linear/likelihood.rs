//! The penalised likelihood of a logistic regression, with its derivatives.
//!
//! With `eta = b_0 + sum_j b_j z_j`, `z_j` being standardised columns, the loss per weight is
//! `L(b) = mean[log(1 + exp(eta)) - y eta] + 1/2 sum_j penalty_j b_j^2`, half of `deviance + penalty`;
//! the gradient is `mean[(p - y) z] + penalty b`, the Hessian `mean[p (1 - p) z z'] + penalty`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::encoding::Design;
use super::model::LinearModel;
use super::panel::{PANEL, Panel, panels};
use super::ridge::correlations;
use super::{LinearError, Penalty, Sums};
use crate::math::dot;

/// What does not change between the iterations.
pub(super) struct Likelihood<'a> {
    design: &'a Design<'a>,
    rows: &'a [u32],
    outcome: &'a [f64],
    weight: Option<&'a [f64]>,
    stopped: &'a AtomicBool,
    weight_sum: f64,
    /// The mean of the outcome.
    pub(super) share: f64,
    centre: Vec<f64>,
    /// One over the standard deviation; zero for columns without a coefficient.
    inverse: Vec<f64>,
    penalty: Vec<f64>,
}

/// The loss at some coefficients, the intercept first, with its derivatives.
pub(super) struct Pass {
    pub(super) loss: f64,
    /// The gradient downwards.
    pub(super) descent: Vec<f64>,
    /// Lower triangle by rows.
    pub(super) hessian: Vec<f64>,
}

impl<'a> Likelihood<'a> {
    /// Looks at the rows once, for their means and deviations.
    pub(super) fn new(
        design: &'a Design<'a>,
        rows: &'a [u32],
        outcome: &'a [f64],
        weight: Option<&'a [f64]>,
        penalty: Penalty,
        stopped: &'a AtomicBool,
    ) -> Result<Self, LinearError> {
        let width = design.width();
        let mut sums = Sums::new(width, 1);
        sums.add(design, rows, &[outcome], weight);
        if sums.weight() <= 0.0 {
            return Err(LinearError::NoRows);
        }
        if !sums.is_finite() {
            return Err(LinearError::Overflow);
        }
        let share = sums.mean(width);
        if share <= 0.0 || share >= 1.0 {
            return Err(LinearError::OneClass(share));
        }
        let (scales, equations) = correlations(sums.of_columns(), width, penalty);
        let root = sums.weight().sqrt();
        let inverse = (0..width).map(|j| equations.left(j).map_or(0.0, |_| root / scales[j])).collect();
        let penalty = (0..width).map(|j| equations.left(j).map_or(0.0, |_| penalty.on(sums.product(j, j))));
        let (penalty, centre) = (penalty.collect(), (0..width).map(|j| sums.mean(j)).collect());
        let weight_sum = sums.weight();
        Ok(Self { design, rows, outcome, weight, stopped, weight_sum, share, centre, inverse, penalty })
    }

    /// One pass over the rows.
    ///
    /// # Errors
    /// When the caller has asked to stop.
    pub(super) fn pass(&self, at: &[f64]) -> Result<Pass, LinearError> {
        let terms = at.len();
        let mut pass =
            Pass { loss: 0.0, descent: vec![0.0; terms], hessian: vec![0.0; terms * (terms + 1) / 2] };
        let mut panel = Panel::new(terms);
        for rows in panels(self.rows, self.weight) {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(LinearError::Stopped);
            }
            self.add(&rows, at, &mut panel, &mut pass);
        }
        let all = pass.descent.iter_mut().chain(&mut pass.hessian).chain([&mut pass.loss]);
        all.for_each(|x| *x /= self.weight_sum);
        for (j, penalty) in self.penalty.iter().enumerate() {
            let (i, coefficient) = (j + 1, at[j + 1]);
            pass.loss += 0.5 * penalty * coefficient * coefficient;
            pass.descent[i] -= penalty * coefficient;
            pass.hessian[i * (i + 1) / 2 + i] += penalty;
        }
        Ok(pass)
    }

    /// Adds the sums of a panel of rows.
    fn add(&self, rows: &[u32], at: &[f64], panel: &mut Panel, pass: &mut Pass) {
        panel.start(rows, self.weight);
        panel.column_mut(0).fill(1.0);
        self.design.fill(rows, panel, 1);
        let mut log_odds = [0.0; PANEL];
        let log_odds = &mut log_odds[..rows.len()];
        log_odds.fill(at[0]);
        for j in 0..self.centre.len() {
            let column = panel.column_mut(j + 1);
            for (x, log_odds) in column.iter_mut().zip(log_odds.iter_mut()) {
                *x = (*x - self.centre[j]) * self.inverse[j];
                *log_odds += at[j + 1] * *x;
            }
        }
        let (mut residual, mut curvature) = ([0.0; PANEL], [0.0; PANEL]);
        for (position, &log_odds) in log_odds.iter().enumerate() {
            let (y, weight) = (self.outcome[rows[position] as usize], panel.weights[position]);
            let odds = libm::exp(-log_odds.abs());
            // log(1 + exp(eta)) - y eta without overflow, the large terms first: they cancel where y = 1.
            pass.loss += weight * (libm::log1p(odds) + (log_odds.max(0.0) - y * log_odds));
            let (smaller, larger) = (odds / (1.0 + odds), 1.0 / (1.0 + odds));
            let (one, zero) = if log_odds > 0.0 { (larger, smaller) } else { (smaller, larger) };
            // y - p, which keeps its digits where p is next to 1.
            residual[position] = weight * (y * zero - (1.0 - y) * one);
            curvature[position] = weight * smaller * larger;
        }
        let residual = &residual[..rows.len()];
        for (j, descent) in pass.descent.iter_mut().enumerate() {
            *descent += dot(residual, panel.column(j));
        }
        panel.add_products(&curvature[..rows.len()], &mut pass.hessian);
    }

    /// The model of some coefficients, in the units of the columns.
    pub(super) fn model(&self, at: &[f64]) -> Result<LinearModel, LinearError> {
        let slopes = at[1..].iter().zip(&self.inverse).map(|(slope, inverse)| slope * inverse).collect();
        LinearModel { centre: self.centre.clone(), level: at[0], slopes }.checked()
    }
}
