use std::sync::atomic::AtomicBool;

use super::*;
use crate::learners::binning::Binning;
use crate::learners::features::{Column, Features, NULL};
use crate::learners::matrix::BinnedMatrix;
use crate::math::{Draws, mixed};

/// A table with an outcome.
struct Data {
    features: Features,
    target: Vec<f64>,
    weight: Option<Vec<f64>>,
}

impl Data {
    fn new(columns: Vec<Column>, target: Vec<f64>) -> Self {
        Self { features: Features { columns, rows: target.len() }, target, weight: None }
    }

    /// Five features, a level and NULLs, with what follows from them and noise.
    fn drawn(rows: usize, seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let mut columns = vec![vec![]; 5];
        let (mut codes, mut target) = (vec![], vec![]);
        for _ in 0..rows {
            let x: Vec<f64> = columns.iter().map(|_| draws.normal()).collect();
            let code = (draws.uniform() * 12.0) as u32;
            target.push(x[0].sin() + f64::from(code % 3) + x[1].max(0.0) * x[2] + draws.normal());
            columns.iter_mut().zip(&x).for_each(|(column, x)| column.push(*x));
            if draws.uniform() < 0.1 {
                columns[1].pop();
                columns[1].push(f64::NAN);
            }
            codes.push(if draws.uniform() < 0.1 { NULL } else { code });
        }
        let mut columns: Vec<_> = columns.into_iter().map(Column::Numeric).collect();
        columns.push(Column::Categorical { codes, levels: 12 });
        Self::new(columns, target)
    }

    fn bins(&self) -> (Binning, BinnedMatrix) {
        let rows: Vec<u32> = (0..self.features.rows as u32).collect();
        let binning = Binning::fit(&self.features, &rows, 2);
        let matrix = binning.bins(&self.features, 2);
        (binning, matrix)
    }

    /// Fits all rows, or all but those that are held out.
    fn fit(&self, settings: &Settings, threads: usize, held_out: Option<&[u32]>) -> Ensemble {
        let (binning, matrix) = self.bins();
        let all = 0..self.features.rows as u32;
        let rows: Vec<u32> = all.filter(|row| held_out.is_none_or(|held| !held.contains(row))).collect();
        let keys: Vec<u64> = (0..self.features.rows as u64).map(mixed).collect();
        let training = Training {
            matrix: &matrix,
            binning: &binning,
            rows: &rows,
            target: &self.target,
            weight: self.weight.as_deref(),
            keys: &keys,
            held_out,
        };
        let run = Run { threads, stopped: &AtomicBool::new(false) };
        let Grown { mut ensemble, curve } = fit(&training, settings, run).unwrap();
        if let Some(curve) = curve {
            ensemble.trees.truncate(curve.surely_helpful());
        }
        ensemble
    }

    fn scores(&self, ensemble: &Ensemble, features: &Features) -> Vec<f64> {
        let mut scores = vec![0.0; features.rows];
        ensemble.predict(&self.bins().0.bins(features, 1), &mut scores, 2);
        scores
    }
}

/// One tree that learns all at once.
fn stump(leaves: usize) -> Settings {
    Settings { trees: 1, learning_rate: 1.0, l2: 0.0, leaves, min_leaf_rows: 1.0, ..Settings::default() }
}

fn numbers(numbers: &[f64]) -> Column {
    Column::Numeric(numbers.to_vec())
}

#[test]
fn a_tree_by_hand() {
    // Mean 5. Between 4 and 5: 4 rows of 2 and 4 of 8, gain 2 * 12² / 4; then 1 | 3 on the left, 2 * 2² / 2.
    let data = Data::new(
        vec![numbers(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])],
        vec![1.0, 1.0, 3.0, 3.0, 8.0, 8.0, 8.0, 8.0],
    );
    let ensemble = data.fit(&stump(3), 1, None);
    let split = |bin, left, right, gain| {
        let test = Test::AtMost { bin, null_left: false };
        Split { feature: 0, test, left, right, gain }
    };
    assert_eq!(ensemble.base, 5.0);
    assert_eq!(
        ensemble.trees[0].splits,
        [split(4, Child::Split(1), Child::Leaf(2), 72.0), split(2, Child::Leaf(0), Child::Leaf(1), 4.0)]
    );
    assert_eq!(ensemble.trees[0].leaves, [-4.0, -2.0, 3.0]);
    assert_eq!(ensemble.gains(1), [76.0]);
    assert_eq!(data.scores(&ensemble, &data.features), data.target);
}

#[test]
fn null_goes_where_it_belongs() {
    for (of_null, expected) in [(0.0, true), (9.0, false)] {
        let data = Data::new(
            vec![numbers(&[1.0, 2.0, 3.0, 4.0, f64::NAN, f64::NAN])],
            vec![0.0, 0.0, 9.0, 9.0, of_null, of_null],
        );
        let ensemble = data.fit(&stump(2), 1, None);
        assert_eq!(ensemble.trees[0].splits[0].test, Test::AtMost { bin: 2, null_left: expected });
        let scores = data.scores(&ensemble, &data.features);
        scores.iter().zip(&data.target).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
    }
}

#[test]
fn levels_are_split_as_a_subset_and_new_ones_go_with_most() {
    let codes: Vec<u32> = (0..41).map(|i| i % 4).collect();
    let target = codes.iter().map(|code| f64::from(code % 2)).collect();
    let mut data = Data::new(vec![Column::Categorical { codes, levels: 4 }], target);
    data.target[0] = 1.0;
    let ensemble = data.fit(&stump(2), 1, None);
    let column = Column::Categorical { codes: vec![1, 3, 0, 2, 9, NULL], levels: 10 };
    let scores = data.scores(&ensemble, &Features { columns: vec![column], rows: 6 });
    assert!(scores[..2].iter().all(|score| (score - 1.0).abs() < 1e-6), "{scores:?}");
    assert!(scores[2..].iter().all(|score| (score - 1.0 / 21.0).abs() < 1e-6), "{scores:?}");
}

#[test]
fn a_monotone_score_does_not_turn() {
    let mut data = Data::drawn(4000, 3);
    data.target.iter_mut().enumerate().for_each(|(i, y)| *y += (3.0 * f64::from(i as u32 % 7)).sin());
    for direction in [1, -1] {
        let settings = Settings { monotone: vec![direction], trees: 40, ..Settings::default() };
        let ensemble = data.fit(&settings, 2, None);
        for others in [-1.0, 0.0, 0.7, f64::NAN] {
            let mut columns = vec![Column::Numeric((0..200).map(|i| f64::from(i) / 40.0 - 2.5).collect())];
            columns.extend((0..4).map(|_| Column::Numeric(vec![others; 200])));
            columns.push(Column::Categorical { codes: vec![1; 200], levels: 12 });
            let scores = data.scores(&ensemble, &Features { columns, rows: 200 });
            let rises = scores.windows(2).all(|pair| f64::from(direction) * (pair[1] - pair[0]) >= -1e-6);
            assert!(rises, "{direction} {others} {scores:?}");
        }
    }
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    for loss in [Loss::Squared, Loss::Logistic] {
        let mut data = Data::drawn(3000, 5);
        data.target.iter_mut().for_each(|y| *y = f64::from(u8::from(*y > 1.0)));
        let settings = Settings { loss, trees: 20, ..Settings::default() };
        let mut twice = Data::drawn(3000, 5);
        for column in &mut twice.features.columns {
            match column {
                Column::Numeric(numbers) => *numbers = numbers.iter().flat_map(|x| [*x, *x]).collect(),
                Column::Categorical { codes, .. } => *codes = codes.iter().flat_map(|x| [*x, *x]).collect(),
            }
        }
        twice.features.rows = 6000;
        twice.target = data.target.iter().flat_map(|y| [*y, *y]).collect();
        data.weight = Some(vec![2.0; 3000]);
        let (a, b) = (data.fit(&settings, 1, None), twice.fit(&settings, 1, None));
        assert_eq!(data.bins().0, twice.bins().0);
        assert_eq!(a.trees, b.trees);
        assert!((a.base - b.base).abs() < 1e-12);
    }
}

#[test]
fn threads_change_nothing() {
    for loss in [Loss::Squared, Loss::Logistic] {
        let mut data = Data::drawn(60_000, 7);
        if loss == Loss::Logistic {
            data.target.iter_mut().for_each(|y| *y = f64::from(u8::from(*y > 1.0)));
        }
        let weights = (0..60_000).map(|i| 0.5 + f64::from(i % 11) / 7.0).collect();
        for weight in [None, Some(weights)] {
            data.weight = weight;
            let settings =
                Settings { loss, trees: 8, row_share: 0.9, column_share: 0.7, ..Settings::default() };
            let (one, three) = (data.fit(&settings, 1, None), data.fit(&settings, 3, None));
            assert_eq!(one, three);
            assert!(one.trees.iter().all(|tree| tree.leaves.len() == 31));
        }
    }
}

#[test]
fn masks_give_what_a_walk_down_the_tree_gives() {
    for (leaves, more_columns) in [(20, 0), (32, 20), (33, 20), (64, 0), (65, 0)] {
        let mut data = Data::drawn(2000, 9);
        let first = data.features.columns[0].clone();
        data.features.columns.extend(std::iter::repeat_n(first, more_columns));
        let settings = Settings { min_leaf_rows: 3.0, ..stump(leaves) };
        let ensemble = data.fit(&settings, 1, None);
        let matrix = data.bins().1;
        let tree: &Tree = &ensemble.trees[0];
        assert_eq!(tree.leaves.len(), leaves);
        let mut scores = vec![0.0; 2000];
        ensemble.predict(&matrix, &mut scores, 1);
        for (row, score) in matrix.bins().chunks(matrix.blocks()).zip(scores) {
            assert_eq!(score, ensemble.base + f64::from(tree.value(row)));
        }
    }
}

#[test]
fn noise_stops_early_and_signal_does_not() {
    let mut data = Data::drawn(8000, 11);
    let held_out: Vec<u32> = (0..1600).map(|i| i * 5).collect();
    let settings = Settings::default();
    assert!(data.fit(&settings, 2, Some(&held_out)).trees.len() > 20);
    let mut draws = Draws::new(12);
    data.target.iter_mut().for_each(|y| *y = draws.normal());
    let ensemble = data.fit(&settings, 2, Some(&held_out));
    assert!(ensemble.trees.len() <= 2, "{}", ensemble.trees.len());
    assert!(ensemble.rounds >= settings.patience);
}

#[test]
fn the_base_is_the_mean_or_its_log_odds() {
    let data = Data::new(vec![], vec![1.0, 0.0, 0.0, 0.0]);
    assert_eq!(data.fit(&Settings::default(), 1, None).base, 0.25);
    let logistic = Settings { loss: Loss::Logistic, ..Settings::default() };
    assert!((data.fit(&logistic, 1, None).base - (1.0_f64 / 3.0).ln()).abs() < 1e-15);
    let one_class = Data::new(vec![numbers(&[1.0, 2.0])], vec![1.0, 1.0]);
    let ensemble = one_class.fit(&Settings { min_leaf_rows: 1.0, ..logistic }, 1, None);
    assert!(ensemble.base.is_finite() && ensemble.base > 1.0);
}

#[test]
fn a_stopped_fit_says_so() {
    let data = Data::drawn(500, 13);
    let (binning, matrix) = data.bins();
    let rows: Vec<u32> = (0..500).collect();
    let training = Training {
        matrix: &matrix,
        binning: &binning,
        rows: &rows,
        target: &data.target,
        weight: None,
        keys: &[0; 500],
        held_out: None,
    };
    let run = Run { threads: 2, stopped: &AtomicBool::new(true) };
    assert!(fit(&training, &Settings::default(), run).is_err());
}

#[test]
fn whatever_comes_there_is_a_model() {
    let levels = Column::Categorical { codes: (0..300).collect(), levels: 300 };
    let nulls = Column::Categorical { codes: vec![NULL; 300], levels: 0 };
    let ramp: Vec<f64> = (0..300).map(f64::from).collect();
    let columns = [
        vec![],
        vec![numbers(&[f64::NAN; 300]), nulls],
        vec![numbers(&[4.0; 300]), levels],
        vec![numbers(&ramp); 9],
    ];
    let mut settings = vec![];
    for (leaves, depth, min_leaf_rows) in
        [(31, None, 0.0), (1, None, 20.0), (0, Some(0), 1.0), (9, Some(1), -1.0)]
    {
        let of = Settings { leaves, depth, min_leaf_rows, trees: 3, ..Settings::default() };
        settings.push(Settings { loss: Loss::Logistic, row_share: 0.0, column_share: 0.0, ..of.clone() });
        settings.push(of);
    }
    for columns in columns {
        for target in [vec![1.0; 300], ramp.iter().map(|x| x % 2.0).collect()] {
            for weight in [None, Some(vec![0.0; 300]), Some(vec![1e-300; 300]), Some(vec![1e200; 300])] {
                let data = Data { weight, ..Data::new(columns.clone(), target.clone()) };
                for settings in &settings {
                    let ensemble = data.fit(settings, 2, None);
                    let scores = data.scores(&ensemble, &data.features);
                    assert!(scores.iter().all(|score| score.is_finite()), "{settings:?}");
                }
            }
        }
    }
    let one = Data::new(vec![numbers(&[1.0])], vec![3.0]);
    assert_eq!(one.fit(&stump(31), 3, None).base, 3.0);
    assert_eq!(Data::new(vec![], vec![]).fit(&stump(31), 3, None).base, 0.0);
}
