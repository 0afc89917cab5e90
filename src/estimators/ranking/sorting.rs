//! Sorting of rows by a number, largest first.

/// Below this, comparing is faster than counting.
const FEW: usize = 4096;
/// Bits of a digit: as many buckets as the nearer caches hold the ends of.
const BITS: u32 = 11;
const BUCKETS: usize = 1 << BITS;
/// Digits that are sorted by. With the sign and the exponent they hold 21 bits of the fraction, in which few of even many
/// millions of rows are alike.
const DIGITS: usize = 3;
/// The bits below these digits.
const LOWEST: u32 = u64::BITS - DIGITS as u32 * BITS;

/// A row with the number that it is sorted by, which is finite.
pub(super) trait Ranked: Copy {
    fn rank(&self) -> f64;
}

/// Integers in the opposite order of the numbers; both zeros have the same.
#[inline]
pub(super) fn descending(x: f64) -> u64 {
    // Adding zero turns -0 into 0. Below zero, the bits of floats run the other way.
    let bits = (x + 0.0).to_bits();
    let ascending = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    !ascending
}

/// Sorts rows, largest rank first: by their leading digits from the lowest of these, then what these leave open.
pub(super) fn sort<R: Ranked>(rows: &mut Vec<R>) {
    if rows.len() < FEW {
        rows.sort_unstable_by_key(|row| descending(row.rank()));
        return;
    }
    let digit =
        |row: &R, place: usize| (descending(row.rank()) >> (LOWEST + place as u32 * BITS)) as usize % BUCKETS;
    let mut counts = vec![[0_usize; BUCKETS]; DIGITS];
    for row in rows.iter() {
        for (place, counts) in counts.iter_mut().enumerate() {
            counts[digit(row, place)] += 1;
        }
    }
    let mut other = rows.clone();
    for (place, counts) in counts.iter_mut().enumerate() {
        // A digit that all rows have tells them apart no further.
        if counts.contains(&rows.len()) {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            (*count, start) = (start, start + *count);
        }
        for row in rows.iter() {
            let next = &mut counts[digit(row, place)];
            other[*next] = *row;
            *next += 1;
        }
        std::mem::swap(rows, &mut other);
    }
    let leading = |row: &R| descending(row.rank()) >> LOWEST;
    for alike in rows.chunk_by_mut(|a, b| leading(a) == leading(b)) {
        if alike.len() > 1 {
            alike.sort_unstable_by_key(|row| descending(row.rank()));
        }
    }
}

/// Merges neighbouring runs, each sorted and ending where `ends` says, into one.
pub(super) fn merge_runs<R: Ranked>(rows: &mut Vec<R>, ends: &mut Vec<usize>) {
    while ends.len() > 1 {
        let mut merged = Vec::with_capacity(rows.len());
        let mut merged_ends = Vec::with_capacity(ends.len().div_ceil(2));
        let mut start = 0;
        for pair in ends.chunks(2) {
            let (middle, end) = (pair[0], pair[pair.len() - 1]);
            merge(&rows[start..middle], &rows[middle..end], &mut merged);
            merged_ends.push(end);
            start = end;
        }
        (*rows, *ends) = (merged, merged_ends);
    }
}

fn merge<R: Ranked>(mut one: &[R], mut other: &[R], out: &mut Vec<R>) {
    while let (Some(first), Some(second)) = (one.first(), other.first()) {
        if first.rank() >= second.rank() {
            out.push(*first);
            one = &one[1..];
        } else {
            out.push(*second);
            other = &other[1..];
        }
    }
    out.extend_from_slice(one);
    out.extend_from_slice(other);
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ranked for (f64, usize) {
        fn rank(&self) -> f64 {
            self.0
        }
    }

    fn rows(n: usize) -> Vec<(f64, usize)> {
        let mut seed = 7_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let magnitudes = [-1e300, -1.0, -1e-300, 0.0, 1e-310, 0.5, 3.0, 1e300];
        (0..n).map(|i| ((next() * magnitudes[i % 8] * 100.0).round() / 100.0, i)).collect()
    }

    #[test]
    fn rows_come_largest_first() {
        for n in [0, 1, 2, 1000, FEW, 3 * FEW + 1] {
            let mut sorted = rows(n);
            sort(&mut sorted);
            assert!(sorted.is_sorted_by(|a, b| a.0 >= b.0), "{n}");
            let mut positions: Vec<_> = sorted.iter().map(|row| row.1).collect();
            positions.sort_unstable();
            assert!(positions.into_iter().eq(0..n));
        }
    }

    #[test]
    fn runs_are_merged() {
        for runs in 1..6 {
            let (mut all, mut ends) = (vec![], vec![]);
            for run in 0..runs {
                let mut part = rows(10 * run + 1);
                sort(&mut part);
                all.extend(part);
                ends.push(all.len());
            }
            let n = all.len();
            merge_runs(&mut all, &mut ends);
            assert!(all.is_sorted_by(|a, b| a.0 >= b.0) && all.len() == n && ends == [n]);
        }
    }
}
