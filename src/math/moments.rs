//! Count, means and centred co-moments of several terms at once.
//!
//! Raw power sums cancel, so the co-moments are kept about the running mean: one row by Welford's update,
//! a block of rows or another state by the pairwise formula.
//! Source: Chan, Golub and LeVeque (1983), "Algorithms for Computing the Sample Variance".

/// Moments of `K` terms. `C` is the number of co-moments, `K (K + 1) / 2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments<const K: usize, const C: usize> {
    count: f64,
    mean: [f64; K],
    /// Lower triangle by rows: the pair `(i, j)` with `j <= i` is at `i (i + 1) / 2 + j`.
    comoments: [f64; C],
}

impl<const K: usize, const C: usize> Default for Moments<K, C> {
    fn default() -> Self {
        const { assert!(C == K * (K + 1) / 2) };
        Self { count: 0.0, mean: [0.0; K], comoments: [0.0; C] }
    }
}

impl<const K: usize, const C: usize> Moments<K, C> {
    /// Numbers that [`Self::write`] and [`Self::read`] exchange.
    pub(crate) const FLOATS: usize = 1 + K + C;

    /// Count and means, the co-moments being left at zero.
    pub(crate) fn of_means(count: f64, mean: [f64; K]) -> Self {
        Self { count, mean, ..Self::default() }
    }

    /// Rows seen.
    pub(crate) fn count(&self) -> f64 {
        self.count
    }

    /// Means of the terms, zero without rows.
    pub(crate) fn mean(&self) -> &[f64; K] {
        &self.mean
    }

    /// Sum over the rows of `(x_i - mean_i) (x_j - mean_j)`.
    pub(crate) fn comoment(&self, i: usize, j: usize) -> f64 {
        self.comoments[packed(i.max(j), i.min(j))]
    }

    /// Sum over the rows of the square of term `i`.
    pub(crate) fn sum_of_squares(&self, i: usize) -> f64 {
        self.comoment(i, i) + self.count * self.mean[i] * self.mean[i]
    }

    /// Adds one row.
    #[inline]
    pub(crate) fn push(&mut self, row: &[f64; K]) {
        self.count += 1.0;
        let scale = 1.0 / self.count;
        let mut before = [0.0; K];
        for i in 0..K {
            before[i] = row[i] - self.mean[i];
            self.mean[i] += before[i] * scale;
            for j in 0..=i {
                self.comoments[packed(i, j)] += before[i] * (row[j] - self.mean[j]);
            }
        }
    }

    /// Adds the rows of another state.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = *other;
            return;
        }
        let count = self.count + other.count;
        let share = other.count / count;
        let delta: [f64; K] = std::array::from_fn(|i| other.mean[i] - self.mean[i]);
        for i in 0..K {
            for j in 0..=i {
                self.comoments[packed(i, j)] +=
                    other.comoments[packed(i, j)] + delta[i] * delta[j] * self.count * share;
            }
            self.mean[i] += delta[i] * share;
        }
        self.count = count;
    }

    /// Adds a block of rows given by columns of one length, where every row has zeroes in the first `apart` terms or in
    /// all others.
    pub(crate) fn push_block(&mut self, columns: [&[f64]; K], apart: usize) {
        let rows = columns.first().map_or(0, |column| column.len());
        if rows == 0 {
            return;
        }
        let mean = columns.map(mean_of);
        let mut sums = [[0.0; LANES]; C];
        let mut centred = [[0.0; PANEL]; K];
        for from in (0..rows).step_by(PANEL) {
            let length = PANEL.min(rows - from);
            // Zeroes fill the last lanes up.
            let padded = length.next_multiple_of(LANES);
            for i in 0..K {
                for (centred, x) in centred[i].iter_mut().zip(&columns[i][from..from + length]) {
                    *centred = x - mean[i];
                }
                centred[i][length..padded].fill(0.0);
                for j in first_together(i, apart)..=i {
                    add_products(&mut sums[packed(i, j)], &centred[i][..padded], &centred[j][..padded]);
                }
            }
        }
        let count = rows as f64;
        let mut comoments = sums.map(|lanes| lanes.iter().sum());
        for i in 0..K {
            for j in 0..first_together(i, apart) {
                comoments[packed(i, j)] = -count * mean[i] * mean[j];
            }
        }
        let block = Self { count, mean, comoments };
        self.merge(&block);
    }

    /// Replaces term `target` by `target + factor · source`.
    pub(crate) fn shear(&mut self, target: usize, source: usize, factor: f64) {
        self.mean[target] += factor * self.mean[source];
        let square = self.comoment(target, target)
            + factor * (2.0 * self.comoment(target, source) + factor * self.comoment(source, source));
        for other in (0..K).filter(|&other| other != target) {
            let cross = self.comoment(source, other);
            self.comoments[packed(target.max(other), target.min(other))] += factor * cross;
        }
        self.comoments[packed(target, target)] = square;
    }

    /// Sum over the rows of `(a · (x - mean)) (b · (x - mean))`.
    ///
    /// A result that is only the rounding of terms that cancel is returned as zero, so that equal influences
    /// have variance zero and not its rounding error.
    pub(crate) fn bilinear(&self, a: &[f64; K], b: &[f64; K]) -> f64 {
        let (mut sum, mut magnitude) = (0.0_f64, 0.0);
        for i in 0..K {
            for j in 0..K {
                let product = a[i] * b[j] * self.comoment(i, j);
                sum += product;
                magnitude += product.abs();
            }
        }
        let rounding = magnitude * (4 * K) as f64 * f64::EPSILON;
        if sum.is_finite() && sum.abs() <= rounding { 0.0 } else { sum }
    }

    /// Passes the state on as numbers.
    pub(crate) fn write(&self, out: &mut impl FnMut(f64)) {
        out(self.count);
        self.mean.iter().chain(&self.comoments).for_each(|&x| out(x));
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(next: &mut impl FnMut() -> f64) -> Self {
        Self {
            count: next(),
            mean: std::array::from_fn(|_| next()),
            comoments: std::array::from_fn(|_| next()),
        }
    }
}

const fn packed(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// The first of the terms that are not zero wherever term `i` is not.
const fn first_together(i: usize, apart: usize) -> usize {
    if i < apart { 0 } else { apart }
}

/// Independent partial sums: floating-point addition is not reordered by the compiler.
const LANES: usize = 8;

/// Rows that are centred at once, once for all products: a multiple of the lanes, small enough for the nearest cache.
const PANEL: usize = 128;

/// Returns the mean, exact when all values are equal; zero without values.
fn mean_of(values: &[f64]) -> f64 {
    let Some(&origin) = values.first() else {
        return 0.0;
    };
    let mut lanes = [0.0; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] += chunk[lane] - origin;
        }
    }
    let sum = lanes.iter().sum::<f64>() + rest.iter().map(|x| x - origin).sum::<f64>();
    origin + sum / values.len() as f64
}

/// Adds the products of two columns, whose length is a multiple of the lanes.
fn add_products(lanes: &mut [f64; LANES], a: &[f64], b: &[f64]) {
    let mut sums = *lanes;
    for (x, y) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    *lanes = sums;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[f64; 2]> {
        (0..100).map(|i| [1e6 + f64::from(i * i % 37), f64::from(i % 11) / 7.0]).collect()
    }

    fn pushed(rows: &[[f64; 2]]) -> Moments<2, 3> {
        let mut moments = Moments::default();
        rows.iter().for_each(|row| moments.push(row));
        moments
    }

    fn assert_close(a: &Moments<2, 3>, b: &Moments<2, 3>) {
        let flat = |m: &Moments<2, 3>| {
            let mut out = vec![];
            m.write(&mut |x| out.push(x));
            out
        };
        for (x, y) in flat(a).into_iter().zip(flat(b)) {
            assert!((x - y).abs() <= 1e-9 * x.abs().max(1.0), "{a:?} {b:?}");
        }
    }

    #[test]
    fn blocks_merges_and_rows_agree() {
        let rows = rows();
        let whole = pushed(&rows);
        let mut merged = pushed(&rows[..17]);
        merged.merge(&pushed(&rows[17..]));
        assert_close(&whole, &merged);

        let columns: [Vec<f64>; 2] = [0, 1].map(|k| rows.iter().map(|row| row[k]).collect());
        let mut blocks = Moments::default();
        blocks.push_block([&columns[0][..33], &columns[1][..33]], 0);
        blocks.push_block([&columns[0][33..], &columns[1][33..]], 0);
        assert_close(&whole, &blocks);
    }

    #[test]
    fn terms_apart_need_no_products() {
        let mut columns = [const { [0.0; 300] }; 4];
        for i in 0..300 {
            let half = i % 3 % 2 * 2;
            columns[half][i] = 1.0 + (i % 7) as f64;
            columns[half + 1][i] = 0.3 * (i % 11) as f64 - 1.0;
        }
        let [mut together, mut apart] = [Moments::<4, 10>::default(); 2];
        for from in [0, 150] {
            let block = columns.each_ref().map(|column| &column[from..from + 150]);
            together.push_block(block, 0);
            apart.push_block(block, 2);
        }
        for i in 0..4 {
            for j in 0..=i {
                let (a, b) = (together.comoment(i, j), apart.comoment(i, j));
                assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{i} {j}: {a} {b}");
            }
        }
    }

    #[test]
    fn shear_equals_sheared_rows() {
        let rows = rows();
        let mut moments = pushed(&rows);
        moments.shear(1, 0, 0.5);
        let sheared: Vec<_> = rows.iter().map(|[x, y]| [*x, y + 0.5 * x]).collect();
        assert_close(&moments, &pushed(&sheared));
    }

    #[test]
    fn equal_values_have_no_variance() {
        let column = [0.1; 1000];
        let mut moments = Moments::<1, 1>::default();
        moments.push_block([&column], 0);
        moments.push_block([&column[..7]], 0);
        assert_eq!(moments.mean(), &[0.1]);
        assert_eq!(moments.comoment(0, 0), 0.0);
    }
}
