//! Systems of normal equations and others that are symmetric and positive definite.

/// Solves `S theta = s` for a matrix of sums of squares and products by Cholesky's decomposition. A column that the ones
/// before it explain, or that does not vary, gets the coefficient zero.
pub(crate) fn solve_normal_equations<const K: usize>(products: [[f64; K]; K], cross: [f64; K]) -> [f64; K] {
    /// A column of which less than this share is left is explained by those before it.
    const LEFT: f64 = 1e-11;
    let mut lower = [[0.0; K]; K];
    let mut forward = [0.0; K];
    let mut is_kept = [false; K];
    for i in 0..K {
        for j in (0..i).filter(|&j| is_kept[j]) {
            let explained: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            lower[i][j] = (products[i][j] - explained) / lower[j][j];
        }
        let left = products[i][i] - lower[i][..i].iter().map(|x| x * x).sum::<f64>();
        is_kept[i] = left > LEFT * products[i][i];
        if is_kept[i] {
            lower[i][i] = left.sqrt();
            let known: f64 = (0..i).map(|k| lower[i][k] * forward[k]).sum();
            forward[i] = (cross[i] - known) / lower[i][i];
        } else {
            lower[i] = [0.0; K];
        }
    }
    let mut solution = [0.0; K];
    for i in (0..K).rev().filter(|&i| is_kept[i]) {
        let known: f64 = (i + 1..K).map(|k| lower[k][i] * solution[k]).sum();
        solution[i] = (forward[i] - known) / lower[i][i];
    }
    solution
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
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for i in 0..n {
        let (above, row) = matrix.split_at_mut(i * n);
        for j in starts[i]..i {
            let (start, other) = (starts[i].max(starts[j]), &above[j * n..j * n + n]);
            row[j] = (row[j] - product(&row[start..j], &other[start..j])) / other[j];
        }
        let left = row[i] - product(&row[starts[i]..i], &row[starts[i]..i]);
        if left <= 0.0 || left.is_nan() {
            return None;
        }
        row[i] = left.sqrt();
        right[i] = (right[i] - product(&row[starts[i]..i], &right[starts[i]..i])) / row[i];
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
