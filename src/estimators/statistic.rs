//! The contract of an estimator.
//!
//! Every estimator is a smooth function `theta = h(mean u)` of the means of a row's terms `u`. Its row
//! influence is `psi_i = h'(mean u) · (u_i - mean u)`, so an estimator gives its terms, `h` and the gradient
//! `h'`; standard errors, clustered errors, ratios, Fieller sets, merging and retracting follow from them.

use super::arms::Arms;
use super::bounded::{Bounds, WeightedRewards};
use super::inference::{Appended, Errors, Interval};

/// Rows of a statistic as fixed-size arrays of the call's numeric arguments.
pub(crate) trait Row: Copy + Send {
    /// The columns of a block of rows.
    type Columns<'a>;

    /// Takes the first `rows` values of each column, so that reading them in a loop needs no checks.
    fn columns<'a>(columns: &[&'a [f64]], rows: usize) -> Self::Columns<'a>;
    /// Reads row `i` of the columns.
    fn read(columns: &Self::Columns<'_>, i: usize) -> Self;
    /// Subtracts `origin` from argument `column`.
    fn shift(&mut self, column: usize, origin: f64);
    /// The value of argument `column`.
    fn value(&self, column: usize) -> f64;
}

impl<const A: usize> Row for [f64; A] {
    type Columns<'a> = [&'a [f64]; A];

    fn columns<'a>(columns: &[&'a [f64]], rows: usize) -> [&'a [f64]; A] {
        std::array::from_fn(|a| &columns[a][..rows])
    }

    #[inline]
    fn read(columns: &[&[f64]; A], i: usize) -> Self {
        std::array::from_fn(|a| columns[a][i])
    }

    #[inline]
    fn shift(&mut self, column: usize, origin: f64) {
        self[column] -= origin;
    }

    fn value(&self, column: usize) -> f64 {
        self[column]
    }
}

/// A mergeable statistic with row influence values.
///
/// `S` is the number of arms whose moments are kept apart (1 for everything with a propensity or a weight, 2
/// for differences of plain arm means), `K` the number of terms, `C` the number of their co-moments.
pub(crate) trait Statistic: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// The numeric arguments of one row.
    type Row: Row;
    /// The moments the statistic is a function of: [`Arms`].
    type Sums: Sums;

    /// The interval when the caller names none.
    const INTERVAL: Interval = Interval::Normal;
    /// Whether "= 0" is a hypothesis worth a p-value: effects and lifts.
    const TESTED: bool = false;
    /// Whether the t interval has the Welch-Satterthwaite degrees of freedom, else n - 1.
    const WELCH: bool = false;

    /// How many of the first terms are zero in every row that has another term: those of the treated beside those of the
    /// controls, whose products need no summing.
    const APART: usize = 0;

    /// The arm a row belongs to, below the number of arms of [`Self::Sums`].
    #[inline]
    fn arm(&self, _row: &Self::Row) -> usize {
        0
    }

    /// The terms `u` of a row.
    fn terms(&self, row: &Self::Row) -> <Self::Sums as Sums>::Terms;

    /// How the outcome enters, for estimators that a shift of the outcome only shifts: their sums are kept
    /// about an origin near the data, since `w y` and `w` cancel when outcomes are far from zero.
    fn outcome(&self) -> Option<Outcome> {
        None
    }

    /// The outcome of a row as the sums take it up, for which an origin is sought.
    #[inline]
    fn origin(&self, row: &Self::Row) -> f64 {
        self.outcome().map_or(0.0, |outcome| row.value(outcome.argument))
    }

    /// `h` and its gradient at the means, `origin` having been subtracted from every outcome; `None` without
    /// support: an empty arm, weights that are all zero.
    fn solve(&self, sums: &Self::Sums, origin: f64) -> Option<Solution<<Self::Sums as Sums>::Gradient>>;

    /// The range of the scores whose mean the estimate is; `None` when it is no mean, or the range is not known.
    fn score_range(&self, _bounds: &Bounds) -> Option<[f64; 2]> {
        None
    }

    /// The largest weight that a row can have.
    fn largest_weight(&self, bounds: &Bounds) -> f64 {
        bounds.weight
    }

    /// Sums for intervals of weighted rewards, where the estimate is their mean.
    fn weighted_rewards(&self, _sums: &Self::Sums) -> Option<WeightedRewards> {
        None
    }

    /// Numbers to append to the inference.
    fn appended(
        &self,
        _sums: &Self::Sums,
        _errors: &impl Errors<<Self::Sums as Sums>::Gradient>,
    ) -> Appended {
        Appended::default()
    }

    /// Kish's effective sample size of the weights the estimate uses; `n` when there are none.
    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.count()
    }
}

/// Where the outcome stands among the arguments, and which terms carry it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Position of the outcome among the arguments.
    pub(crate) argument: usize,
    /// Pairs of terms `(w y, w)`.
    pub(crate) weighted: &'static [(usize, usize)],
}

/// A value that is linear around the means: the value and the derivative by each term's mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear<G> {
    pub(crate) value: f64,
    pub(crate) gradient: G,
}

/// What `h` is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Solution<G> {
    /// A smooth function of the means.
    Smooth(Linear<G>),
    /// `numerator / denominator + offset`, for which Fieller's set exists.
    Ratio { numerator: Linear<G>, denominator: Linear<G>, offset: f64 },
}

/// Moments by arm, seen without their dimensions.
pub(crate) trait Sums: Copy + Default + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    type Terms: Copy;
    type Gradient: Copy;
    /// Sums of the terms over the rows of a cluster.
    type Totals: Copy + Default + std::fmt::Debug + Send + Sync;
    /// Columns of terms for a block of rows.
    type Block: Default;

    /// Groups of rows whose moments are kept apart.
    #[cfg(test)]
    const ARMS: usize;
    /// Numbers that hold the moments, and the totals of a cluster.
    const FLOATS: usize;
    const TOTAL_FLOATS: usize;

    /// Rows in all arms.
    fn count(&self) -> f64;
    /// Whether term `k`, a weight, is positive in some row.
    fn has_weight(&self, k: usize) -> bool;
    /// Term `k` of a row.
    fn term(terms: &Self::Terms, k: usize) -> f64;
    fn push(&mut self, arm: usize, terms: &Self::Terms);
    fn merge(&mut self, other: &Self);
    fn shear(&mut self, target: usize, source: usize, factor: f64);
    fn write(&self, out: &mut impl FnMut(f64));
    fn read(next: &mut impl FnMut() -> f64) -> Self;

    /// Fills the first `rows` rows of a block, at most [`BLOCK`], with the arm and the terms of each.
    ///
    /// [`BLOCK`]: super::aggregate::BLOCK
    fn fill(block: &mut Self::Block, rows: usize, row: impl Fn(usize) -> (usize, Self::Terms));
    /// Adds row `i` of a block.
    fn push_placed(&mut self, block: &Self::Block, i: usize);
    /// Adds the first `rows` rows of a block, whose first `apart` terms are zero wherever another is not.
    fn push_block(&mut self, block: &Self::Block, rows: usize, apart: usize);

    fn add(totals: &mut Self::Totals, arm: usize, terms: &Self::Terms);
    fn join(totals: &mut Self::Totals, other: &Self::Totals);
    fn shear_totals(totals: &mut Self::Totals, target: usize, source: usize, factor: f64);
    fn write_totals(totals: &Self::Totals, out: &mut impl FnMut(f64));
    fn read_totals(next: &mut impl FnMut() -> f64) -> Self::Totals;
    /// Counts and means of these sums, without co-moments.
    fn of_totals(totals: &Self::Totals) -> Self;

    /// Covariance of two linearised values; `None` when an arm has fewer than two rows.
    fn covariance(&self, a: &Self::Gradient, b: &Self::Gradient) -> Option<f64>;
    /// Welch-Satterthwaite degrees of freedom of a linearised value.
    fn welch_df(&self, gradient: &Self::Gradient) -> Option<f64>;
    /// Sum of a cluster's influence values, divided by n.
    fn cluster_influence(&self, gradient: &Self::Gradient, totals: &Self::Totals) -> f64;
    /// The linear combination `f · a + g · b` of two gradients.
    fn combine(f: f64, a: &Self::Gradient, g: f64, b: &Self::Gradient) -> Self::Gradient;
}

/// Moments in a single group of rows, the usual case.
pub(crate) type OneArm<const K: usize, const C: usize> = Arms<1, K, C>;
/// Moments of control rows (arm 0) and treated rows (arm 1).
pub(crate) type TwoArms<const K: usize, const C: usize> = Arms<2, K, C>;
