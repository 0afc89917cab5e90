//! Errors of estimates from the influences of their rows.

use hashbrown::{HashMap, HashSet};

use super::rows::Dependence;

/// Products of the influences on `K` estimates: of rows, or of the sums of clusters.
pub(super) struct Influences<const K: usize> {
    products: [[f64; K]; K],
    clusters: HashMap<u128, [f64; K]>,
}

impl<const K: usize> Default for Influences<K> {
    fn default() -> Self {
        Self { products: [[0.0; K]; K], clusters: HashMap::new() }
    }
}

impl<const K: usize> Influences<K> {
    #[inline]
    pub(super) fn add(&mut self, influences: [f64; K], dependence: impl Dependence) {
        match dependence.key() {
            None => add_products(&mut self.products, &influences),
            Some(key) => {
                let sums = self.clusters.entry(key).or_insert([0.0; K]);
                sums.iter_mut().zip(influences).for_each(|(sum, influence)| *sum += influence);
            }
        }
    }

    /// The covariance of estimates of `n` rows: with n - 1, or CR1 with clusters and their degrees of freedom.
    pub(super) fn covariance<D: Dependence>(&self, n: usize) -> Option<([[f64; K]; K], Option<f64>)> {
        self.covariance_of::<D>(n, self.clusters.len())
    }

    /// The same where some of the `n` rows, and of their `clusters`, have no influence and were not added.
    pub(super) fn covariance_of<D: Dependence>(
        &self,
        n: usize,
        clusters: usize,
    ) -> Option<([[f64; K]; K], Option<f64>)> {
        let n = n as f64;
        let scaled = |products: [[f64; K]; K], scale: f64| products.map(|row| row.map(|x| x * scale));
        if D::BYTES == 0 {
            return (n >= 2.0).then(|| (scaled(self.products, 1.0 / (n * (n - 1.0))), None));
        }
        let groups = clusters as f64;
        let mut products = [[0.0; K]; K];
        self.clusters.values().for_each(|sums| add_products(&mut products, sums));
        (groups >= 2.0).then(|| (scaled(products, groups / (groups - 1.0) / (n * n)), Some(groups - 1.0)))
    }
}

/// A sum that is as good as zero beside its parts, whose magnitudes add up to `magnitude`, is zero: what is left is rounding.
#[inline]
pub(super) fn unless_cancelled(sum: f64, magnitude: f64) -> f64 {
    if sum.abs() <= 1e-13 * magnitude { 0.0 } else { sum }
}

#[inline]
fn add_products<const K: usize>(products: &mut [[f64; K]; K], influences: &[f64; K]) {
    for (row, a) in products.iter_mut().zip(influences) {
        for (product, b) in row.iter_mut().zip(influences) {
            *product += a * b;
        }
    }
}

/// How many clusters rows are of.
pub(super) fn count_clusters<D: Dependence>(dependences: impl Iterator<Item = D>) -> usize {
    dependences.filter_map(D::key).collect::<HashSet<_>>().len()
}

/// The variance of an estimate with these influences.
pub(super) fn variance_of<D: Dependence>(
    influences: impl Iterator<Item = (f64, D)>,
    n: usize,
) -> Option<(f64, Option<f64>)> {
    let mut sums = Influences::<1>::default();
    influences.for_each(|(influence, dependence)| sums.add([influence], dependence));
    let ([[variance]], df) = sums.covariance::<D>(n)?;
    Some((variance, df))
}
