//! What liabilities will cost: the next periods' spend and all that is still to come, with prediction errors.
//!
//! A cohort at age `a` with `C` redeemed spends by age `e`, with the shares `P` of the chain ladder,
//! - by chain ladder `C (P(e) / P(a) - 1)`: it goes on as it began;
//! - by Bornhuetter-Ferguson `L (P(e) - P(a))`: its liability `L` stands in for an ultimate that it is too young to show.
//!
//! The error has two parts. *Estimation*, by the delta method: `sum over j of var f(j) (sum over cohorts of g(j))^2`,
//! `g(j)` being the derivative of a cohort's spend by factor `j`; cohorts share factors, so these add up before the square.
//! *Process*, independent between cohorts: by chain ladder Mack's `sum over d in [a, e) of (P(e) / P(d + 1))^2 s2(d) Ĉ(d)`
//! along the projected `Ĉ(d) = C P(d) / P(a)`; by Bornhuetter-Ferguson `L sum over d in (a, e] of t2(d)`, with the scatter
//! per unit of liability `t2(d) = sum over cohorts L (X(d) / L - m(d))^2 / (n - 1)`, `X(d)` being what came at age `d` and
//! `m(d) = sum X(d) / sum L`. With `e` at the largest age and chain ladder alone these are Mack's errors of the reserve.
//! Sources: Mack (1993); Bornhuetter and Ferguson (1972), "The Actuary and IBNR"; Mack (2008), "The Prediction Error of
//! Bornhuetter/Ferguson".

use std::ops::Range;

use super::cells::{Cells, CellsFunction};
use super::chain_ladder::{ChainLadder, least_of_two_before};
use super::triangle::{Cohort, Triangle, TriangleError};
use crate::math::normal_quantile;

/// What the rest of a cohort follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    /// What it redeemed so far.
    ChainLadder,
    /// Its liability.
    BornhuetterFerguson,
    /// Its liability while less than this share has been redeemed, or nothing.
    PriorBelow(f64),
}

/// The projection of spend.
#[derive(Clone, Debug)]
pub(crate) struct SpendProjection {
    /// Periods ahead, from the one after the latest.
    pub(crate) periods: usize,
    pub(crate) alpha: f64,
    /// How cohorts are projected whose liability is given.
    pub(crate) method: Method,
    /// The last age at which something can be redeemed.
    pub(crate) expiry: Option<usize>,
}

/// Spend of all cohorts. `None` is NULL.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spend {
    pub(crate) estimate: Option<f64>,
    pub(crate) std_error: Option<f64>,
    pub(crate) ci_low: Option<f64>,
    pub(crate) ci_high: Option<f64>,
    /// All that has been and will be redeemed.
    pub(crate) ultimate: Option<f64>,
    /// All that will be.
    pub(crate) reserve: Option<f64>,
    pub(crate) reserve_std_error: Option<f64>,
    /// Rows used, rows left out, and cells with a negative amount.
    pub(crate) n: u64,
    pub(crate) n_skipped: u64,
    pub(crate) reversals: u64,
    pub(crate) cohorts: Vec<CohortSpend>,
}

/// Spend of one cohort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CohortSpend {
    pub(crate) cohort: i64,
    pub(crate) age: u64,
    pub(crate) redeemed: f64,
    pub(crate) liability: Option<f64>,
    /// The share that has come by this age.
    pub(crate) share: Option<f64>,
    pub(crate) is_prior: bool,
    pub(crate) ultimate: Option<f64>,
    pub(crate) reserve: Option<f64>,
    pub(crate) reserve_std_error: Option<f64>,
    pub(crate) spend: Option<f64>,
    pub(crate) spend_std_error: Option<f64>,
}

/// Spend of cohorts by some age, with its errors.
struct Outlook {
    /// By cohort: the spend and its error.
    cohorts: Vec<(Option<f64>, Option<f64>)>,
    total: Option<f64>,
    std_error: Option<f64>,
}

impl CellsFunction for SpendProjection {
    type Output = Spend;

    fn apply(&self, cells: &Cells) -> Result<Spend, TriangleError> {
        let counts = Spend { n: cells.rows, n_skipped: cells.skipped, ..Spend::default() };
        let Some(triangle) = Triangle::new(cells, self.expiry)? else { return Ok(counts) };
        let projection = Projection::new(&triangle, self.method);
        let (soon, ever) = (projection.outlook(self.periods), projection.outlook(usize::MAX));
        let redeemed = &projection.ladder.redeemed;
        let cohorts = triangle.cohorts.iter().enumerate().map(|(i, cohort)| {
            let ((spend, spend_std_error), (reserve, reserve_std_error)) = (soon.cohorts[i], ever.cohorts[i]);
            CohortSpend {
                cohort: cohort.number,
                age: cohort.age as u64,
                redeemed: redeemed[i],
                liability: cohort.liability,
                share: projection.ladder.shares[cohort.age],
                is_prior: projection.prior(i).is_some(),
                ultimate: reserve.map(|reserve| redeemed[i] + reserve),
                reserve,
                reserve_std_error,
                spend,
                spend_std_error,
            }
        });
        let reach = soon.std_error.map(|error| normal_quantile(1.0 - self.alpha / 2.0) * error);
        let around = soon.total.zip(reach);
        Ok(Spend {
            estimate: soon.total,
            std_error: soon.std_error,
            ci_low: around.map(|(total, reach)| total - reach),
            ci_high: around.map(|(total, reach)| total + reach),
            ultimate: ever.total.map(|reserve| redeemed.iter().sum::<f64>() + reserve),
            reserve: ever.total,
            reserve_std_error: ever.std_error,
            reversals: triangle.increments.iter().flatten().filter(|(_, amount)| *amount < 0.0).count()
                as u64,
            cohorts: cohorts.collect(),
            ..counts
        })
    }
}

struct Projection<'a> {
    triangle: &'a Triangle,
    ladder: ChainLadder,
    /// `t2` by age, without liabilities unknown.
    scatters: Vec<Option<f64>>,
    method: Method,
}

impl<'a> Projection<'a> {
    fn new(triangle: &'a Triangle, method: Method) -> Self {
        let ladder = ChainLadder::new(triangle);
        Self { triangle, ladder, scatters: scatters_by_liability(triangle), method }
    }

    /// The liability of a cohort that stands in for its ultimate.
    fn prior(&self, cohort: usize) -> Option<f64> {
        let Cohort { age, liability, .. } = self.triangle.cohorts[cohort];
        let is_young = match self.method {
            Method::ChainLadder => false,
            Method::BornhuetterFerguson => true,
            Method::PriorBelow(limit) => {
                self.ladder.redeemed[cohort] <= 0.0
                    || self.ladder.shares[age].is_some_and(|share| share < limit)
            }
        };
        liability.filter(|_| is_young)
    }

    /// What comes in the next periods.
    fn outlook(&self, periods: usize) -> Outlook {
        let last = self.triangle.last_age();
        let factors = &self.ladder.factors;
        let has_errors = self.triangle.cohorts.len() > 1;
        // Derivatives by the logarithm of each factor, summed over cohorts.
        let mut slopes = vec![0.0; factors.len()];
        let mut all_process = has_errors.then_some(0.0);
        let cohorts: Vec<_> = (0..self.triangle.cohorts.len())
            .map(|cohort| {
                let ages = self.triangle.cohorts[cohort].age..last;
                let ages = ages.start..ages.start.saturating_add(periods).min(last);
                let step = self.step(cohort, ages.clone());
                let Some(Step { spend, process, within, beyond }) = step else {
                    all_process = None;
                    return (None, None);
                };
                let mut estimation = has_errors.then_some(0.0);
                for j in ages.start..last {
                    let slope = if j < ages.end { within } else { beyond };
                    slopes[j] += slope;
                    estimation = add(estimation, self.estimation(j, slope));
                }
                all_process = add(all_process, process);
                (Some(spend), add(estimation, process).map(f64::sqrt))
            })
            .collect();
        let estimation = slopes.iter().enumerate();
        let variance = estimation.fold(all_process, |sum, (j, &slope)| add(sum, self.estimation(j, slope)));
        let total = cohorts.iter().try_fold(0.0, |sum, &(spend, _)| Some(sum + spend?));
        Outlook { cohorts, total, std_error: variance.filter(|_| total.is_some()).map(f64::sqrt) }
    }

    /// The variance that factor `j` brings to a sum with this derivative by its logarithm.
    fn estimation(&self, j: usize, slope: f64) -> Option<f64> {
        if slope == 0.0 {
            return Some(0.0);
        }
        Some(slope * slope * self.ladder.factors[j].relative_variance()?)
    }

    /// The spend of a cohort from the first age of a range to its end.
    fn step(&self, cohort: usize, ages: Range<usize>) -> Option<Step> {
        let shares = &self.ladder.shares;
        let (now, then) = (shares[ages.start]?, shares[ages.end]?);
        if let Some(liability) = self.prior(cohort) {
            let scatter =
                self.scatters[ages.start + 1..=ages.end].iter().try_fold(0.0, |sum, &t2| Some(sum + t2?));
            let spend = liability * (then - now);
            return Some(Step {
                spend,
                process: scatter.map(|scatter| liability * scatter),
                within: liability * now,
                beyond: -spend,
            });
        }
        let redeemed = self.ladder.redeemed[cohort];
        if now <= 0.0 {
            return None;
        }
        let projected = |age: usize| Some(redeemed * (shares[age]? / now));
        let process = ages.clone().try_fold(0.0, |sum, age| {
            let (amount, growth) = (projected(age)?, then / shares[age + 1]?);
            // Of nothing comes nothing, and of less the model says nothing.
            match amount {
                0.0 => Some(sum),
                amount if amount < 0.0 => None,
                amount => Some(sum + growth * growth * self.ladder.factors[age].scatter? * amount),
            }
        });
        let ultimate = projected(ages.end)?;
        Some(Step { spend: ultimate - redeemed, process, within: ultimate, beyond: 0.0 })
    }
}

/// A cohort's spend over a range of ages.
struct Step {
    spend: f64,
    /// Variance of the process.
    process: Option<f64>,
    /// Derivatives by the logarithms of the factors in the range, and past it.
    within: f64,
    beyond: f64,
}

fn add(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? + b?)
}

/// `t2` by age: how far amounts are from their mean per unit of liability; with fewer than two cohorts as Mack's `s2`.
fn scatters_by_liability(triangle: &Triangle) -> Vec<Option<f64>> {
    let mut scatters = vec![];
    let mut amounts = vec![0.0; triangle.cohorts.len()];
    for (age, increments) in triangle.increments.iter().enumerate() {
        amounts.fill(0.0);
        increments.iter().for_each(|&(cohort, amount)| amounts[cohort] = amount);
        let cohorts = triangle.cohorts[..triangle.seen(age)].iter().zip(&amounts);
        let cohorts = cohorts.filter_map(|(cohort, &amount)| Some((cohort.liability?, amount)));
        let cohorts = cohorts.filter(|&(liability, _)| liability > 0.0);
        let (n, liability, amount) = cohorts
            .clone()
            .fold((0.0, 0.0, 0.0), |(n, l, x), (liability, amount)| (n + 1.0, l + liability, x + amount));
        let mean = amount / liability;
        scatters.push(if n > 1.0 {
            let square = |(liability, amount): (f64, f64)| liability * (amount / liability - mean).powi(2);
            Some(cohorts.map(square).sum::<f64>() / (n - 1.0))
        } else {
            // Ages at which nothing came say nothing of others.
            least_of_two_before(scatters.iter().copied()).filter(|&scatter| scatter > 0.0)
        });
    }
    scatters
}
