//! The methods as they are defined, on rows: slow and plain.

use super::{EFFECT_L2, L2};
use crate::learners::train::Settings;
use crate::learners::{Column, Method, NULL, Sample};
use crate::math::NormalEquations;

type Function = Box<dyn Fn(&[f64]) -> f64>;

/// Ridge regression about the weighted means, penalised in units of standard deviations.
fn ridge(design: &[Vec<f64>], rows: &[(usize, f64)], target: &dyn Fn(usize) -> f64, l2: f64) -> Function {
    let width = design[0].len();
    let total: f64 = rows.iter().map(|(_, weight)| weight).sum();
    let mean = |x: &dyn Fn(usize) -> f64| rows.iter().map(|(i, w)| w * x(*i)).sum::<f64>() / total;
    let means: Vec<f64> = (0..width).map(|j| mean(&|i| design[i][j])).collect();
    let of_target = mean(target);
    let centred = |i: usize, j: usize| design[i][j] - means[j];
    let mut lower = vec![];
    let mut right = vec![];
    for a in 0..width {
        for b in 0..=a {
            let product: f64 = rows.iter().map(|(i, w)| w * centred(*i, a) * centred(*i, b)).sum();
            lower.push(if a == b && product < 1e-20 {
                0.0
            } else {
                product * if a == b { 1.0 + l2 } else { 1.0 }
            });
        }
        right.push(rows.iter().map(|(i, w)| w * centred(*i, a) * (target(*i) - of_target)).sum());
    }
    NormalEquations::decompose(lower).solve(&mut right);
    Box::new(move |x| {
        of_target + x.iter().zip(&means).zip(&right).map(|((x, mean), slope)| slope * (x - mean)).sum::<f64>()
    })
}

/// The columns of all rows: NULLs at the mean and marked, a column for each level but the first that occurs.
fn design(sample: &Sample) -> Vec<Vec<f64>> {
    let rows = 0..sample.rows();
    let weight = |i: usize| sample.weight.as_ref().map_or(1.0, |weight| weight[i]);
    let mut design = vec![vec![]; sample.rows()];
    for column in &sample.features.columns {
        match column {
            Column::Numeric(x) => {
                let known = || rows.clone().filter(|&i| !x[i].is_nan());
                let fill = known().map(|i| weight(i) * x[i]).sum::<f64>() / known().map(weight).sum::<f64>();
                let has_null = rows.clone().any(|i| x[i].is_nan() && weight(i) > 0.0);
                for i in rows.clone() {
                    design[i].push(if x[i].is_nan() { fill } else { x[i] });
                    design[i].extend(has_null.then_some(f64::from(x[i].is_nan())));
                }
            }
            Column::Categorical { codes, levels } => {
                let occurs = |level: &u32| rows.clone().any(|i| codes[i] == *level && weight(i) > 0.0);
                for level in (0..*levels).chain([NULL]).filter(occurs).skip(1) {
                    rows.clone().for_each(|i| design[i].push(f64::from(codes[i] == level)));
                }
            }
        }
    }
    design
}

/// What a model says of each row by bag: the member that has not seen it.
pub(super) fn effects(sample: &Sample, settings: &Settings, head: usize) -> Vec<Vec<f64>> {
    let (y, t) = (&sample.outcomes[head], |i: usize| sample.treated[i]);
    let e = |i: usize| sample.propensity.as_ref().unwrap()[i];
    let (design, all, drawing) = (design(sample), 0..sample.rows(), settings.drawing);
    let fold = |i: usize| drawing.fold(sample.keys[i]);
    let every: Vec<(usize, f64)> = all.clone().map(|i| (i, 1.0)).collect();
    let (low, high) = all.clone().map(e).fold((1.0_f64, 0.0_f64), |(low, high), e| (low.min(e), high.max(e)));
    let of_bag = |bag: u32| {
        let weight = |i: usize| {
            sample.weight.as_ref().map_or(1.0, |weight| weight[i])
                * f64::from(drawing.times(bag, sample.keys[i]))
        };
        let rows = |without: &[u32], arm: Option<bool>| -> Vec<(usize, f64)> {
            let kept = all.clone().filter(|&i| drawing.folds == 1 || !without.contains(&fold(i)));
            kept.filter(|&i| arm.is_none_or(|arm| arm == t(i))).map(|i| (i, weight(i))).collect()
        };
        let mut said = vec![f64::NAN; sample.rows()];
        for k in 0..drawing.folds {
            let nuisance = |j: u32, arm| ridge(&design, &rows(&[k, j], arm), &|i| y[i], L2);
            let nuisances: Vec<[Function; 3]> = match settings.method {
                Method::X | Method::R | Method::Dr => (0..drawing.folds)
                    .map(|j| [Some(false), Some(true), None].map(|arm| nuisance(j, arm)))
                    .collect(),
                _ => vec![],
            };
            let mu = |i: usize, which: usize| nuisances[fold(i) as usize][which](&design[i]);
            let final_of = |arm, times: &dyn Fn(usize) -> f64, target: &dyn Fn(usize) -> f64, l2| {
                let rows: Vec<_> =
                    rows(&[k], arm).into_iter().map(|(i, weight)| (i, weight * times(i))).collect();
                ridge(&design, &rows, target, l2)
            };
            let once = |_: usize| 1.0;
            let effect: Function = match settings.method {
                Method::X => {
                    let control = final_of(Some(false), &once, &|i| mu(i, 1) - y[i], EFFECT_L2);
                    let treated = final_of(Some(true), &once, &|i| y[i] - mu(i, 0), EFFECT_L2);
                    let share = ridge(&design, &every, &e, L2);
                    Box::new(move |x| {
                        let share = share(x).clamp(low, high);
                        share * control(x) + (1.0 - share) * treated(x)
                    })
                }
                Method::T => {
                    let [control, treated] =
                        [false, true].map(|arm| final_of(Some(arm), &once, &|i| y[i], L2));
                    Box::new(move |x| treated(x) - control(x))
                }
                Method::S => {
                    let with = |t: bool, x: &[f64]| [x, &[f64::from(t)]].concat();
                    let design: Vec<Vec<f64>> = all.clone().map(|i| with(t(i), &design[i])).collect();
                    let both = ridge(&design, &rows(&[k], None), &|i| y[i], L2);
                    Box::new(move |x| both(&with(true, x)) - both(&with(false, x)))
                }
                Method::R => {
                    let residual = |i: usize| f64::from(t(i)) - e(i);
                    final_of(None, &|i| residual(i).powi(2), &|i| (y[i] - mu(i, 2)) / residual(i), EFFECT_L2)
                }
                Method::Dr => {
                    let corrected = |i: usize| {
                        if t(i) { (y[i] - mu(i, 1)) / e(i) } else { (mu(i, 0) - y[i]) / (1.0 - e(i)) }
                    };
                    final_of(None, &once, &|i| mu(i, 1) - mu(i, 0) + corrected(i), EFFECT_L2)
                }
                Method::Outcome | Method::Propensity => final_of(None, &once, &|i| y[i], L2),
            };
            let unseen = all.clone().filter(|&i| drawing.folds == 1 || fold(i) == k);
            unseen.for_each(|i| said[i] = effect(&design[i]));
        }
        said
    };
    (0..drawing.bags).map(of_bag).collect()
}
