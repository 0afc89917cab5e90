//! Laws every statistic obeys, checked by one generic function on rows of that statistic.

use super::statistic::Sums;
use super::{
    Aggregate, BLOCK, Bounds, Clustered, Estimator, FloatReader, Inference, Interval, IntervalSettings,
    Plain, Resampling, Rows, Statistic,
};

/// Rows as columns, with the cluster of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    columns: Vec<Vec<f64>>,
    clusters: Vec<u128>,
}

/// Columns of rows; row `i` is in cluster `i / 3`.
pub(super) fn column_rows<const A: usize>(rows: &[[f64; A]]) -> Table {
    Table {
        columns: (0..A).map(|a| rows.iter().map(|row| row[a]).collect()).collect(),
        clusters: (0..rows.len()).map(|i| i as u128 / 3).collect(),
    }
}

impl Table {
    fn len(&self) -> usize {
        self.clusters.len()
    }

    /// The same rows in clusters of `size`.
    pub(super) fn in_clusters_of(mut self, size: usize) -> Self {
        self.clusters = (0..self.len()).map(|i| (i / size) as u128).collect();
        self
    }

    /// Each row as often as its cluster is drawn.
    pub(super) fn drawn(&self, draws: impl Fn(u128) -> usize) -> Self {
        let times: Vec<usize> = self.clusters.iter().map(|&key| draws(key)).collect();
        let repeat = |column: &Vec<f64>| {
            column.iter().zip(&times).flat_map(|(&x, &times)| std::iter::repeat_n(x, times)).collect()
        };
        Self {
            columns: self.columns.iter().map(repeat).collect(),
            clusters: self
                .clusters
                .iter()
                .zip(&times)
                .flat_map(|(&key, &times)| std::iter::repeat_n(key, times))
                .collect(),
        }
    }

    fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            columns: self.columns.iter().map(|column| column[range.clone()].to_vec()).collect(),
            clusters: self.clusters[range].to_vec(),
        }
    }

    /// Every row `times` times, in its own cluster.
    fn repeated(&self, times: usize) -> Self {
        let repeat = |column: &Vec<f64>| column.iter().flat_map(|&x| std::iter::repeat_n(x, times)).collect();
        Self {
            columns: self.columns.iter().map(repeat).collect(),
            clusters: (0..self.len()).flat_map(|i| std::iter::repeat_n(i as u128, times)).collect(),
        }
    }

    /// Passes blocks of at most `size` rows to `take`.
    fn blocks(&self, size: usize, mut take: impl FnMut(Rows<'_>)) {
        for start in (0..self.len()).step_by(size) {
            let range = start..self.len().min(start + size);
            let columns: Vec<&[f64]> = self.columns.iter().map(|column| &column[range.clone()]).collect();
            take(Rows { columns: &columns, clusters: &self.clusters[range.clone()], len: range.len() });
        }
    }
}

fn state_of<A: Aggregate>(aggregate: &A, rows: &Table, block: usize) -> A::State {
    let mut state = A::State::default();
    rows.blocks(block, |rows| aggregate.update(&mut state, rows));
    state
}

fn inference_of<E: Estimator>(estimator: &E, mut state: E::State) -> Inference {
    estimator.settle(&mut state);
    estimator.inference(&state, &IntervalSettings::default())
}

/// The inference of an estimator over some rows.
pub(super) fn infer<E: Estimator>(estimator: &E, rows: &Table) -> Inference {
    inference_of(estimator, state_of(estimator, rows, BLOCK))
}

/// The inference of a statistic over independent rows.
pub(super) fn infer_plain<S: Statistic>(statistic: &S, rows: &Table) -> Inference {
    infer(&Plain(statistic.clone()), rows)
}

/// The inference of a statistic whose clusters are drawn anew.
pub(super) fn infer_resampled<S: Statistic>(
    statistic: &S,
    rows: &Table,
    resampling: Resampling,
) -> Inference {
    let clustered = Clustered(statistic.clone());
    let bounds = Bounds { reward: None, weight: f64::INFINITY };
    let settings = IntervalSettings::new(0.05, Some(Interval::Bootstrap(resampling)), bounds);
    clustered.inference(&state_of(&clustered, rows, BLOCK), &settings)
}

/// The inference of a statistic over clusters.
pub(super) fn infer_clustered<S: Statistic>(statistic: &S, rows: &Table) -> Inference {
    infer(&Clustered(statistic.clone()), rows)
}

fn assert_same(what: &str, a: &Inference, b: &Inference) {
    let numbers = |r: &Inference| [r.estimate, r.std_error, r.ci_low, r.ci_high, r.p_value, r.ess];
    for (x, y) in numbers(a).into_iter().zip(numbers(b)) {
        let same = match (x, y) {
            (Some(x), Some(y)) => x == y || (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1e-3),
            (x, y) => x.is_none() && y.is_none(),
        };
        assert!(same, "{what}: {a:?} and {b:?}");
    }
    assert_eq!((a.n, a.n_skipped), (b.n, b.n_skipped), "{what}");
}

/// Checks that a state is the same whatever way its rows came.
pub(super) fn check_merging<E: Estimator>(estimator: &E, rows: &Table) {
    let inference = |state: &E::State| inference_of(estimator, state.clone());
    let whole = inference(&state_of(estimator, rows, BLOCK));
    assert!(
        whole.estimate.is_some() && whole.std_error.is_some(),
        "the rows must have an inference: {whole:?}"
    );

    for block in [1, 2, 7] {
        assert_same("block size", &whole, &inference(&state_of(estimator, rows, block)));
    }
    for cut in [0, 1, rows.len() / 3, rows.len() - 1, rows.len()] {
        let parts =
            [rows.slice(0..cut), rows.slice(cut..rows.len())].map(|part| state_of(estimator, &part, BLOCK));
        for order in [[0, 1], [1, 0]] {
            let mut merged = E::State::default();
            order.into_iter().for_each(|part: usize| estimator.merge(&mut merged, &parts[part]));
            assert_same("split and merge", &whole, &inference(&merged));
            let mut settled = E::State::default();
            for part in order {
                let mut part = parts[part].clone();
                estimator.settle(&mut part);
                estimator.merge(&mut settled, &part);
            }
            assert_same("settled and merged", &whole, &inference(&settled));
        }
    }

    let mut groups = vec![E::State::default(); 3];
    rows.blocks(BLOCK, |block| {
        let positions: Vec<usize> = (0..block.len).map(|i| i % 3).collect();
        estimator.update_groups(&mut groups, &positions, block);
    });
    let mut merged = E::State::default();
    groups.iter().for_each(|group| estimator.merge(&mut merged, group));
    assert_same("groups", &whole, &inference(&merged));

    let mut bytes = vec![];
    estimator.write(&state_of(estimator, rows, BLOCK), &mut bytes);
    assert!(E::FLOATS == 0 || bytes.len() == 8 * E::FLOATS, "a state is its numbers");
    let read = |bytes: &[u8]| estimator.read(&mut FloatReader::new(bytes)).map(|state| inference(&state));
    assert_same("written and read", &whole, &read(&bytes).expect("the bytes are whole"));
    assert!(read(&bytes[..bytes.len() - 1]).is_err(), "a cut state is an error");
}

/// Checks the laws on rows that have an inference: merging and repeating.
pub(super) fn check<S: Statistic, const A: usize>(statistic: &S, rows: &[[f64; A]]) {
    let table = column_rows(rows);
    check_merging(&Plain(statistic.clone()), &table);
    check_merging(&Clustered(statistic.clone()), &table);

    let plain = Plain(statistic.clone());
    assert_eq!(
        plain.inference(&Default::default(), &IntervalSettings::default()),
        Inference::default(),
        "empty is NULL"
    );

    // Repeated rows: the estimate stays, the plain error follows the number of rows, the clustered one stays.
    let times = 3;
    let (once, more) = (infer_plain(statistic, &table), infer_plain(statistic, &table.repeated(times)));
    let close = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() <= 1e-9 * b.abs().max(1e-3));
    assert!(close(once.estimate, more.estimate.unwrap()), "repeating keeps the estimate: {once:?} {more:?}");
    let by_row = infer_clustered(statistic, &table.repeated(1));
    let by_row_repeated = infer_clustered(statistic, &table.repeated(times));
    assert!(close(by_row.std_error, by_row_repeated.std_error.unwrap()), "{by_row:?} {by_row_repeated:?}");
    // One arm: the square falls by (n - 1) / (k n - 1). Two arms: so does each arm's part with its own n.
    let ratio = more.std_error.unwrap() / once.std_error.unwrap();
    let by_rows = |n: f64| ((n - 1.0) / (n * times as f64 - 1.0)).sqrt();
    if S::Sums::ARMS == 1 {
        assert!(close(Some(ratio), by_rows(table.len() as f64)), "{once:?} {more:?}");
    } else {
        assert!(by_rows(2.0) < ratio && ratio < by_rows(table.len() as f64), "{once:?} {more:?}");
    }
}

mod tests {
    use super::super::{
        Aipw, Aucc, Baseline, CalibrationSlope, Convention, CostPerValue, Cuped, CupedList,
        DifferenceInMeans, DirectMethod, DoublyRobust, DrLift, Estimand, InCluster, Independent, Ips,
        IpsLift, IpwAte, IpwMean, Late, Mean, Measure, OverRows, Ranking, RatioDifference, RelativeLift,
        Scores, SelfNormalizedDr, SelfNormalizedIps, Shrinkage, ShrunkDr, Slope, SlopeForm, Tuned,
        WeightedCostPerValue, WeightedRelativeLift, Weighting,
    };
    use super::{Clustered, Plain, check, check_merging, column_rows, infer};

    const CLIP: f64 = 2.0;

    /// Rows of `A` arguments; `columns` maps uniform draws of a row to the arguments.
    fn rows<const A: usize>(columns: impl Fn([f64; 7]) -> [f64; A]) -> Vec<[f64; A]> {
        let mut seed = 20_261_124_u64;
        let mut uniform = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..40).map(|_| columns(std::array::from_fn(|_| uniform()))).collect()
    }

    fn treated(u: f64) -> f64 {
        f64::from(u < 0.4)
    }

    fn observed([y, t, e, ..]: [f64; 7]) -> [f64; 3] {
        [100.0 + y, treated(t), 0.1 + 0.8 * e]
    }

    fn logged([r, p, t, q, d, ..]: [f64; 7]) -> [f64; 5] {
        [r, 0.1 + 0.9 * p, t, q, d]
    }

    #[test]
    fn means() {
        check(&Mean, &rows(|u| [1e6 + u[0]]));
        check(&DirectMethod, &rows(|u| [u[0]]));
        for weighting in [Weighting::Hajek, Weighting::HorvitzThompson] {
            check(&IpwMean { weighting }, &rows(|u| [u[0], 0.1 + 0.9 * u[1], treated(u[2])]));
        }
    }

    #[test]
    fn effects() {
        check(&DifferenceInMeans, &rows(|u| [u[0], treated(u[1])]));
        check(&RelativeLift, &rows(|u| [u[0], treated(u[1])]));
        check(&WeightedRelativeLift, &rows(observed));
        for slope in [Slope::Within, Slope::Joint, Slope::Control] {
            check(&Cuped { slope }, &rows(|u| [u[0] + u[2], treated(u[1]), u[2]]));
            let several =
                |u: [f64; 7]| [u[0] + u[2], treated(u[1]), u[2], u[3], 7.0, u[2] - u[3], 0.0, 0.0, 0.0, 0.0];
            check(&CupedList { slope }, &rows(several));
        }
        check(&RatioDifference, &rows(|u| [u[0], 1.0 + u[2], treated(u[1])]));
        check(&Late, &rows(|u| [u[0], treated(u[1]), treated(u[2] * (1.0 - 0.8 * treated(u[1])))]));
        check(&CostPerValue, &rows(|u| [u[0] + treated(u[1]), u[2], treated(u[1])]));
        check(
            &WeightedCostPerValue,
            &rows(|u| [u[0] + treated(u[1]), u[2], treated(u[1]), 0.1 + 0.8 * u[3]]),
        );
        for estimand in [Estimand::Ate, Estimand::Att, Estimand::Atc, Estimand::Overlap] {
            for weighting in [Weighting::Hajek, Weighting::HorvitzThompson] {
                check(&IpwAte { estimand, weighting }, &rows(observed));
            }
            let with_predictions = |u: [f64; 7]| {
                let [y, t, e] = observed(u);
                [y, t, e, 100.0 + u[3], 100.0 + u[4]]
            };
            check(&Aipw { estimand }, &rows(with_predictions));
        }
    }

    #[test]
    fn policy_values() {
        let scored = rows(|u| *logged(u).first_chunk::<3>().unwrap());
        check(&Ips { clip: CLIP }, &scored);
        check(&SelfNormalizedIps { clip: f64::INFINITY }, &scored);
        check(&DoublyRobust { clip: CLIP }, &rows(logged));
        check(&SelfNormalizedDr { clip: CLIP }, &rows(logged));
        for shrinkage in [
            Shrinkage::Switch { lambda: CLIP },
            Shrinkage::Optimistic { lambda: CLIP },
            Shrinkage::SubGaussian { lambda: 0.2 },
        ] {
            check(&ShrunkDr { shrinkage }, &rows(logged));
        }
        let logged = column_rows(&rows(logged));
        let dros = |lambda| ShrunkDr { shrinkage: Shrinkage::Optimistic { lambda } };
        check_merging(&Tuned::new(2, |lambda| Plain(dros(lambda))), &logged);
        check_merging(&Tuned::new(2, |lambda| Clustered(dros(lambda))), &logged);
    }

    #[test]
    fn policy_lifts() {
        for baseline in [Baseline::Logging, Baseline::Policy] {
            let four = |u: [f64; 7]| {
                let [r, p, t, ..] = logged(u);
                [r, p, t, u[5]]
            };
            check(&IpsLift { baseline, clip: CLIP }, &rows(four));
            let seven = |u: [f64; 7]| {
                let [r, p, t, q, d] = logged(u);
                [r, p, t, q, d, u[5], u[6]]
            };
            check(&DrLift { baseline, clip: CLIP }, &rows(seven));
        }
    }

    #[test]
    fn rankings() {
        // Predictions with ties, and effects that rise with them.
        let ranked = column_rows(&rows(|[y, t, e, x, ..]| {
            let (prediction, treated) = ((8.0 * x).floor() / 8.0, treated(t));
            [prediction, 100.0 + y + prediction * treated, treated, 0.1 + 0.8 * e]
        }));
        for (form, scores) in [
            (SlopeForm::Blp, Scores::Centred),
            (SlopeForm::Blp, Scores::Given),
            (SlopeForm::Grf, Scores::Centred),
        ] {
            check_merging(&OverRows(CalibrationSlope::<Independent>::new(scores, form)), &ranked);
            check_merging(&OverRows(CalibrationSlope::<InCluster>::new(scores, form)), &ranked);
        }
        let costed = column_rows(&rows(|[y, t, e, x, c, ..]| {
            let (prediction, treated) = ((8.0 * x).floor() / 8.0, treated(t));
            [prediction, y + treated, c + treated, treated, 0.1 + 0.8 * e]
        }));
        for scores in [Scores::Centred, Scores::HorvitzThompson, Scores::Given] {
            check_merging(&OverRows(Aucc::<Independent>::new(scores)), &costed);
            check_merging(&OverRows(Aucc::<InCluster>::new(scores)), &costed);
        }
        for measure in [Measure::Qini, Measure::Auuc, Measure::Autoc, Measure::UpliftAt { top: 0.35 }] {
            for scores in [Scores::Centred, Scores::HorvitzThompson, Scores::Given] {
                let canonical = Convention::Canonical;
                check_merging(&OverRows(Ranking::<Independent>::new(measure, scores, canonical)), &ranked);
                check_merging(&OverRows(Ranking::<InCluster>::new(measure, scores, canonical)), &ranked);
                // A cluster per row: the errors of both are the same but for n - 1.
                let alone = ranked.clone().in_clusters_of(1);
                let plain = infer(&OverRows(Ranking::<Independent>::new(measure, scores, canonical)), &alone);
                let clustered =
                    infer(&OverRows(Ranking::<InCluster>::new(measure, scores, canonical)), &alone);
                let (one, other) = (plain.std_error.unwrap(), clustered.std_error.unwrap());
                assert!((one - other).abs() < 1e-12 * one, "{measure:?} {scores:?}: {one} {other}");
            }
        }
    }
}
