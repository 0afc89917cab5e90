//! Sums of products of the columns of weighted rows: all that ridge regressions need, of no size but that of the columns.
//!
//! A row has numbers, of which the first is 1, and flags: columns of 0 and 1 of which it names those that are 1. Sums are
//! wide ones, so that neither the order of the rows nor the parts they came in change a digit, and nothing has to be
//! centred while rows come.

use hashbrown::HashMap;

use crate::learners::codec::{Reader, Writer};
use crate::math::{Factor, Halved, WideSum, WideSums, add, merged};

/// Additions after which sums are settled.
const ROWS_BETWEEN_SETTLING: u64 = 1024;

/// A row: numbers, and the flags that are 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) numbers: Halved,
    pub(crate) flags: Vec<u32>,
}

/// Sums of `weight · x_i x_j`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Products {
    /// Rows with a weight above zero.
    pub(super) rows: u64,
    /// Of numbers with each other: the pair `(i, j)` with `j <= i` is at `i (i + 1) / 2 + j`.
    pub(super) numbers: WideSums,
    /// Of each flag with all numbers.
    pub(super) flags: WideSums,
    /// Of two flags that were 1 in a row, the larger one first.
    pub(super) pairs: HashMap<(u32, u32), WideSum>,
}

impl Products {
    /// Adds a row. One of weight zero is no row.
    pub(crate) fn add(&mut self, weight: f64, row: &Row) {
        if weight <= 0.0 {
            return;
        }
        self.rows += 1;
        let numbers = row.numbers.numbers.len();
        self.numbers.grow(numbers * (numbers + 1) / 2);
        for i in 0..numbers {
            let x = row.numbers.numbers[i];
            if x != 0.0 {
                self.numbers.add_products(i * (i + 1) / 2, Factor::new(weight, x), &row.numbers, i + 1);
            }
        }
        for (position, &flag) in row.flags.iter().enumerate() {
            let at = flag as usize * numbers;
            self.flags.grow(at + numbers);
            self.flags.add_products(at, Factor::new(weight, 1.0), &row.numbers, numbers);
            for &other in &row.flags[..position] {
                add(self.pairs.entry((flag.max(other), flag.min(other))).or_default(), weight);
            }
        }
        if self.rows.is_multiple_of(ROWS_BETWEEN_SETTLING) {
            self.numbers.settle();
            self.flags.settle();
            self.pairs.values_mut().for_each(|sum| *sum = merged(*sum, WideSum::default()));
        }
    }

    /// Adds other rows with as many numbers, whose flags are called otherwise.
    pub(crate) fn merge(&mut self, other: &Self, numbers: usize, flag_of: impl Fn(u32) -> u32) {
        self.rows = self.rows.saturating_add(other.rows);
        self.numbers.grow(other.numbers.len());
        (0..other.numbers.len()).for_each(|i| self.numbers.merge(i, other.numbers.get(i)));
        for (flag, at) in (0..).zip((0..other.flags.len()).step_by(numbers)) {
            let to = flag_of(flag) as usize * numbers;
            self.flags.grow(to + numbers);
            (0..numbers).for_each(|i| self.flags.merge(to + i, other.flags.get(at + i)));
        }
        for (&(a, b), &sum) in &other.pairs {
            let (a, b) = (flag_of(a), flag_of(b));
            let own = self.pairs.entry((a.max(b), a.min(b))).or_default();
            *own = merged(*own, sum);
        }
    }

    /// Bytes that are held beside the struct itself.
    pub(crate) fn size(&self) -> usize {
        self.numbers.size() + self.flags.size() + self.pairs.allocation_size()
    }

    /// Appends the sums to bytes.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.long(self.rows);
        write_sums(out, &self.numbers);
        write_sums(out, &self.flags);
        let pairs: Vec<_> = self.pairs.iter().collect();
        out.list(&pairs, |out, ((a, b), sum)| {
            out.int(*a);
            out.int(*b);
            sum.iter().for_each(|x| out.long(x.to_bits()));
        });
    }

    /// Reads what [`Self::write`] wrote, of rows with so many numbers and of so many flags; `None` for anything else.
    pub(crate) fn read(reader: &mut Reader<'_>, count: usize, flags: usize) -> Option<Self> {
        let (rows, numbers, of_flags) = (reader.long()?, read_sums(reader)?, read_sums(reader)?);
        let pairs = reader.list(2 * size_of::<u32>() + SUM, |reader| {
            let (a, b) = (reader.int()?, reader.int()?);
            (a > b && (a as usize) < flags).then_some(())?;
            Some(((a, b), read_sum(reader)?))
        })?;
        let triangle = if rows == 0 { 0 } else { count * (count + 1) / 2 };
        let are_whole = numbers.len() == triangle
            && of_flags.len().is_multiple_of(count)
            && of_flags.len() <= if rows == 0 { 0 } else { flags * count };
        are_whole.then(|| Self { rows, numbers, flags: of_flags, pairs: pairs.into_iter().collect() })
    }
}

/// Bytes of a sum.
const SUM: usize = size_of::<WideSum>();

fn write_sums(out: &mut Writer<'_>, sums: &WideSums) {
    let all: Vec<WideSum> = (0..sums.len()).map(|i| sums.get(i)).collect();
    out.list(&all, |out, sum| sum.iter().for_each(|x| out.long(x.to_bits())));
}

fn read_sums(reader: &mut Reader<'_>) -> Option<WideSums> {
    let all = reader.list(SUM, read_sum)?;
    let mut sums = WideSums::default();
    sums.grow(all.len());
    all.into_iter().enumerate().for_each(|(i, sum)| sums.set(i, sum));
    Some(sums)
}

/// Sums may have left the range of numbers: that is told when all rows have come.
fn read_sum(reader: &mut Reader<'_>) -> Option<WideSum> {
    let mut next = || reader.long().map(f64::from_bits);
    Some([next()?, next()?, next()?])
}
