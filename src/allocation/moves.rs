//! From the best pairs at the final prices to a plan of whole pairs that keeps every limit.
//!
//! With `loss` for how much worse a unit's choice is than its best at the prices, every plan that keeps the limits has
//! `objective = g(y) - sum of losses - sum of y_r (b_r - used_r)`, all terms that are taken off being at least zero. So
//! only moves whose loss is below the gap of a plan can lead to a better one.

use super::draft::Draft;
use super::problem::{Coefficients, NO_OFFER};

/// Moves that are tried in pairs.
const PAIRED_MOVES: usize = 700;
/// Rounds of pairs of moves.
const ROUNDS: usize = 60;
/// Rounds of repairs and of single moves.
const SWEEPS: usize = 40;

/// A unit and a pair (or no offer) that it may go to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) unit: u32,
    pub(super) to: u32,
    pub(super) loss: f64,
}

impl Draft<'_> {
    /// The moves of some units away from what they have, of a loss below `limit`.
    pub(super) fn moves(
        &self,
        prices: &[Coefficients],
        units: impl Iterator<Item = usize>,
        limit: f64,
    ) -> Vec<Move> {
        let mut moves = vec![];
        for unit in units {
            let best = self.model.best(prices, unit).1;
            let pairs = self.model.pairs.of(unit).map(|pair| pair as u32);
            for to in pairs.chain([NO_OFFER]).filter(|&to| to != self.chosen[unit]) {
                let loss = best - self.model.reduced(prices, to);
                if loss < limit {
                    moves.push(Move { unit: unit as u32, to, loss });
                }
            }
        }
        moves
    }

    /// Moves units until every limit is kept, or no move comes nearer to it; the cheapest moves by excess removed first.
    pub(super) fn repair(&mut self, prices: &[Coefficients], units: &[u32]) {
        for _ in 0..SWEEPS {
            let excess = self.excess();
            if excess == 0.0 {
                return;
            }
            let moves = self.moves(prices, units.iter().map(|&unit| unit as usize), f64::INFINITY);
            let mut ranked: Vec<(f64, Move)> = moves
                .into_iter()
                .filter_map(|step| {
                    let removed = -self.excess_change(step.unit as usize, step.to);
                    let from = self.model.reduced(prices, self.chosen[step.unit as usize]);
                    let loss = from - self.model.reduced(prices, step.to);
                    (removed > 0.0).then(|| (loss / removed, step))
                })
                .collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut left, least) = (excess, excess * 1e-14);
            for (_, step) in ranked {
                let change = self.excess_change(step.unit as usize, step.to);
                if change < -least {
                    self.set(step.unit as usize, step.to);
                    left += change;
                    if left <= least && self.excess() == 0.0 {
                        return;
                    }
                }
            }
            if self.excess() >= excess * (1.0 - 1e-12) {
                return;
            }
        }
    }

    /// Makes single moves that keep the limits and raise the objective, those of least loss first.
    pub(super) fn fill(&mut self, prices: &[Coefficients], units: &[u32], limit: f64) {
        for _ in 0..SWEEPS {
            let mut moves = self.moves(prices, units.iter().map(|&unit| unit as usize), limit);
            // What gains nothing does not once its unit has gained by another move either.
            moves.retain(|step| self.gain(step.unit as usize, step.to) > 0.0);
            moves.sort_by(|a, b| a.loss.total_cmp(&b.loss));
            let before = self.objective();
            for step in moves {
                let unit = step.unit as usize;
                if self.gain(unit, step.to) > 0.0 && self.fits(unit, step.to) {
                    self.set(unit, step.to);
                }
            }
            if self.objective() <= before {
                return;
            }
        }
    }

    /// Makes pairs of moves that keep the limits and raise the objective, the best pair of a round each time.
    pub(super) fn exchange(
        &mut self,
        prices: &[Coefficients],
        units: &[u32],
        mut gap: impl FnMut(f64) -> f64,
    ) {
        for _ in 0..ROUNDS {
            let limit = gap(self.objective());
            let mut moves = self.moves(prices, units.iter().map(|&unit| unit as usize), limit);
            if moves.len() > PAIRED_MOVES {
                let share = |step: &Move| step.loss / self.gain(step.unit as usize, step.to).abs();
                let mut by_share: Vec<(f64, Move)> = moves.iter().map(|step| (share(step), *step)).collect();
                by_share.select_nth_unstable_by(PAIRED_MOVES, |(share, a), (other, b)| {
                    share.total_cmp(other).then((a.unit, a.to).cmp(&(b.unit, b.to)))
                });
                moves = by_share[..PAIRED_MOVES].iter().map(|(_, step)| *step).collect();
            }
            moves.sort_by_key(|step| (step.unit, step.to));
            let Some((first, second)) = self.best_pair(&moves) else { return };
            self.set(first.unit as usize, first.to);
            self.set(second.unit as usize, second.to);
        }
    }

    fn best_pair(&self, moves: &[Move]) -> Option<(Move, Move)> {
        let limits = &self.model.limits;
        let used: Vec<f64> = (0..limits.len()).map(|limit| self.used(limit)).collect();
        let changes: Vec<Vec<(usize, f64)>> = moves
            .iter()
            .map(|step| {
                let mut changes = vec![];
                self.model
                    .changes(self.chosen[step.unit as usize], step.to, |limit, by| changes.push((limit, by)));
                changes
            })
            .collect();
        let gains: Vec<f64> = moves.iter().map(|step| self.gain(step.unit as usize, step.to)).collect();
        let mut by = vec![0.0; limits.len()];
        let mut best = (1e-12 * self.objective().abs(), None);
        for i in 0..moves.len() {
            changes[i].iter().for_each(|&(limit, change)| by[limit] = change);
            for j in i + 1..moves.len() {
                let gain = gains[i] + gains[j];
                if gain <= best.0 || moves[i].unit == moves[j].unit {
                    continue;
                }
                let keeps = |limit: usize, change: f64| limits[limit].excess(used[limit] + change) == 0.0;
                let second = || changes[j].iter().all(|&(limit, change)| keeps(limit, by[limit] + change));
                let first = || {
                    let untouched = |limit: &usize| changes[j].iter().all(|(other, _)| other != limit);
                    changes[i]
                        .iter()
                        .filter(|(limit, _)| untouched(limit))
                        .all(|&(limit, change)| keeps(limit, change))
                };
                if second() && first() {
                    best = (gain, Some((moves[i], moves[j])));
                }
            }
            changes[i].iter().for_each(|&(limit, _)| by[limit] = 0.0);
        }
        best.1
    }
}
