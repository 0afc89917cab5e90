//! Systems of normal equations and others that are symmetric and positive definite.

use super::dot::dot;

/// Solves `S theta = s` for a matrix of sums of squares and products by Cholesky's decomposition. A column that the ones
/// before it explain, or that does not vary, gets the coefficient zero.
pub(crate) fn solve_normal_equations<const K: usize>(products: [[f64; K]; K], cross: [f64; K]) -> [f64; K] {
    let lower = products.iter().enumerate().flat_map(|(i, row)| row[..=i].iter().copied()).collect();
    let mut solution = cross;
    NormalEquations::decompose(lower).solve(&mut solution);
    solution
}

/// A matrix of sums of squares and products, decomposed once for any number of right-hand sides.
#[derive(Clone, Debug)]
pub(crate) struct NormalEquations {
    /// Cholesky's factor by rows: the entry `(i, j)` with `j <= i` is at `i (i + 1) / 2 + j`. Rows left out are zero.
    lower: Vec<f64>,
    is_kept: Vec<bool>,
}

impl NormalEquations {
    /// A column of which less than this share is left is explained by those before it.
    const LEFT: f64 = 1e-11;

    /// Decomposes the matrix whose lower triangle is given by rows. Columns that the ones before them explain, that do
    /// not vary or whose sums are not finite are left out.
    pub(crate) fn decompose(mut lower: Vec<f64>) -> Self {
        let mut is_kept: Vec<bool> = vec![];
        let mut start = 0;
        while start < lower.len() {
            let i = is_kept.len();
            let (above, rest) = lower.split_at_mut(start);
            let row = &mut rest[..=i];
            let mut at = 0;
            for j in 0..i {
                let other = &above[at..=at + j];
                row[j] = if is_kept[j] { (row[j] - dot(&row[..j], &other[..j])) / other[j] } else { 0.0 };
                at += j + 1;
            }
            let left = row[i] - dot(&row[..i], &row[..i]);
            is_kept.push(left > Self::LEFT * row[i]);
            if is_kept[i] {
                row[i] = left.sqrt();
            } else {
                row.fill(0.0);
            }
            start += i + 1;
        }
        Self { lower, is_kept }
    }

    /// What the columns before column `i` leave of its sum of squares; `None` for one left out.
    pub(crate) fn left(&self, i: usize) -> Option<f64> {
        self.is_kept[i].then(|| self.lower[i * (i + 1) / 2 + i].powi(2))
    }

    /// Solves the system in place of the right-hand side; columns left out get zero.
    pub(crate) fn solve(&self, right: &mut [f64]) {
        let row = |i: usize| &self.lower[i * (i + 1) / 2..=i * (i + 1) / 2 + i];
        for i in 0..right.len() {
            let known = dot(&row(i)[..i], &right[..i]);
            right[i] = if self.is_kept[i] { (right[i] - known) / row(i)[i] } else { 0.0 };
        }
        for i in (0..right.len()).rev().filter(|&i| self.is_kept[i]) {
            right[i] /= row(i)[i];
            let solved = right[i];
            right[..i].iter_mut().zip(row(i)).for_each(|(right, x)| *right -= x * solved);
        }
    }
}

/// Solves a symmetric positive definite system given by the lower triangle of its rows, in place of the right-hand side;
/// `None` when it is not positive definite.
///
/// What stands before the first entry of a row that is not zero stays zero, so that rows with few entries are to come
/// first. Source: Cholesky; George and Liu (1981), "Computer Solution of Large Sparse Positive Definite Systems", for
/// the envelope.
pub(crate) fn solve_positive(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let n = right.len();
    let starts: Vec<usize> =
        (0..n).map(|i| matrix[i * n..i * n + i].iter().position(|&x| x != 0.0).unwrap_or(i)).collect();
    for i in 0..n {
        let (above, row) = matrix.split_at_mut(i * n);
        for j in starts[i]..i {
            let (start, other) = (starts[i].max(starts[j]), &above[j * n..j * n + n]);
            row[j] = (row[j] - dot(&row[start..j], &other[start..j])) / other[j];
        }
        let left = row[i] - dot(&row[starts[i]..i], &row[starts[i]..i]);
        if left <= 0.0 || left.is_nan() {
            return None;
        }
        row[i] = left.sqrt();
        right[i] = (right[i] - dot(&row[starts[i]..i], &right[starts[i]..i])) / row[i];
    }
    for i in (0..n).rev() {
        right[i] /= matrix[i * n + i];
        for k in starts[i]..i {
            right[k] -= matrix[i * n + k] * right[i];
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{solve_normal_equations, solve_positive};

    #[test]
    fn positive_systems_are_solved_and_others_refused() {
        // 4 a + 2 b = 10, 2 a + 3 b = 9.
        let (mut matrix, mut right) = ([4.0, 0.0, 2.0, 3.0], [10.0, 9.0]);
        assert!(solve_positive(&mut matrix, &mut right).is_some());
        assert!((right[0] - 1.5).abs() < 1e-12 && (right[1] - 2.0).abs() < 1e-12, "{right:?}");
        assert!(solve_positive(&mut [1.0, 0.0, 2.0, 1.0], &mut [1.0, 1.0]).is_none());
    }

    #[test]
    fn by_hand() {
        // 2 a + b = 4, a + 3 b = 7.
        let solution = solve_normal_equations([[2.0, 1.0], [1.0, 3.0]], [4.0, 7.0]);
        assert!((solution[0] - 1.0).abs() < 1e-12 && (solution[1] - 2.0).abs() < 1e-12, "{solution:?}");
    }

    #[test]
    fn columns_without_news_have_no_coefficient() {
        // The second column is twice the first, the third is constant, the fourth stands alone.
        let products = [[1.0, 2.0, 0.0, 0.0], [2.0, 4.0, 0.0, 0.0], [0.0; 4], [0.0, 0.0, 0.0, 2.0]];
        let solution = solve_normal_equations(products, [3.0, 6.0, 0.0, 4.0]);
        assert_eq!(solution[..3], [3.0, 0.0, 0.0]);
        assert!((solution[3] - 2.0).abs() < 1e-12, "{solution:?}");
    }
}
