//! Aggregates that look at all their rows at once.

use super::rows::{Dependence, Outcomes, RankedRows, Scored};
use crate::estimators::aggregate::{Aggregate, DecodeError, Estimator, FloatReader, Rows};
use crate::estimators::inference::{Appended, Inference, IntervalSettings, Summary, summarise};

/// A function of all rows.
pub(crate) trait RowFunction: Clone + std::fmt::Debug + Send + Sync + 'static {
    type Dependence: Dependence;
    type Outcome: Outcomes;
    type Output;

    /// Whether the rows must be in order, largest prediction first.
    const ORDERED: bool = true;

    /// What is kept of row `i`.
    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<Self::Dependence, Self::Outcome>;
    /// The result.
    fn apply(&self, rows: &[Scored<Self::Dependence, Self::Outcome>]) -> Self::Output;
}

/// A function of all rows that estimates.
pub(crate) trait RowEstimate: RowFunction<Output = Option<f64>> {
    /// The estimate with its error, and what to append; the counts of rows are filled in.
    fn summary(&self, rows: &[Scored<Self::Dependence, Self::Outcome>]) -> (Summary, Appended);
}

/// The aggregate of a function of all rows.
#[derive(Clone, Debug)]
pub(crate) struct OverRows<F>(pub(crate) F);

impl<F: RowFunction> Aggregate for OverRows<F> {
    type State = RankedRows<F::Dependence, F::Outcome>;
    type Output = F::Output;

    const FLOATS: usize = 0;
    const SLIDES: bool = false;

    fn update(&self, state: &mut Self::State, rows: Rows<'_>) {
        for i in 0..rows.len {
            state.push(self.0.keep(&rows, i));
        }
    }

    fn update_groups(&self, states: &mut [Self::State], groups: &[usize], rows: Rows<'_>) {
        for (i, &group) in groups.iter().enumerate() {
            states[group].push(self.0.keep(&rows, i));
        }
    }

    fn skip(&self, state: &mut Self::State) {
        state.skipped += 1;
    }

    fn merge(&self, state: &mut Self::State, other: &Self::State) {
        state.merge(other);
    }

    fn absorb(&self, state: &mut Self::State, other: Self::State) {
        state.absorb(other);
    }

    fn settle(&self, state: &mut Self::State) {
        if F::ORDERED {
            state.settle();
        }
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.write(out);
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Self::State, DecodeError> {
        RankedRows::read(bytes)
    }

    fn heap_size(&self, state: &Self::State) -> usize {
        state.heap_size()
    }

    fn finish(&self, state: &Self::State) -> F::Output {
        self.0.apply(state.rows())
    }
}

impl<F: RowEstimate> Estimator for OverRows<F> {
    fn missing(&self, _settings: &IntervalSettings) -> Option<&'static str> {
        None
    }

    fn inference(&self, state: &Self::State, settings: &IntervalSettings) -> Inference {
        let (summary, appended) = self.0.summary(state.rows());
        let summary = Summary { n: state.rows().len() as u64, n_skipped: state.skipped, ..summary };
        Inference { appended, ..summarise(summary, settings) }
    }
}
