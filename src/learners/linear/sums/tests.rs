//! The laws of the sums: parts, weights, large means.

use super::*;
use crate::learners::linear::Encoding;
use crate::learners::{Column, Features};

const ROWS: usize = 700;

/// Numbers about 1e8, a category with a rare level, NULLs, a constant.
fn features() -> Features {
    let numbers = (0..ROWS).map(|i| 1e8 + (i * i % 37) as f64).collect();
    let nulls = (0..ROWS).map(|i| if i % 5 == 0 { f64::NAN } else { (i % 11) as f64 / 7.0 }).collect();
    let codes = (0..ROWS).map(|i| if i == 650 { 2 } else { i as u32 % 2 }).collect();
    Features {
        columns: vec![
            Column::Numeric(numbers),
            Column::Numeric(nulls),
            Column::Categorical { codes, levels: 3 },
            Column::Numeric(vec![0.1; ROWS]),
        ],
        rows: ROWS,
    }
}

fn outcomes() -> [Vec<f64>; 2] {
    [(0..ROWS).map(|i| -1e8 + (i * 7 % 13) as f64).collect(), (0..ROWS).map(|i| (i % 3) as f64).collect()]
}

fn sums_of(parts: &[&[u32]], weight: Option<&[f64]>) -> Sums {
    let features = features();
    let all: Vec<u32> = (0..ROWS as u32).collect();
    let encoding = Encoding::fit(&features, &all, None);
    let mut sums = Sums::new(encoding.width(), 2);
    let outcomes = outcomes();
    let outcomes = outcomes.each_ref().map(Vec::as_slice);
    let design = Design::new(&encoding, &features).unwrap();
    parts.iter().for_each(|rows| sums.add(&design, rows, &outcomes, weight));
    sums
}

fn assert_close(a: &Sums, b: &Sums) {
    assert_eq!(a.rows, b.rows);
    for i in 0..a.terms() {
        assert!((a.mean(i) - b.mean(i)).abs() <= 1e-15 * a.mean(i).abs().max(1.0), "{i}: {a:?} {b:?}");
        for j in 0..=i {
            let scale = (a.product(i, i) * a.product(j, j)).sqrt();
            assert!(
                (a.product(i, j) - b.product(i, j)).abs() <= 1e-13 * scale.max(1.0),
                "{i} {j}: {a:?} {b:?}"
            );
        }
    }
}

#[test]
fn rows_may_come_in_parts() {
    let all: Vec<u32> = (0..ROWS as u32).collect();
    let whole = sums_of(&[&all], None);
    for cut in [0, 1, 127, 128, 500, ROWS] {
        assert_close(&whole, &sums_of(&[&all[..cut], &all[cut..]], None));
    }
}

#[test]
fn large_means_cost_no_digits() {
    let all: Vec<u32> = (0..ROWS as u32).collect();
    let sums = sums_of(&[&all], None);
    // The same sums of numbers about zero, which are whole.
    let (x, y): (Vec<_>, Vec<_>) = (0..ROWS).map(|i| ((i * i % 37) as f64, (i * 7 % 13) as f64)).unzip();
    let mean = |x: &[f64]| x.iter().sum::<f64>() / ROWS as f64;
    let products = x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>() - ROWS as f64 * mean(&x) * mean(&y);
    let got = sums.product(0, sums.width());
    assert!((got - products).abs() < 1e-6, "{got} {products}");
    let constant = sums.width() - 1;
    assert_eq!((sums.mean(constant), sums.product(constant, constant)), (0.1, 0.0));
}

#[test]
fn weights_are_copies_of_rows() {
    let copies = |row: u32| row % 3;
    let weights: Vec<f64> = (0..ROWS as u32).map(|row| f64::from(copies(row))).collect();
    let all: Vec<u32> = (0..ROWS as u32).collect();
    let repeated: Vec<u32> =
        all.iter().flat_map(|&row| std::iter::repeat_n(row, copies(row) as usize)).collect();
    let mut repeated = sums_of(&[&repeated], None);
    let weighted = sums_of(&[&all], Some(&weights));
    assert_eq!(weighted.weight(), repeated.rows);
    repeated.rows = weighted.rows;
    assert_close(&weighted, &repeated);
    assert_eq!(sums_of(&[&all], Some(&[0.0; ROWS])), Sums::new(weighted.width(), 2));
}
