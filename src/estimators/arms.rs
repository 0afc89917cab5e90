//! Moments kept by arm, and what follows from them for any linearised value.

use super::aggregate::BLOCK;
use super::statistic::Sums;
use crate::math::Moments;

/// Moments of `K` terms in each of `S` arms.
///
/// With one arm the variance of a linearised value is that of all rows, divided by n - 1; with two it is the sum
/// of the arms' variances, each divided by its own n - 1 (Welch).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arms<const S: usize, const K: usize, const C: usize>([Moments<K, C>; S]);

impl<const S: usize, const K: usize, const C: usize> Default for Arms<S, K, C> {
    fn default() -> Self {
        Self([Moments::default(); S])
    }
}

impl<const S: usize, const K: usize, const C: usize> Arms<S, K, C> {
    /// The moments of one arm.
    pub(crate) fn arm(&self, arm: usize) -> &Moments<K, C> {
        &self.0[arm]
    }
}

impl<const K: usize, const C: usize> Arms<1, K, C> {
    /// The means of the terms, `None` without rows.
    pub(crate) fn means(&self) -> Option<[f64; K]> {
        let moments = self.arm(0);
        (moments.count() > 0.0).then(|| *moments.mean())
    }

    /// Kish's effective sample size of a term that is a weight: `(sum w)^2 / sum w^2`, zero when all are zero.
    pub(crate) fn kish(&self, weight: usize) -> f64 {
        let moments = self.arm(0);
        let sum = moments.count() * moments.mean()[weight];
        if sum == 0.0 { 0.0 } else { sum * sum / moments.sum_of_squares(weight) }
    }
}

impl<const K: usize, const C: usize> Arms<2, K, C> {
    /// The means of each arm, `None` when one is empty.
    pub(crate) fn arm_means(&self) -> Option<[[f64; K]; 2]> {
        self.0.iter().all(|arm| arm.count() > 0.0).then(|| self.0.map(|arm| *arm.mean()))
    }

    /// The treated arm's means less those of the controls.
    pub(crate) fn effects(&self) -> Option<[f64; K]> {
        let [control, treated] = self.arm_means()?;
        Some(std::array::from_fn(|k| treated[k] - control[k]))
    }
}

/// Rows and sums of the terms of one cluster, by arm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals<const S: usize, const K: usize> {
    count: [f64; S],
    sum: [[f64; K]; S],
}

impl<const S: usize, const K: usize> Default for Totals<S, K> {
    fn default() -> Self {
        Self { count: [0.0; S], sum: [[0.0; K]; S] }
    }
}

/// A block of rows as columns of terms, with the arm of each row.
pub(crate) struct TermBlock<const K: usize> {
    arm: [u8; BLOCK],
    terms: [[f64; BLOCK]; K],
}

impl<const K: usize> Default for TermBlock<K> {
    fn default() -> Self {
        Self { arm: [0; BLOCK], terms: [[0.0; BLOCK]; K] }
    }
}

impl<const S: usize, const K: usize, const C: usize> Sums for Arms<S, K, C> {
    type Terms = [f64; K];
    type Gradient = [[f64; K]; S];
    type Totals = Totals<S, K>;
    type Block = TermBlock<K>;

    #[cfg(test)]
    const ARMS: usize = S;
    const FLOATS: usize = S * Moments::<K, C>::FLOATS;
    const TOTAL_FLOATS: usize = S * (1 + K);

    fn count(&self) -> f64 {
        self.0.iter().map(Moments::count).sum()
    }

    #[inline]
    fn has_weight(&self, k: usize) -> bool {
        self.0.iter().any(|moments| moments.mean()[k] > 0.0)
    }

    #[inline]
    fn term(terms: &[f64; K], k: usize) -> f64 {
        terms[k]
    }

    #[inline]
    fn push(&mut self, arm: usize, terms: &[f64; K]) {
        self.0[arm].push(terms);
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.merge(theirs);
        }
    }

    fn shear(&mut self, target: usize, source: usize, factor: f64) {
        for moments in &mut self.0 {
            moments.shear(target, source, factor);
        }
    }

    fn write(&self, out: &mut impl FnMut(f64)) {
        self.0.iter().for_each(|moments| moments.write(out));
    }

    fn read(next: &mut impl FnMut() -> f64) -> Self {
        Self(std::array::from_fn(|_| Moments::read(next)))
    }

    #[inline]
    fn fill(block: &mut TermBlock<K>, rows: usize, row: impl Fn(usize) -> (usize, [f64; K])) {
        // Said once, it spares a check for every number.
        assert!(rows <= BLOCK);
        for i in 0..rows {
            let (arm, terms) = row(i);
            if S > 1 {
                block.arm[i] = arm as u8;
            }
            for k in 0..K {
                block.terms[k][i] = terms[k];
            }
        }
    }

    #[inline]
    fn push_placed(&mut self, block: &TermBlock<K>, i: usize) {
        let arm = if S > 1 { usize::from(block.arm[i]) } else { 0 };
        self.push(arm, &std::array::from_fn(|k| block.terms[k][i]));
    }

    fn push_block(&mut self, block: &TermBlock<K>, rows: usize, apart: usize) {
        if S == 1 {
            self.0[0].push_block(std::array::from_fn(|k| &block.terms[k][..rows]), apart);
            return;
        }
        for (arm, moments) in self.0.iter_mut().enumerate() {
            let mut packed = [[0.0; BLOCK]; K];
            let mut length = 0;
            for i in 0..rows {
                for k in 0..K {
                    packed[k][length] = block.terms[k][i];
                }
                // Written always, kept only when the row is of this arm: no branch to mispredict.
                length += usize::from(usize::from(block.arm[i]) == arm);
            }
            moments.push_block(std::array::from_fn(|k| &packed[k][..length]), apart);
        }
    }

    fn add(totals: &mut Totals<S, K>, arm: usize, terms: &[f64; K]) {
        totals.count[arm] += 1.0;
        for k in 0..K {
            totals.sum[arm][k] += terms[k];
        }
    }

    fn join(totals: &mut Totals<S, K>, other: &Totals<S, K>) {
        for arm in 0..S {
            totals.count[arm] += other.count[arm];
            for k in 0..K {
                totals.sum[arm][k] += other.sum[arm][k];
            }
        }
    }

    fn shear_totals(totals: &mut Totals<S, K>, target: usize, source: usize, factor: f64) {
        for sum in &mut totals.sum {
            sum[target] += factor * sum[source];
        }
    }

    fn write_totals(totals: &Totals<S, K>, out: &mut impl FnMut(f64)) {
        totals.count.iter().for_each(|&x| out(x));
        totals.sum.iter().flatten().for_each(|&x| out(x));
    }

    fn read_totals(next: &mut impl FnMut() -> f64) -> Totals<S, K> {
        Totals {
            count: std::array::from_fn(|_| next()),
            sum: std::array::from_fn(|_| std::array::from_fn(|_| next())),
        }
    }

    fn of_totals(totals: &Totals<S, K>) -> Self {
        Self(std::array::from_fn(|arm| {
            let count = totals.count[arm];
            // An empty arm has no means: those of the default are zero.
            let scale = if count > 0.0 { 1.0 / count } else { 0.0 };
            Moments::of_means(count, totals.sum[arm].map(|sum| sum * scale))
        }))
    }

    /// `sum over arms of g' S g / n_a`, `S` being the arm's n - 1 covariance.
    fn covariance(&self, a: &[[f64; K]; S], b: &[[f64; K]; S]) -> Option<f64> {
        let mut sum = 0.0;
        for (arm, moments) in self.0.iter().enumerate() {
            sum += variance_of_mean(moments, &a[arm], &b[arm])?;
        }
        Some(sum)
    }

    /// `(sum v_a)^2 / sum v_a^2 / (n_a - 1)`. Sources: Welch (1947), Satterthwaite (1946).
    fn welch_df(&self, gradient: &[[f64; K]; S]) -> Option<f64> {
        let (mut sum, mut weighted) = (0.0, 0.0);
        for (moments, gradient) in self.0.iter().zip(gradient) {
            let variance = variance_of_mean(moments, gradient, gradient)?;
            sum += variance;
            weighted += variance * variance / (moments.count() - 1.0);
        }
        (sum > 0.0).then(|| sum * sum / weighted)
    }

    fn cluster_influence(&self, gradient: &[[f64; K]; S], totals: &Totals<S, K>) -> f64 {
        let (mut sum, mut rounding) = (0.0_f64, 0.0);
        for (arm, moments) in self.0.iter().enumerate() {
            let rows = totals.count[arm];
            if rows > 0.0 {
                for k in 0..K {
                    let (total, expected) = (totals.sum[arm][k], rows * moments.mean()[k]);
                    let factor = gradient[arm][k] / moments.count();
                    sum += factor * (total - expected);
                    rounding += factor.abs() * (total.abs() + expected.abs()) * rows.sqrt();
                }
            }
        }
        // A cluster whose influences cancel has the influence zero, not the rounding of its sums.
        if sum.abs() <= rounding * (4 * K) as f64 * f64::EPSILON { 0.0 } else { sum }
    }

    fn combine(f: f64, a: &[[f64; K]; S], g: f64, b: &[[f64; K]; S]) -> [[f64; K]; S] {
        std::array::from_fn(|arm| std::array::from_fn(|k| f * a[arm][k] + g * b[arm][k]))
    }
}

fn variance_of_mean<const K: usize, const C: usize>(
    moments: &Moments<K, C>,
    a: &[f64; K],
    b: &[f64; K],
) -> Option<f64> {
    let n = moments.count();
    (n >= 2.0).then(|| moments.bilinear(a, b) / (n - 1.0) / n)
}
