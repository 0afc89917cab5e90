//! Sums of products whose value does not depend on the order of what was added.
//!
//! A sum is three numbers of falling size, 159 bits. Each product is made exact, as a number and what rounding took of it,
//! and what an addition rounds away goes to the next of the three, so that the whole is as if summed with 159 bits:
//! the sums of ten million terms in two orders differ by less than 2^-130 of their size. [`WideSums::rounded`] rounds
//! them to 98 bits of that size, after which they are equal but where the exact sum lies within that difference of a
//! rounding boundary: a chance below 2^-32 for each sum. The 98 bits leave enough where means are subtracted: of a column with
//! mean 1e8 and deviation 1 the centred square keeps 45 bits.
//! Source: Ogita, Rump and Oishi (2005), "Accurate Sum and Dot Product" (`DotK`, K = 3); Dekker (1971) for products.

use super::double::Double;

/// Sums beside each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WideSums {
    high: Vec<f64>,
    middle: Vec<f64>,
    low: Vec<f64>,
}

/// One sum: numbers of falling size.
pub(crate) type WideSum = [f64; 3];

/// Numbers with their halves, of which products are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halved {
    pub(crate) numbers: Vec<f64>,
    heads: Vec<f64>,
    tails: Vec<f64>,
}

/// What numbers are multiplied with: a product of two numbers, the rounding error beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    number: f64,
    head: f64,
    tail: f64,
    low: f64,
}

/// A number as the sum of two of 26 bits each, products of which are exact.
#[inline]
pub(super) fn halves(x: f64) -> (f64, f64) {
    let scaled = x * 134_217_729.0;
    let head = scaled - (scaled - x);
    (head, x - head)
}

/// A sum and what rounding took of it.
#[inline]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// Adds a number to a sum.
#[inline]
pub(crate) fn add([high, middle, low]: &mut WideSum, x: f64) {
    let (sum, rest) = two_sum(*high, x);
    *high = sum;
    let (sum, rest) = two_sum(*middle, rest);
    *middle = sum;
    *low += rest;
}

/// Lets each number of a sum hold what the one before it cannot.
#[inline]
fn settled([high, middle, low]: WideSum) -> WideSum {
    let (high, rest) = two_sum(high, middle);
    let (middle, low) = two_sum(rest, low);
    let (high, middle) = two_sum(high, middle);
    [high, middle, low]
}

/// The sum in 98 bits below a number that it does not exceed.
pub(crate) fn rounded(sum: WideSum, scale: f64) -> Double {
    let [high, middle, low] = settled(sum);
    // The last digit of numbers of the size of `grid` is 2^-98 of the scale.
    let exponent = ((scale.to_bits() >> 52) & 0x7ff) as i32 - 1022;
    let grid = 1.5 * 2.0_f64.powi(exponent - 46);
    let digits = (middle + low) + grid - grid;
    Double::sum(high, digits)
}

impl Halved {
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.heads.clear();
        self.tails.clear();
    }

    pub(crate) fn push(&mut self, x: f64) {
        let (head, tail) = halves(x);
        self.numbers.push(x);
        self.heads.push(head);
        self.tails.push(tail);
    }
}

impl Factor {
    #[inline]
    pub(crate) fn new(weight: f64, x: f64) -> Self {
        let Double { high, low } = Double::product(weight, x);
        let (head, tail) = halves(high);
        Self { number: high, head, tail, low }
    }
}

impl WideSums {
    pub(crate) fn len(&self) -> usize {
        self.high.len()
    }

    /// Appends sums of nothing up to a number of sums.
    pub(crate) fn grow(&mut self, len: usize) {
        for part in [&mut self.high, &mut self.middle, &mut self.low] {
            if part.len() < len {
                part.resize(len, 0.0);
            }
        }
    }

    /// Adds the products of a factor with the first numbers, so many, to the sums from `at` on.
    pub(crate) fn add_products(&mut self, at: usize, factor: Factor, halved: &Halved, count: usize) {
        let Factor { number, head, tail, low } = factor;
        let (high, middle) = (&mut self.high[at..][..count], &mut self.middle[at..][..count]);
        let lowest = &mut self.low[at..][..count];
        let (x, heads, tails) = (&halved.numbers[..count], &halved.heads[..count], &halved.tails[..count]);
        for i in 0..count {
            let product = number * x[i];
            let error = ((head * heads[i] - product) + head * tails[i] + tail * heads[i]) + tail * tails[i];
            let (sum, rest) = two_sum(high[i], product);
            high[i] = sum;
            let (sum, rest) = two_sum(middle[i], rest);
            let (sum, second) = two_sum(sum, error + low * x[i]);
            middle[i] = sum;
            lowest[i] += rest + second;
        }
    }

    /// Lets each number of a sum hold what the one before it cannot; to be called every thousand or so additions.
    pub(crate) fn settle(&mut self) {
        for i in 0..self.len() {
            self.set(i, settled(self.get(i)));
        }
    }

    pub(crate) fn get(&self, i: usize) -> WideSum {
        [self.high[i], self.middle[i], self.low[i]]
    }

    pub(crate) fn set(&mut self, i: usize, [high, middle, low]: WideSum) {
        (self.high[i], self.middle[i], self.low[i]) = (high, middle, low);
    }

    /// Adds a sum to another one.
    pub(crate) fn merge(&mut self, i: usize, other: WideSum) {
        self.set(i, merged(self.get(i), other));
    }

    /// Bytes that are held.
    pub(crate) fn size(&self) -> usize {
        3 * self.high.capacity() * size_of::<f64>()
    }
}

/// The sum of two sums.
pub(crate) fn merged(mut sum: WideSum, other: WideSum) -> WideSum {
    add(&mut sum, other[0]);
    let (middle, rest) = two_sum(sum[1], other[1]);
    settled([sum[0], middle, sum[2] + rest + other[2]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::mixed;

    /// Numbers of many sizes, about `mean`.
    fn numbers(salt: u64, mean: f64) -> Vec<f64> {
        let uniform = |i: u64| mixed(mixed(salt) ^ i) as f64 / 2.0_f64.powi(64) - 0.5;
        (0..20_000).map(|i| mean + uniform(i) * 10.0_f64.powi((i % 7) as i32 - 3)).collect()
    }

    fn sum(order: &[usize], parts: usize, x: &[f64], y: &[f64], weight: &[f64]) -> WideSum {
        let mut total = WideSum::default();
        for part in order.chunks(order.len().div_ceil(parts)) {
            let mut sums = WideSums::default();
            sums.grow(1);
            for (at, &i) in part.iter().enumerate() {
                let mut halved = Halved::default();
                halved.push(y[i]);
                sums.add_products(0, Factor::new(weight[i], x[i]), &halved, 1);
                if at % 1000 == 0 {
                    sums.settle();
                }
            }
            total = merged(total, sums.get(0));
        }
        total
    }

    #[test]
    fn neither_order_nor_parts_change_a_digit() {
        for mean in [0.0, 1e8, -3e5] {
            let (x, y, weight) = (numbers(1, mean), numbers(2, mean), numbers(3, 10.0));
            let mut order: Vec<usize> = (0..x.len()).collect();
            let of = |order: &[usize], parts| {
                let diagonal = |x: &[f64]| sum(order, 1, x, x, &weight)[0];
                rounded(sum(order, parts, &x, &y, &weight), diagonal(&x).sqrt() * diagonal(&y).sqrt())
            };
            let first = of(&order, 1);
            for parts in [2, 7, 100] {
                order.sort_by_key(|&i| mixed(i as u64 ^ parts as u64));
                assert_eq!(of(&order, parts), first);
            }
        }
    }

    #[test]
    fn sums_are_exact_where_they_can_be() {
        // 1e8 + i / 8: the centred sum of squares is (n^3 - n) / 12 / 64.
        let n = 9000_usize;
        let x: Vec<f64> = (0..n).map(|i| 1e8 + i as f64 / 8.0).collect();
        let (order, ones): (Vec<usize>, _) = ((0..n).collect(), vec![1.0; n]);
        let squares = rounded(sum(&order, 3, &x, &x, &ones), 1e16 * n as f64);
        let first = rounded(sum(&order, 3, &x, &ones, &ones), 1e8 * n as f64);
        let centred = squares - first * first / Double::from(n as f64);
        let n = n as f64;
        assert!((centred.value() / ((n * n * n - n) / 768.0) - 1.0).abs() < 1e-14, "{centred:?}");
    }

    #[test]
    fn sums_that_vanish_are_zero() {
        let x = numbers(5, 0.0);
        let mut sum = WideSum::default();
        x.iter().for_each(|&x| add(&mut sum, x * 1e-3));
        x.iter().rev().for_each(|&x| add(&mut sum, -(x * 1e-3)));
        assert_eq!(rounded(sum, 1e6), Double::ZERO);
        assert_eq!(rounded(WideSum::default(), 0.0), Double::ZERO);
    }
}
