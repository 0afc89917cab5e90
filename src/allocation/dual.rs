//! The multipliers of all limits at once: damped Newton steps down the smoothed dual function, ever less smooth.
//!
//! A sample of the units gives a first answer, all units a better one, and those that stand near a tie there, the core,
//! the exact one: at small `tau` nothing else moves. Every pass also gives the exact dual function, whose least value
//! is the proven bound.
//! Sources: Levenberg (1944) and Marquardt (1963) for the damping; Nesterov (2005) for the smoothing; Pisinger (1995),
//! "A Minimal Algorithm for the Multiple-Choice Knapsack Problem", for the core.

use super::model::Model;
use super::passes::Smoothed;
use crate::math::solve_positive;

/// Units that are solved to the end without a sample or a core.
pub(super) const FEW_UNITS: usize = 20_000;
/// Units of a core.
const CORE_UNITS: usize = 5_000;
/// Smoothness, in typical worths, where a path starts, and factor from one stage to the next.
const SMOOTH: f64 = 0.3;
const SHARPER: f64 = 0.2;
/// Smoothness at which a sample ends, at which all units end, and at which nothing moves any more.
const SAMPLE_END: f64 = 3e-3;
const FULL_END: f64 = 2e-3;
const END: f64 = 1e-9;
/// Steps at one smoothness.
const STEPS: usize = 30;
/// The longest step of one multiplier, in typical prices.
const LONGEST: f64 = 2.0;

/// Multipliers with the exact dual function there.
#[derive(Clone, Debug)]
pub(super) struct Priced {
    pub(super) multipliers: Vec<f64>,
    pub(super) dual: f64,
}

impl Model<'_> {
    /// Lowers the dual function as far as it goes.
    pub(super) fn price(&self, passes: &mut u64) -> Priced {
        let zero = vec![0.0; self.limits.len()];
        *passes += 1;
        let at_zero = self.exact(&zero);
        let broken: Vec<usize> =
            (0..self.limits.len()).filter(|&r| self.limits[r].excess(at_zero.used[r]) > 0.0).collect();
        match broken.as_slice() {
            [] => return Priced { multipliers: zero, dual: at_zero.dual },
            &[limit] => {
                let multipliers = self.price_single(limit, passes);
                *passes += 1;
                let exact = self.exact(&multipliers);
                let others = (0..self.limits.len()).filter(|&r| r != limit);
                if others.clone().all(|r| self.limits[r].excess(exact.used[r]) == 0.0) {
                    return Priced { multipliers, dual: exact.dual };
                }
            }
            _ => {}
        }
        let mut search = Search::new(self, zero);
        match self.sample() {
            None => search.follow(SMOOTH, END),
            Some(sample) => {
                let mut of_sample = Search::new(&sample, search.zero.clone());
                of_sample.follow(SMOOTH, SAMPLE_END);
                search.start(of_sample.at);
                search.follow(3.0 * FULL_END, FULL_END);
                // A second core in case the first moved prices beyond its reach.
                for _ in 0..2 {
                    let before = search.best.dual;
                    search.sharpen();
                    if before - search.best.dual <= 1e-12 * before.abs() {
                        break;
                    }
                }
            }
        }
        *passes += search.passes;
        search.best
    }

    /// Some of the units, with bounds in proportion; `None` where there are few.
    pub(super) fn sample(&self) -> Option<Model<'static>> {
        let units = self.pairs.units();
        if units <= FEW_UNITS {
            return None;
        }
        let sampled: Vec<u32> = (0..FEW_UNITS).map(|i| (i * units / FEW_UNITS) as u32).collect();
        Some(self.part(&sampled, &vec![0.0; self.limits.len()], FEW_UNITS as f64 / units as f64))
    }
}

/// A search for the least dual function.
struct Search<'a> {
    model: &'a Model<'a>,
    zero: Vec<f64>,
    /// Unit of each multiplier: typical worth by typical addition.
    scales: Vec<f64>,
    worth: f64,
    at: Vec<f64>,
    best: Priced,
    damping: f64,
    passes: u64,
}

impl<'a> Search<'a> {
    fn new(model: &'a Model<'a>, zero: Vec<f64>) -> Self {
        let worth = model.typical_worth();
        let scales = model.typical_additions().into_iter().map(|addition| worth / addition).collect();
        let best = Priced { multipliers: zero.clone(), dual: f64::INFINITY };
        Self { model, at: zero.clone(), zero, scales, worth, best, damping: 1e-3, passes: 0 }
    }

    fn start(&mut self, at: Vec<f64>) {
        self.at = at;
    }

    /// Goes down at ever smaller smoothness, in typical worths.
    fn follow(&mut self, from: f64, to: f64) {
        let mut smoothness = from;
        loop {
            self.descend(smoothness * self.worth);
            if smoothness <= to {
                return;
            }
            smoothness = (smoothness * SHARPER).max(to);
        }
    }

    /// Newton steps at one smoothness, until what a step promises is less than the smoothing blurs.
    fn descend(&mut self, tau: f64) {
        let mut here = self.evaluate(self.at.clone(), tau);
        for _ in 0..STEPS {
            if self.model.is_stopped() {
                return;
            }
            let Some((next, promised)) = self.step(&here) else { return };
            if promised <= 1e-2 * tau && promised <= 1e-9 * here.value.abs()
                || promised <= 1e-14 * here.value.abs()
            {
                return;
            }
            let there = self.evaluate(next.clone(), tau);
            if there.value < here.value {
                self.damping = (self.damping * 0.1).max(1e-12);
                (self.at, here) = (next, there);
            } else {
                self.damping *= 10.0;
                if self.damping > 1e12 {
                    return;
                }
            }
        }
    }

    fn evaluate(&mut self, at: Vec<f64>, tau: f64) -> Smoothed {
        self.passes += 1;
        let smoothed = self.model.smoothed(&at, tau);
        if smoothed.exact < self.best.dual {
            self.best = Priced { multipliers: at, dual: smoothed.exact };
        }
        smoothed
    }

    /// Where a damped Newton step leads, and by how much the model of second order falls there.
    ///
    /// Multipliers at their end that would leave it stay.
    fn step(&self, here: &Smoothed) -> Option<(Vec<f64>, f64)> {
        let all = self.scales.len();
        let gradient: Vec<f64> = here.gradient.iter().zip(&self.scales).map(|(g, s)| g * s).collect();
        let moves = |r: usize| {
            let limit = &self.model.limits[r];
            let small = 1e-9 * self.scales[r];
            limit.clamp(self.at[r] - gradient[r].signum() * small) != self.at[r] && gradient[r] != 0.0
        };
        let free: Vec<usize> = (0..all).filter(|&r| moves(r)).collect();
        if free.is_empty() {
            return None;
        }
        // Those that share units with few others first, as the solution of the system wants them.
        let shared = |&r: &usize| free.iter().filter(|&&s| here.hessian[r * all + s] != 0.0).count();
        let shared: Vec<usize> = free.iter().map(shared).collect();
        let mut order: Vec<usize> = (0..free.len()).collect();
        order.sort_by_key(|&i| shared[i]);
        let free: Vec<usize> = order.into_iter().map(|i| free[i]).collect();
        let n = free.len();
        let entry = |r: usize, s: usize| here.hessian[r * all + s] * self.scales[r] * self.scales[s];
        let largest = free.iter().map(|&r| entry(r, r)).fold(0.0, f64::max);
        let steepest = || free.iter().map(|&r| gradient[r].abs()).fold(0.0, f64::max);
        let least = if largest > 0.0 { largest } else { steepest() };
        let mut matrix = vec![0.0; n * n];
        for (i, &r) in free.iter().enumerate() {
            for (j, &s) in free.iter().enumerate().take(i + 1) {
                matrix[i * n + j] = entry(r, s);
            }
            matrix[i * n + i] += self.damping * entry(r, r).max(1e-6 * least);
        }
        let mut direction: Vec<f64> = free.iter().map(|&r| -gradient[r]).collect();
        solve_positive(&mut matrix, &mut direction)?;
        let longest = direction.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
        let shrink = if longest > LONGEST { LONGEST / longest } else { 1.0 };
        let mut next = self.at.clone();
        let mut promised = 0.0;
        for (&r, d) in free.iter().zip(&direction) {
            next[r] = self.model.limits[r].clamp(self.at[r] + shrink * d * self.scales[r]);
            promised -= 0.5 * gradient[r] * (next[r] - self.at[r]) / self.scales[r];
        }
        Some((next, promised))
    }

    /// Solves the units nearest to a tie to the end, the others being fixed.
    fn sharpen(&mut self) {
        let margins = self.model.margins(&self.best.multipliers);
        let mut sorted = margins.clone();
        let (_, &mut widest, _) = sorted.select_nth_unstable_by(CORE_UNITS, f64::total_cmp);
        // Ties at the edge beyond twice the number are left out: they are alike.
        let core: Vec<u32> = (0..margins.len() as u32)
            .filter(|&unit| margins[unit as usize] <= widest)
            .take(2 * CORE_UNITS)
            .collect();
        let all = self.model.exact(&self.best.multipliers).used;
        let of_core = self.model.part(&core, &self.zero, 1.0).exact(&self.best.multipliers).used;
        let fixed: Vec<f64> = all.iter().zip(&of_core).map(|(all, core)| all - core).collect();
        let model = self.model.part(&core, &fixed, 1.0);
        let mut search = Search { worth: self.worth, ..Search::new(&model, self.zero.clone()) };
        search.scales.clone_from(&self.scales);
        search.start(self.best.multipliers.clone());
        search.follow(FULL_END * SHARPER, END);
        let multipliers = search.best.multipliers;
        self.passes += 3;
        let dual = self.model.exact(&multipliers).dual;
        if dual < self.best.dual {
            self.best = Priced { multipliers, dual };
        }
    }
}
