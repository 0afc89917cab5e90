//! An estimator whose lambda the data choose from a grid.
//!
//! Chosen is the lambda with the least bound `s^2 / n + b^2` on the squared error, where `s^2 / n` is the variance of the
//! shrunk estimate and `b = |mean (w - f(w)) (r - q)| + sqrt(2 mean(w^2) ln(2 / delta) / n) + 2 max(w) ln(2 / delta) / (3 n)`
//! bounds its bias with `delta` = 0.05, for rewards that are within 1 of their predictions. The grid is fixed and holds no
//! shrinking at all, from which the first term of `b` is the distance; so states merge. The other terms are the same for
//! all lambdas, and matter since `b` is squared. The interval takes the lambda as if it had been given.
//! Source: Su, Dimakopoulou, Krishnamurthy and Dudík (2020), "Doubly Robust Off-Policy Evaluation with Shrinkage".

use super::aggregate::{Aggregate, DecodeError, Estimator, FloatReader, Rows};
use super::inference::{Inference, IntervalSettings};
use super::ips::importance_weight;

/// Lambdas to choose from, the last of which does not shrink.
pub(crate) const CANDIDATES: usize = 12;

/// The chance that the bound on the bias does not hold.
const DELTA: f64 = 0.05;

/// One of several estimators. Columns: reward, propensity, target_prob, and what the estimators need.
#[derive(Clone, Debug)]
pub(crate) struct Tuned<E> {
    candidates: [E; CANDIDATES],
}

/// The states of all of them, and sums of the weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct TunedState<T> {
    candidates: [T; CANDIDATES],
    weights: Weights,
}

/// Count, sum of squares and maximum of the weights.
#[derive(Clone, Copy, Debug, Default)]
struct Weights {
    count: f64,
    squares: f64,
    largest: f64,
}

impl Weights {
    #[inline]
    fn push(&mut self, rows: &Rows<'_>, i: usize) {
        let weight = importance_weight(rows.columns[1][i], rows.columns[2][i], f64::INFINITY);
        self.merge(&Self { count: 1.0, squares: weight * weight, largest: weight });
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.squares += other.squares;
        self.largest = self.largest.max(other.largest);
    }

    /// The part of the bound on the bias that is the same for all candidates.
    fn deviation(&self) -> f64 {
        let Self { count, squares, largest } = *self;
        let log = (2.0 / DELTA).ln();
        (2.0 * squares / count * log / count).sqrt() + 2.0 * largest * log / (3.0 * count)
    }
}

impl<E: Estimator> Tuned<E> {
    /// Of estimators with lambda 1, 2, 4, … and none, each of them raised to `power`.
    pub(crate) fn new(power: i32, estimator: impl Fn(f64) -> E) -> Self {
        let lambda = |i: usize| {
            if i + 1 == CANDIDATES { f64::INFINITY } else { 2_f64.powi(i as i32).powi(power) }
        };
        Self { candidates: std::array::from_fn(|i| estimator(lambda(i))) }
    }

    /// The candidate with the least bound; that without shrinking where there is no error to choose by.
    fn choose(&self, state: &TunedState<E::State>) -> usize {
        let inference = |i: usize| -> Inference {
            self.candidates[i].inference(&state.candidates[i], &IntervalSettings::default())
        };
        let last = CANDIDATES - 1;
        let unshrunk = inference(last).estimate;
        let deviation = state.weights.deviation();
        let bound = |i: usize| {
            let Inference { estimate, std_error, .. } = inference(i);
            let bias = (estimate? - unshrunk?).abs() + deviation;
            Some((std_error?.powi(2) + bias * bias, i))
        };
        // Of equal bounds that with the larger lambda.
        let bounds = (0..CANDIDATES).rev().filter_map(bound);
        bounds.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(last, |(_, chosen)| chosen)
    }
}

impl<E: Estimator> Aggregate for Tuned<E> {
    type State = TunedState<E::State>;
    type Output = Option<f64>;

    const FLOATS: usize = if E::FLOATS == 0 { 0 } else { CANDIDATES * E::FLOATS + 3 };
    const SLIDES: bool = false;

    fn update(&self, state: &mut Self::State, rows: Rows<'_>) {
        (0..rows.len).for_each(|i| state.weights.push(&rows, i));
        for (candidate, state) in self.candidates.iter().zip(&mut state.candidates) {
            candidate.update(state, rows);
        }
    }

    fn update_groups(&self, states: &mut [Self::State], groups: &[usize], rows: Rows<'_>) {
        // The rows of a group together: a candidate takes blocks.
        let mut order: Vec<usize> = (0..rows.len).collect();
        order.sort_by_key(|&i| groups[i]);
        for alike in order.chunk_by(|&a, &b| groups[a] == groups[b]) {
            let gathered: Vec<Vec<f64>> =
                (rows.columns.iter()).map(|column| alike.iter().map(|&i| column[i]).collect()).collect();
            let columns: Vec<&[f64]> = gathered.iter().map(Vec::as_slice).collect();
            let clusters: Vec<u128> = match rows.clusters {
                [] => vec![],
                clusters => alike.iter().map(|&i| clusters[i]).collect(),
            };
            let rows = Rows { columns: &columns, clusters: &clusters, len: alike.len() };
            self.update(&mut states[groups[alike[0]]], rows);
        }
    }

    fn skip(&self, state: &mut Self::State) {
        for (candidate, state) in self.candidates.iter().zip(&mut state.candidates) {
            candidate.skip(state);
        }
    }

    fn merge(&self, state: &mut Self::State, other: &Self::State) {
        state.weights.merge(&other.weights);
        for (i, candidate) in self.candidates.iter().enumerate() {
            candidate.merge(&mut state.candidates[i], &other.candidates[i]);
        }
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        let Weights { count, squares, largest } = state.weights;
        [count, squares, largest].iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
        for (candidate, state) in self.candidates.iter().zip(&state.candidates) {
            let start = out.len();
            if E::FLOATS == 0 {
                out.extend_from_slice(&[0; 8]);
            }
            candidate.write(state, out);
            if E::FLOATS == 0 {
                let length = (out.len() - start - 8) as u64;
                out[start..start + 8].copy_from_slice(&length.to_le_bytes());
            }
        }
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Self::State, DecodeError> {
        let [count, squares, largest] = bytes.floats(3, |next| [next(), next(), next()])?;
        let mut state = TunedState { weights: Weights { count, squares, largest }, ..TunedState::default() };
        for (candidate, state) in self.candidates.iter().zip(&mut state.candidates) {
            let length =
                if E::FLOATS == 0 { u64::from_le_bytes(bytes.bytes()?) as usize } else { 8 * E::FLOATS };
            let mut part = bytes.part(length)?;
            *state = candidate.read(&mut part)?;
        }
        Ok(state)
    }

    fn heap_size(&self, state: &Self::State) -> usize {
        let sizes = self.candidates.iter().zip(&state.candidates);
        sizes.map(|(candidate, state)| candidate.heap_size(state)).sum()
    }

    fn finish(&self, state: &Self::State) -> Option<f64> {
        let chosen = self.choose(state);
        self.candidates[chosen].finish(&state.candidates[chosen])
    }
}

impl<E: Estimator> Estimator for Tuned<E> {
    fn missing(&self, settings: &IntervalSettings) -> Option<&'static str> {
        self.candidates[CANDIDATES - 1].missing(settings)
    }

    fn inference(&self, state: &Self::State, settings: &IntervalSettings) -> Inference {
        let chosen = self.choose(state);
        self.candidates[chosen].inference(&state.candidates[chosen], settings)
    }
}
