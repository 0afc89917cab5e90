//! Sums of products about the means of weighted rows: what a ridge regression is solved from.

use super::totals::{Totals, Vector};
use crate::math::Double;

/// Centred sums of the columns of a design, and of outcomes with them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Centred {
    /// Sum of the weights.
    pub(super) weight: f64,
    /// Means of the columns.
    pub(super) means: Vec<Double>,
    /// Sums of `weight · (x_i - mean_i) (x_j - mean_j)`: the pair `(i, j)` with `j <= i` is at `i (i + 1) / 2 + j`.
    pub(super) products: Vec<f64>,
    /// The mean of each outcome and its sums of centred products with the columns.
    pub(super) outcomes: Vec<(Double, Vec<f64>)>,
}

/// What a column of a design is in the rows that were summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Number(usize),
    Flag(usize),
}

/// A column whose centred squares are less than this share of its squares, its deviation being less than 1e-14 of its mean,
/// does not vary: this is what rounding leaves of a constant.
const CONSTANT: f64 = 1.0 / (1_u128 << 92) as f64;

impl Centred {
    pub(super) fn is_finite(&self) -> bool {
        let is_finite = |(mean, products): &(Double, Vec<f64>)| {
            mean.is_finite() && products.iter().all(|x| x.is_finite())
        };
        self.weight.is_finite()
            && self.means.iter().all(|mean| mean.is_finite())
            && self.products.iter().all(|x| x.is_finite())
            && self.outcomes.iter().all(is_finite)
    }

    /// Centres the columns of a design. An outcome is given by its sums of products with what the rows have; the first of
    /// them, that with 1, is its own sum.
    pub(crate) fn new(totals: &Totals, columns: &[Source], outcomes: &[Vector]) -> Self {
        let weight = totals.weight();
        let sum = |source: &Source| match *source {
            Source::Number(i) => totals.of_numbers(i, 0),
            Source::Flag(flag) => totals.of_flag(flag, 0),
        };
        let sums: Vec<Double> = columns.iter().map(sum).collect();
        let means: Vec<Double> = sums.iter().map(|sum| *sum / weight).collect();
        let mut varies = vec![];
        let mut products = Vec::with_capacity(columns.len() * (columns.len() + 1) / 2);
        for (i, source) in columns.iter().enumerate() {
            for (j, other) in columns[..i].iter().enumerate() {
                let raw = match (*source, *other) {
                    (Source::Number(a), Source::Number(b)) => totals.of_numbers(a, b),
                    (Source::Flag(flag), Source::Number(a)) | (Source::Number(a), Source::Flag(flag)) => {
                        totals.of_flag(flag, a)
                    }
                    // Those that are 1 in the same rows come below.
                    (Source::Flag(_), Source::Flag(_)) => Double::ZERO,
                };
                products.push((raw - sums[i] * means[j]).value());
            }
            let square = match *source {
                Source::Number(a) => totals.of_numbers(a, a),
                Source::Flag(flag) => totals.of_flag(flag, 0),
            };
            let centred = (square - sums[i] * means[i]).value();
            // Sums that are too large are no constants.
            varies.push(centred.is_nan() || centred > CONSTANT * square.value());
            products.push(centred);
        }
        let mut places = vec![None; totals.flag_count()];
        for (i, source) in columns.iter().enumerate() {
            if let Source::Flag(flag) = *source {
                places[flag] = Some(i);
            }
        }
        for &((a, b), raw) in totals.pairs() {
            if let (Some(a), Some(b)) = (places[a as usize], places[b as usize]) {
                let (i, j) = (a.max(b), a.min(b));
                products[i * (i + 1) / 2 + j] = (raw - sums[i] * means[j]).value();
            }
        }
        for i in 0..columns.len() {
            for j in 0..=i {
                if !(varies[i] && varies[j]) {
                    products[i * (i + 1) / 2 + j] = 0.0;
                }
            }
        }
        let of_outcome = |outcome: &Vector| {
            let with = |source: &Source| match *source {
                Source::Number(i) => outcome.numbers[i],
                Source::Flag(flag) => outcome.flags[flag],
            };
            let own = outcome.numbers[0];
            let centred =
                columns.iter().zip(&means).map(|(source, mean)| (with(source) - own * *mean).value());
            (own / weight, centred.collect())
        };
        let outcomes = outcomes.iter().map(of_outcome).collect();
        Self { weight: weight.value(), means, products, outcomes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::linear::products::{Products, Row};

    fn row(numbers: &[f64], flags: &[u32]) -> Row {
        let mut row = Row { flags: flags.to_vec(), ..Row::default() };
        row.numbers.push(1.0);
        numbers.iter().for_each(|&x| row.numbers.push(x));
        row
    }

    fn centred(rows: &[(f64, Row)], flags: u32, columns: &[Source], outcome: usize) -> Centred {
        let mut products = Products::default();
        rows.iter().for_each(|(weight, row)| products.add(*weight, row));
        let places: Vec<Option<u32>> = (0..flags).map(Some).collect();
        let count = rows[0].1.numbers.numbers.len();
        let totals = Totals::new(&products, count, &places, flags as usize);
        Centred::new(&totals, columns, &[totals.column(outcome)])
    }

    #[test]
    fn by_hand() {
        // x = 1, 2, 5 with weights 1, 2, 1; a flag in the first row, another one in the last two; y = 2, 0, 4. Weight zero is
        // no row.
        let rows = [
            (1.0, row(&[1.0, 2.0], &[0])),
            (2.0, row(&[2.0, 0.0], &[1])),
            (1.0, row(&[5.0, 4.0], &[2, 1])),
            (0.0, row(&[9.0, 9.0], &[0])),
        ];
        let columns = [Source::Flag(1), Source::Number(1), Source::Flag(2)];
        let got = centred(&rows, 3, &columns, 2);
        let means: Vec<f64> = got.means.iter().map(|mean| mean.value()).collect();
        // Sums 3, 10, 1 over weight 4; products of the columns 3; 9, 34; 1, 5, 1 less the products of sums over 4.
        assert_eq!((got.weight, means), (4.0, vec![0.75, 2.5, 0.25]));
        assert_eq!(got.products, [0.75, 1.5, 9.0, 0.25, 2.5, 0.75]);
        let (mean, products) = &got.outcomes[0];
        assert_eq!((mean.value(), &products[..]), (1.5, &[-0.5, 7.0, 2.5][..]));
    }

    #[test]
    fn large_means_cost_no_digits() {
        let n = 5000;
        let (x, y) = (|i: i32| f64::from(i * i % 37), |i: i32| f64::from(i * 7 % 13));
        let moved = |by: f64| -> Vec<(f64, Row)> {
            let of = |i: i32| (f64::from(i % 3 + 1) / 7.0, row(&[by + x(i), 0.1, y(i) - by], &[]));
            (0..n).map(of).collect()
        };
        let columns = [Source::Number(1), Source::Number(2)];
        let [near, far] = [0.0, 1e8].map(|by| centred(&moved(by), 0, &columns, 3));
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
        close(far.products[0], near.products[0]);
        close(far.outcomes[0].1[0], near.outcomes[0].1[0]);
        close((far.means[0] - 1e8.into()).value(), near.means[0].value());
        // A constant does not vary, whatever its digits.
        assert_eq!((far.products[1], far.products[2], far.means[1].value()), (0.0, 0.0, 0.1));
    }
}
