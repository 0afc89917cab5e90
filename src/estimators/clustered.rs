//! An estimator over rows that depend on each other within clusters.
//!
//! Errors are CR1: `se^2 = G / (G - 1) · sum_g (sum_{i in g} psi_i)^2 / n^2`, with t quantiles on G - 1 degrees
//! of freedom. Sources: Liang and Zeger (1986); Cameron and Miller (2015).

use hashbrown::HashTable;

use super::aggregate::{Aggregate, DecodeError, Estimator, FloatReader, Rows};
use super::inference::{Errors, Inference, IntervalSettings, infer};
use super::plain::{Plain, Tally};
use super::statistic::{Row, Statistic, Sums};

/// A statistic with cluster-robust errors.
#[derive(Clone, Debug)]
pub(crate) struct Clustered<S>(pub(crate) S);

/// The tally of all rows, and the sums of each cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusteredTally<T: Sums> {
    tally: Tally<T>,
    clusters: Clusters<T::Totals>,
}

impl<T: Sums> Default for ClusteredTally<T> {
    fn default() -> Self {
        Self { tally: Tally::default(), clusters: Clusters::default() }
    }
}

/// Totals by 128-bit cluster key, in the order in which the clusters came.
#[derive(Clone, Debug)]
struct Clusters<V> {
    index: HashTable<u32>,
    keys: Vec<u128>,
    totals: Vec<V>,
}

impl<V> Default for Clusters<V> {
    fn default() -> Self {
        Self { index: HashTable::new(), keys: vec![], totals: vec![] }
    }
}

impl<V: Default> Clusters<V> {
    fn with_capacity(clusters: usize) -> Self {
        Self {
            index: HashTable::with_capacity(clusters),
            keys: Vec::with_capacity(clusters),
            totals: Vec::with_capacity(clusters),
        }
    }

    /// The totals of a cluster. Keys are hashes already, so their low half is the table's hash.
    fn entry(&mut self, key: u128) -> &mut V {
        let Self { index, keys, totals } = self;
        let position = *index
            .entry(key as u64, |&at| keys[at as usize] == key, |&at| keys[at as usize] as u64)
            .or_insert_with(|| {
                totals.push(V::default());
                (totals.len() - 1) as u32
            })
            .get() as usize;
        if position == keys.len() {
            keys.push(key);
        }
        &mut totals[position]
    }

    fn heap_size(&self) -> usize {
        self.index.allocation_size()
            + self.keys.capacity() * size_of::<u128>()
            + self.totals.capacity() * size_of::<V>()
    }
}

impl<T: Sums> ClusteredTally<T> {
    fn push<S: Statistic<Sums = T>>(&mut self, statistic: &S, row: S::Row, key: u128) {
        let (arm, terms) = self.tally.push(statistic, row);
        T::add(self.clusters.entry(key), arm, &terms);
    }

    fn merge<S: Statistic<Sums = T>>(&mut self, statistic: &S, other: &Self) {
        let moved = self.tally.merge(statistic, &other.tally);
        let weighted = match statistic.outcome() {
            Some(outcome) if moved != 0.0 => outcome.weighted,
            _ => &[],
        };
        for (&key, totals) in other.clusters.keys.iter().zip(&other.clusters.totals) {
            let mut totals = *totals;
            for &(weighted, weight) in weighted {
                T::shear_totals(&mut totals, weighted, weight, moved);
            }
            T::join(self.clusters.entry(key), &totals);
        }
    }
}

impl<T: Sums> Errors<T::Gradient> for ClusteredTally<T> {
    fn covariance(&self, a: &T::Gradient, b: &T::Gradient) -> Option<f64> {
        // The estimate needs support for an error in every arm, as without clusters.
        let unclustered = self.tally.sums.covariance(a, b)?;
        let influence = |gradient, totals| self.tally.sums.cluster_influence(gradient, totals);
        let sum = self
            .clusters
            .totals
            .iter()
            .map(|totals| influence(a, totals) * influence(b, totals))
            .sum::<f64>();
        let df = self.cluster_df()?;
        // Influences that vary and cancel in every cluster leave nothing to infer from; only equal ones have no error.
        (sum != 0.0 || unclustered == 0.0).then_some(sum * (df + 1.0) / df)
    }

    fn cluster_df(&self) -> Option<f64> {
        let clusters = self.clusters.keys.len();
        (clusters >= 2).then_some(clusters as f64 - 1.0)
    }
}

impl<S: Statistic> Aggregate for Clustered<S> {
    type State = ClusteredTally<S::Sums>;
    type Output = Option<f64>;

    const FLOATS: usize = 0;
    const SLIDES: bool = false;

    fn update(&self, state: &mut Self::State, rows: Rows<'_>) {
        let columns = S::Row::columns(rows.columns, rows.len);
        for (i, &key) in rows.clusters.iter().enumerate() {
            state.push(&self.0, S::Row::read(&columns, i), key);
        }
    }

    fn update_groups(&self, states: &mut [Self::State], groups: &[usize], rows: Rows<'_>) {
        let columns = S::Row::columns(rows.columns, rows.len);
        for (i, (&group, &key)) in groups.iter().zip(rows.clusters).enumerate() {
            states[group].push(&self.0, S::Row::read(&columns, i), key);
        }
    }

    fn skip(&self, state: &mut Self::State) {
        state.tally.skipped += 1;
    }

    fn merge(&self, state: &mut Self::State, other: &Self::State) {
        state.merge(&self.0, other);
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.tally.write(out);
        for (key, totals) in state.clusters.keys.iter().zip(&state.clusters.totals) {
            out.extend_from_slice(&key.to_le_bytes());
            S::Sums::write_totals(totals, &mut |x| out.extend_from_slice(&x.to_le_bytes()));
        }
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Self::State, DecodeError> {
        let tally = Tally::read(bytes)?;
        // Room for what the bytes can hold, not for what they claim.
        let cluster = size_of::<u128>() + size_of::<f64>() * S::Sums::TOTAL_FLOATS;
        let clusters = Clusters::with_capacity(bytes.remaining() / cluster);
        let mut state = ClusteredTally { tally, clusters };
        while bytes.remaining() > 0 {
            let key = u128::from_le_bytes(bytes.bytes()?);
            let totals = bytes.floats(S::Sums::TOTAL_FLOATS, |mut next| S::Sums::read_totals(&mut next))?;
            S::Sums::join(state.clusters.entry(key), &totals);
        }
        Ok(state)
    }

    fn heap_size(&self, state: &Self::State) -> usize {
        state.clusters.heap_size()
    }

    fn finish(&self, state: &Self::State) -> Option<f64> {
        Plain(self.0.clone()).finish(&state.tally)
    }
}

impl<S: Statistic> Estimator for Clustered<S> {
    fn missing(&self, settings: &IntervalSettings) -> Option<&'static str> {
        settings.bounded().map(|_| "needs independent rows; leave the cluster out")
    }

    fn inference(&self, state: &Self::State, settings: &IntervalSettings) -> Inference {
        let ClusteredTally { tally, clusters } = state;
        let inference = infer(&self.0, &tally.sums, tally.origin, tally.skipped, state, settings);
        let Some(resampling) = settings.resampling() else { return inference };
        // One cluster is drawn more or less often, but is the same.
        let ends = inference.std_error.and_then(|_| {
            let clusters = clusters.keys.iter().copied().zip(&clusters.totals);
            resampling.interval(&self.0, clusters, tally.origin, settings.alpha())
        });
        let (ci_low, ci_high) = ends.unzip();
        Inference { ci_low, ci_high, p_value: None, ..inference }
    }
}
