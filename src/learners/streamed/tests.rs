//! Sums against methods as they are defined, row by row, and the laws of parts.

mod by_rows;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Streamed, StreamedRows};
use crate::learners::base::Base;
use crate::learners::calibration::Calibrator;
use crate::learners::train::{Settings, TrainError, Work, functions};
use crate::learners::{Column, Drawing, Features, Method, Model, NULL, Penalty, Sample};
use crate::math::mixed;

const METHODS: [Method; 6] = [Method::X, Method::T, Method::S, Method::R, Method::Dr, Method::Outcome];

/// Penalties of outcomes and of effects.
const L2: f64 = 1e-3;
const EFFECT_L2: f64 = 0.01;

fn uniform(salt: u64, i: usize) -> f64 {
    (mixed(mixed(salt) ^ i as u64) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Rows with NULLs, large means, a rare level, a constant, two outcomes of which one is large; weights where asked for.
fn sample(rows: usize, is_weighted: bool) -> Sample {
    let column = |of: &dyn Fn(usize) -> f64| (0..rows).map(of).collect::<Vec<f64>>();
    let level = |i: usize| match uniform(1, i) {
        u if u < 0.02 => 4,
        u if u < 0.2 => NULL,
        u => (u * 4.0) as u32 % 4,
    };
    let propensity = column(&|i| 0.2 + 0.6 * uniform(2, i));
    let treated: Vec<bool> = (0..rows).map(|i| uniform(3, i) < propensity[i]).collect();
    let null_or = |i: usize, x: f64| if uniform(4, i) < 0.2 { f64::NAN } else { x };
    let (a, b) = (column(&|i| null_or(i, uniform(5, i))), column(&|i| 1e4 + 3.0 * uniform(6, i)));
    let effect = |i: usize| f64::from(treated[i]) * (1.0 + b[i] - 1e4 + f64::from(level(i) == 2));
    let outcome = column(&|i| effect(i) + uniform(7, i) * 2.0 + if a[i].is_nan() { 0.3 } else { a[i] });
    Sample {
        outcomes: vec![column(&|i| outcome[i] * uniform(8, i) - 50.0), outcome],
        features: Features {
            columns: vec![
                Column::Numeric(a),
                Column::Categorical { codes: (0..rows).map(level).collect(), levels: 6 },
                Column::Numeric(b),
                Column::Categorical { codes: (0..rows).map(|i| i as u32 % 2).collect(), levels: 2 },
                Column::Numeric(vec![0.1; rows]),
                Column::Numeric(column(&|i| if i % 50 == 7 { f64::NAN } else { uniform(9, i) })),
            ],
            rows,
        },
        weight: is_weighted.then(|| column(&|i| if i % 17 == 0 { 0.0 } else { 0.5 + uniform(10, i) })),
        keys: (0..rows).map(|i| mixed(i as u64 / 2)).collect(),
        treated,
        propensity: Some(propensity),
    }
}

/// The rows with some codes of the first category called otherwise.
fn part(sample: &Sample, rows: &[usize], code_of: &[u32]) -> Sample {
    let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
    let column = |(feature, column): (usize, &Column)| match column {
        Column::Numeric(values) => Column::Numeric(pick(values)),
        Column::Categorical { codes, levels } => {
            let code = |&row: &usize| match codes[row] {
                code if feature == 1 && code != NULL => code_of[code as usize],
                code => code,
            };
            Column::Categorical { codes: rows.iter().map(code).collect(), levels: *levels }
        }
    };
    Sample {
        features: Features {
            columns: sample.features.columns.iter().enumerate().map(column).collect(),
            rows: rows.len(),
        },
        outcomes: sample.outcomes.iter().map(|outcome| pick(outcome)).collect(),
        treated: rows.iter().map(|&row| sample.treated[row]).collect(),
        propensity: sample.propensity.as_ref().map(|values| pick(values)),
        weight: sample.weight.as_ref().map(|values| pick(values)),
        keys: rows.iter().map(|&row| sample.keys[row]).collect(),
    }
}

fn settings(method: Method, folds: u32, bags: u32) -> Settings {
    let base = |l2| Base::Linear(Penalty::per_row(l2).unwrap());
    Settings {
        method,
        base: base(L2),
        effect_base: base(EFFECT_L2),
        drawing: Drawing { seed: 3, folds, bags },
        calibrator: Calibrator::None,
        min_rows: 10,
    }
}

fn empty(sample: &Sample, settings: &Settings) -> Streamed {
    Streamed::new(StreamedRows {
        method: settings.method,
        drawing: settings.drawing,
        is_numeric: sample.features.columns.iter().map(|c| matches!(c, Column::Numeric(_))).collect(),
        outcomes: sample.outcomes.len(),
        is_weighted: sample.weight.is_some(),
    })
}

fn with_work<T>(threads: usize, work: impl FnOnce(Work<'_>) -> T) -> (T, usize) {
    let fitted = AtomicUsize::new(0);
    let on_fit = || {
        fitted.fetch_add(1, Ordering::Relaxed);
    };
    let made = work(Work { threads, stopped: &AtomicBool::new(false), on_fit: &on_fit });
    (made, fitted.load(Ordering::Relaxed))
}

const IN_ORDER: [u32; 6] = [0, 1, 2, 3, 4, 5];

/// The codes of each feature in the order of its levels, those of the first category being called otherwise.
fn levels(code_of: &[u32]) -> Vec<Vec<u32>> {
    vec![vec![], code_of.to_vec(), vec![], vec![0, 1], vec![], vec![]]
}

fn streamed(sample: &Sample, settings: &Settings) -> Result<Model, TrainError> {
    let mut sums = empty(sample, settings);
    sums.add(sample, sample.propensity.as_deref(), &AtomicBool::new(false)).unwrap();
    let (model, fitted) = with_work(2, |work| sums.train(&levels(&IN_ORDER), settings, work));
    if model.is_ok() {
        assert_eq!(fitted, functions(settings, sample.outcomes.len(), true));
    }
    model
}

#[test]
fn functions_are_those_of_the_definitions() {
    for method in METHODS {
        for (is_weighted, folds, bags) in
            [(false, 1, 1), (false, 4, 1), (true, 3, 1), (false, 3, 3), (true, 1, 2)]
        {
            let (sample, settings) = (sample(900, is_weighted), settings(method, folds, bags));
            let model = streamed(&sample, &settings).unwrap();
            for head in 0..2 {
                let said = if folds == 1 {
                    model.predict(&sample.features, None, head, 1)
                } else {
                    model.predict(&sample.features, Some(&sample.keys), head, 1)
                };
                let expected = by_rows::effects(&sample, &settings, head);
                let pairs = said.unwrap().bags.concat().into_iter().zip(expected.concat());
                let far = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(far < 1e-9, "{method:?} weighted {is_weighted} folds {folds} bags {bags}: {far}");
            }
        }
    }
}

#[test]
fn neither_parts_nor_order_nor_codes_change_a_digit() {
    for method in METHODS {
        for (is_weighted, folds, bags) in [(true, 3, 2), (false, 4, 1)] {
            let (sample, settings) = (sample(1100, is_weighted), settings(method, folds, bags));
            let whole = streamed(&sample, &settings).unwrap();
            for parts in [1, 2, 5, 200] {
                let mut rows: Vec<usize> = (0..sample.rows()).collect();
                rows.sort_by_key(|&row| mixed(row as u64 ^ mixed(parts)));
                // Each part calls level l of the first category l + its number, and what joins the parts l + 1.
                let code_of = |part: u32| (0..6).map(|level| (level + part) % 6).collect::<Vec<u32>>();
                let mut sums = empty(&sample, &settings);
                for (at, rows) in (0..).zip(rows.chunks(sample.rows().div_ceil(parts as usize))) {
                    let mut other = empty(&sample, &settings);
                    let part = part(&sample, rows, &code_of(at));
                    other.add(&part, part.propensity.as_deref(), &AtomicBool::new(false)).unwrap();
                    let mut codes = vec![vec![]; 6];
                    codes[1] = (0..6).map(|code| (code + 6 - at % 6 + 1) % 6).collect();
                    sums.merge(&other, &codes);
                }
                let levels = levels(&code_of(1));
                let (model, _) = with_work(parts as usize, |work| sums.train(&levels, &settings, work));
                assert!(model.unwrap() == whole, "{method:?} {parts} parts");
            }
        }
    }
}

#[test]
fn states_are_their_bytes() {
    for method in METHODS {
        let (sample, settings) = (sample(120, true), settings(method, 2, 2));
        let mut sums = empty(&sample, &settings);
        for _ in 0..2 {
            let mut bytes = vec![];
            sums.write(&mut bytes);
            assert_eq!(Streamed::read(&bytes, sums.rows.clone()).as_ref(), Some(&sums));
            for end in (0..bytes.len()).step_by(bytes.len() / 30 + 1) {
                assert_eq!(Streamed::read(&bytes[..end], sums.rows.clone()), None);
            }
            bytes.push(0);
            assert_eq!(Streamed::read(&bytes, sums.rows.clone()), None);
            sums.add(&sample, sample.propensity.as_deref(), &AtomicBool::new(false)).unwrap();
        }
        // Whatever a byte is changed to, states are read and merged, or refused.
        let mut bytes = vec![];
        sums.write(&mut bytes);
        for at in (0..bytes.len()).step_by(bytes.len() / 60 + 1) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x81;
            if let Some(other) = Streamed::read(&changed, sums.rows.clone()) {
                let mut both = sums.clone();
                both.merge(&other, &vec![vec![]; 6]);
                let _ = with_work(1, |work| both.train(&levels(&IN_ORDER), &settings, work));
            }
        }
    }
}

#[test]
fn too_few_rows_are_named() {
    let sample = sample(60, false);
    let drawing = settings(Method::T, 3, 1).drawing;
    let rows = |t: Option<bool>, without: &[u32]| {
        let is_of = |i: &usize| t.is_none_or(|t| sample.treated[*i] == t);
        let kept = (0..60).filter(|&i| !without.contains(&drawing.fold(sample.keys[i])));
        kept.filter(is_of).count()
    };
    let controls = |without: &[u32]| rows(Some(false), without);
    for (method, got, arm, outside) in [
        (Method::X, controls(&[0, 1]), "control ", "folds 1 and 2"),
        (Method::Dr, controls(&[0, 1]), "control ", "folds 1 and 2"),
        (Method::R, rows(None, &[0, 1]), "", "folds 1 and 2"),
        (Method::T, controls(&[0]), "control ", "fold 1"),
        (Method::S, rows(None, &[0]), "", "fold 1"),
        (Method::Outcome, rows(None, &[0]), "", "fold 1"),
    ] {
        let mut settings = settings(method, 3, 1);
        // What says how P(treated) follows from the features has all rows.
        settings.min_rows = 60;
        let error = streamed(&sample, &settings).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("at least 60 {arm}rows outside {outside} are needed, got {got}")
        );
    }
}

#[test]
fn asked_to_stop() {
    let (sample, settings) = (sample(100, false), settings(Method::T, 2, 1));
    let mut sums = empty(&sample, &settings);
    let error = sums.add(&sample, sample.propensity.as_deref(), &AtomicBool::new(true)).unwrap_err();
    assert_eq!(error.to_string(), "training was stopped");
    let stopped = &AtomicBool::new(true);
    sums.add(&sample, sample.propensity.as_deref(), &AtomicBool::new(false)).unwrap();
    let work = Work { threads: 1, stopped, on_fit: &|| () };
    assert_eq!(sums.train(&levels(&IN_ORDER), &settings, work).unwrap_err(), error);
}
