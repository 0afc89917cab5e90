//! Sums of products as they are read when all rows have come: rounded to digits that no order changes, in terms of the
//! columns of a design.

use hashbrown::HashMap;

use super::products::Products;
use crate::math::{Double, rounded};

/// Sums of `weight · x_i x_j` of the numbers of rows and of the flags that a design has, those in the order of its columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) rows: u64,
    /// Numbers of a row, of which the first is 1.
    count: usize,
    numbers: Vec<Double>,
    flags: Vec<Double>,
    pairs: Vec<((u32, u32), Double)>,
}

/// A number for each number and flag of rows: coefficients, or sums of products with something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vector {
    pub(crate) numbers: Vec<Double>,
    pub(crate) flags: Vec<Double>,
}

/// What stands for a number where a flag is 1 and the number itself is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) number: usize,
    pub(crate) flag: usize,
    pub(crate) value: f64,
}

impl Totals {
    /// Rounds sums of rows with `count` numbers. `places` says where each flag stands, `None` for those left out; `flags`
    /// how many stand anywhere.
    pub(crate) fn new(products: &Products, count: usize, places: &[Option<u32>], flags: usize) -> Self {
        let mut totals = Self {
            rows: products.rows,
            count,
            numbers: vec![Double::ZERO; count * (count + 1) / 2],
            flags: vec![Double::ZERO; flags * count],
            pairs: vec![],
        };
        if products.rows == 0 {
            return totals;
        }
        // A sum of products is at most the product of the roots of the sums of squares (Cauchy and Schwarz).
        let size = |sum: [f64; 3]| (sum[0] + (sum[1] + sum[2])).max(0.0).sqrt();
        let sizes: Vec<f64> = (0..count).map(|i| size(products.numbers.get(i * (i + 1) / 2 + i))).collect();
        for i in 0..count {
            for j in 0..=i {
                let at = i * (i + 1) / 2 + j;
                totals.numbers[at] = rounded(products.numbers.get(at), sizes[i] * sizes[j]);
            }
        }
        let mut flag_sizes = vec![0.0; flags];
        for (place, at) in places.iter().zip((0..products.flags.len()).step_by(count)) {
            let Some(place) = place.map(|place| place as usize) else { continue };
            flag_sizes[place] = size(products.flags.get(at));
            for (i, number) in sizes.iter().enumerate() {
                totals.flags[place * count + i] =
                    rounded(products.flags.get(at + i), flag_sizes[place] * number);
            }
        }
        let placed = |flag: u32| places.get(flag as usize).copied().flatten();
        for (&(a, b), &sum) in &products.pairs {
            if let (Some(a), Some(b)) = (placed(a), placed(b)) {
                let value = rounded(sum, flag_sizes[a as usize] * flag_sizes[b as usize]);
                totals.pairs.push(((a.max(b), a.min(b)), value));
            }
        }
        totals.pairs.sort_unstable_by_key(|(pair, _)| *pair);
        totals
    }

    /// Sum of the weights.
    pub(crate) fn weight(&self) -> Double {
        self.numbers.first().copied().unwrap_or_default()
    }

    fn number(&self, i: usize, j: usize) -> Double {
        let (i, j) = (i.max(j), i.min(j));
        self.numbers[i * (i + 1) / 2 + j]
    }

    /// Sum of `weight · x_i x_j` of two numbers.
    pub(crate) fn of_numbers(&self, i: usize, j: usize) -> Double {
        self.number(i, j)
    }

    /// Sum of `weight · x_i` where a flag is 1.
    pub(crate) fn of_flag(&self, flag: usize, i: usize) -> Double {
        self.flags[flag * self.count + i]
    }

    pub(crate) fn flag_count(&self) -> usize {
        self.flags.len() / self.count.max(1)
    }

    pub(super) fn pairs(&self) -> &[((u32, u32), Double)] {
        &self.pairs
    }

    /// Adds sums of other rows in the same terms.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.numbers.is_empty() {
            *self = other.clone();
            return;
        }
        self.rows += other.rows;
        self.numbers.iter_mut().zip(&other.numbers).for_each(|(sum, x)| *sum += *x);
        self.flags.iter_mut().zip(&other.flags).for_each(|(sum, x)| *sum += *x);
        let mut pairs: HashMap<(u32, u32), Double> = self.pairs.drain(..).collect();
        for (pair, x) in &other.pairs {
            *pairs.entry(*pair).or_default() += *x;
        }
        self.pairs = pairs.into_iter().collect();
        self.pairs.sort_unstable_by_key(|(pair, _)| *pair);
    }

    /// Gives numbers their values where a flag says that they have none.
    pub(crate) fn fill(&mut self, fills: &[Fill]) {
        for &Fill { number, flag, value } in fills {
            let value = Double::from(value);
            // x + value · flag, x being 0 where the flag is 1.
            for i in 0..self.count {
                let with = if i == number { value * self.of_flag(flag, 0) } else { self.of_flag(flag, i) };
                let (a, b) = (number.max(i), number.min(i));
                self.numbers[a * (a + 1) / 2 + b] += value * with;
            }
            for at in 0..self.pairs.len() {
                let ((a, b), sum) = self.pairs[at];
                let other = match (a as usize == flag, b as usize == flag) {
                    (true, _) => b,
                    (_, true) => a,
                    _ => continue,
                };
                self.flags[other as usize * self.count + number] += value * sum;
            }
            let own = self.of_flag(flag, 0);
            self.flags[flag * self.count + number] += value * own;
        }
    }

    /// Sums of products with a number.
    pub(crate) fn column(&self, number: usize) -> Vector {
        Vector {
            numbers: (0..self.count).map(|i| self.number(i, number)).collect(),
            flags: (0..self.flag_count()).map(|flag| self.of_flag(flag, number)).collect(),
        }
    }

    /// No sums of products.
    pub(crate) fn nothing(&self) -> Vector {
        Vector::zeros(self.count, self.flag_count())
    }

    /// Sums of products with a linear function, whose coefficients are given.
    pub(crate) fn times(&self, coefficients: &Vector) -> Vector {
        let Vector { numbers, flags } = coefficients;
        let mut out = self.nothing();
        for (i, sum) in out.numbers.iter_mut().enumerate() {
            for (j, x) in numbers.iter().enumerate() {
                *sum += self.number(i, j) * *x;
            }
            for (flag, x) in flags.iter().enumerate() {
                *sum += self.of_flag(flag, i) * *x;
            }
        }
        for (flag, sum) in out.flags.iter_mut().enumerate() {
            for (j, x) in numbers.iter().enumerate() {
                *sum += self.of_flag(flag, j) * *x;
            }
            *sum += self.of_flag(flag, 0) * flags[flag];
        }
        for &((a, b), sum) in &self.pairs {
            let (a, b) = (a as usize, b as usize);
            out.flags[a] += sum * flags[b];
            out.flags[b] += sum * flags[a];
        }
        out
    }
}

impl Vector {
    pub(super) fn zeros(numbers: usize, flags: usize) -> Self {
        Self { numbers: vec![Double::ZERO; numbers], flags: vec![Double::ZERO; flags] }
    }

    /// The difference from another one.
    pub(crate) fn less(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        difference.add(-1.0, other);
        difference
    }

    /// Adds so many times another one.
    pub(crate) fn add(&mut self, times: f64, other: &Self) {
        let times = Double::from(times);
        self.numbers.iter_mut().zip(&other.numbers).for_each(|(x, y)| *x += times * *y);
        self.flags.iter_mut().zip(&other.flags).for_each(|(x, y)| *x += times * *y);
    }
}
