//! Where the bins of a number begin and end.

/// Upper edges of bins of a numeric feature, ascending: a number is in the first bin whose edge is not below it, or in
/// the one after the last edge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edges {
    edges: Vec<f64>,
}

impl Edges {
    /// Edges between at most `bins` bins of about as many numbers each. Few distinct numbers have a bin each, as has a
    /// number that is as frequent as a bin is full; edges are midway between neighbours.
    pub(super) fn fit(numbers: &mut [f64], bins: usize) -> Self {
        numbers.sort_unstable_by(f64::total_cmp);
        let runs: Vec<_> = numbers.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        let mut edges = Vec::with_capacity(bins.min(runs.len()));
        let (mut numbers_left, mut bins_left, mut in_bin) = (numbers.len(), bins, 0);
        for (i, pair) in runs.windows(2).enumerate() {
            let [(number, count), (next, next_count)] = [pair[0], pair[1]];
            in_bin += count;
            let full = numbers_left.div_ceil(bins_left);
            let is_needed = runs.len() - i <= bins_left;
            // Half of the next run would be beyond: nearer to full without it.
            if bins_left > 1 && (is_needed || in_bin >= full || in_bin + next_count / 2 > full) {
                edges.push(midway(number, next));
                numbers_left -= in_bin;
                bins_left -= 1;
                in_bin = 0;
            }
        }
        Self { edges }
    }

    /// Edges that were fitted before.
    pub(crate) fn new(edges: Vec<f64>) -> Self {
        Self { edges }
    }

    pub(crate) fn as_slice(&self) -> &[f64] {
        &self.edges
    }
}

/// A number from `a` on and below `b`, half way where there is one. Minus zero is no number of its own.
fn midway(a: f64, b: f64) -> f64 {
    let middle = a / 2.0 + b / 2.0;
    (if middle >= a && middle < b { middle } else { a }) + 0.0
}

/// Edges as integers in the same order, filled up to a power of two: a search of few instructions and no branches.
pub(super) struct Search {
    keys: Box<[i64; 256]>,
    /// Times that what is searched halves.
    steps: u32,
}

impl Search {
    pub(super) fn new(edges: &Edges) -> Self {
        let mut keys = Box::new([i64::MAX; 256]);
        keys.iter_mut().zip(&edges.edges).for_each(|(key, edge)| *key = ordered(*edge));
        Self { keys, steps: (edges.edges.len() + 1).next_power_of_two().ilog2() }
    }

    /// Gives each number how many edges are below it.
    pub(super) fn each<'a>(
        &self,
        numbers: impl Iterator<Item = (&'a f64, &'a mut u8)>,
        write: impl Fn(&f64, u8, &mut u8),
    ) {
        match self.steps {
            0..=2 => self.each_in::<2>(numbers, write),
            3..=4 => self.each_in::<4>(numbers, write),
            5..=6 => self.each_in::<6>(numbers, write),
            _ => self.each_in::<8>(numbers, write),
        }
    }

    /// In as many steps as the compiler knows of: searches of several numbers overlap.
    fn each_in<'a, const STEPS: u32>(
        &self,
        numbers: impl Iterator<Item = (&'a f64, &'a mut u8)>,
        write: impl Fn(&f64, u8, &mut u8),
    ) {
        for (number, bin) in numbers {
            let key = ordered(*number);
            let mut below = 0;
            for step in (0..STEPS).rev() {
                let is_above = self.keys[(below + (1 << step) - 1) & 255] < key;
                below += usize::from(is_above) << step;
            }
            write(number, below as u8, bin);
        }
    }
}

/// An integer that compares with others as the number does. Minus zero is zero.
fn ordered(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_have_a_bin_each_and_edges_are_midway() {
        let mut numbers = vec![3.0, 1.0, 2.0, 2.0, -0.0, 0.0];
        assert_eq!(Edges::fit(&mut numbers, 254).as_slice(), [0.5, 1.5, 2.5]);
        assert_eq!(Edges::fit(&mut [5.0], 254).as_slice(), [] as [f64; 0]);
        assert_eq!(Edges::fit(&mut [], 254).as_slice(), [] as [f64; 0]);
        let (a, b) = (1.0_f64, 1.0_f64.next_up());
        assert_eq!(Edges::fit(&mut [a, b], 254).as_slice(), [a]);
        assert_eq!(Edges::fit(&mut [-f64::MAX, f64::MAX], 254).as_slice(), [0.0]);
    }

    #[test]
    fn bins_are_about_equally_full_beside_a_frequent_number() {
        let mut numbers: Vec<f64> = (0..1000).map(f64::from).chain(std::iter::repeat_n(0.0, 9000)).collect();
        let edges = Edges::fit(&mut numbers, 11);
        assert_eq!(edges.as_slice().len(), 10);
        assert_eq!(edges.as_slice()[0], 0.5);
        assert!(edges.as_slice().windows(2).all(|pair| (99.0..102.0).contains(&(pair[1] - pair[0]))));
    }

    #[test]
    fn search_counts_the_edges_below() {
        for count in [0, 1, 2, 3, 7, 100, 253] {
            let edges = Edges::new((0..count).map(|i| f64::from(i) - 50.0).collect());
            let search = Search::new(&edges);
            let numbers = [-1e300, -50.0, -49.5, -0.0, 0.0, 0.5, 20.0, 1e300];
            let mut found = [0; 8];
            search.each(numbers.iter().zip(&mut found), |_, below, to| *to = below);
            let below = |number: &f64| edges.as_slice().iter().filter(|edge| *edge < number).count() as u8;
            assert_eq!(found, numbers.each_ref().map(below), "{count} edges");
        }
    }
}
