//! The sum of products of two columns.

/// Independent partial sums: floating-point addition is not reordered by the compiler.
const LANES: usize = 8;

/// Returns the sum of products of two columns of one length, added up in an order that depends on the length alone.
#[inline]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, last_a) = a.as_chunks::<LANES>();
    let (b, last_b) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = last_a.iter().zip(last_b).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::dot;

    #[test]
    fn every_length_is_summed_whole() {
        for length in 0..40 {
            let column: Vec<f64> = (0..length).map(f64::from).collect();
            let length = f64::from(length);
            assert_eq!(dot(&column, &column), (length - 1.0) * length * (2.0 * length - 1.0) / 6.0);
        }
    }
}
