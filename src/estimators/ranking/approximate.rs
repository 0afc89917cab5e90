//! Rankings of logs that do not fit into memory: sums of the rows whose predictions begin with the same bits.
//!
//! With at most [`CELLS`] different predictions the result is exact. With more, predictions are cut to their leading bits,
//! and those that become equal tie. The number of bits depends on the rows, not on their order. A midrank moves by no more than half of the rows of its cell: QINI and AUUC by no more than
//! half of the largest share of rows in a cell times the mean absolute score.

use hashbrown::HashMap;

use super::Ranking;
use super::bins::{Bin, CalibrationBins};
use super::curves::{CurvePoint, UpliftCurve};
use super::influences::unless_cancelled;
use super::measures::{ByPrediction, Measure, Tie};
use super::rows::{Independent, Scored};
use super::scores::{Scorer, Scores, Weights};
use super::sorting::descending;
use crate::estimators::aggregate::{Aggregate, DecodeError, Estimator, FloatReader, Rows};
use crate::estimators::inference::{Inference, IntervalSettings, Summary, summarise};

/// Different predictions that are told apart, at most.
const CELLS: usize = 1 << 16;

/// Sums of the rows of one arm, the outcomes being about an origin. Rows that bring their scores have weight one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ArmSums {
    pub(super) n: f64,
    pub(super) w: f64,
    pub(super) wy: f64,
    /// Sum of `w^2`, the mean of the outcomes with these weights, and the sum of `w^2 (y - mean)^2`.
    pub(super) ww: f64,
    mean: f64,
    spread: f64,
}

impl ArmSums {
    fn of(weight: f64, outcome: f64) -> Self {
        let (wy, ww) = (weight * outcome, weight * weight);
        Self { n: 1.0, w: weight, wy, ww, mean: outcome, spread: 0.0 }
    }

    /// Adds other rows. Source: Chan, Golub and LeVeque (1983).
    pub(super) fn add(&mut self, other: &Self) {
        if other.n == 0.0 {
            return;
        }
        let ww = self.ww + other.ww;
        let distance = other.mean - self.mean;
        self.spread += other.spread + distance * distance * self.ww * (other.ww / ww);
        self.mean += distance * (other.ww / ww);
        self.ww = ww;
        self.n += other.n;
        self.w += other.w;
        self.wy += other.wy;
    }

    /// Adds `shift` to every outcome.
    fn shifted(mut self, shift: f64) -> Self {
        self.mean += shift;
        self.wy += shift * self.w;
        self
    }

    /// Sum of `w (y - centre)` and of its squares.
    pub(super) fn about(&self, centre: f64) -> (f64, f64) {
        (self.wy - centre * self.w, self.spread + self.ww * (self.mean - centre).powi(2))
    }

    /// Whether rows can have these sums; those of outcomes may be beyond the range of numbers.
    fn is_possible(&self) -> bool {
        let is_count = (0.0..=MOST_ROWS).contains(&self.n) && self.n.fract() == 0.0;
        is_count && self.w >= 0.0 && self.ww >= 0.0 && (self.spread >= 0.0 || self.spread.is_nan())
    }
}

/// Rows beyond which counts are no longer exact.
const MOST_ROWS: f64 = 9_007_199_254_740_992.0;

/// Sums of the rows whose predictions begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    /// Least and greatest prediction, and the sum of all.
    pub(super) lowest: f64,
    pub(super) highest: f64,
    pub(super) predictions: f64,
    /// Controls, and treated or rows that bring their scores.
    pub(super) arms: [ArmSums; 2],
}

impl Cell {
    const NUMBERS: usize = 15;

    fn of(prediction: f64, arm: usize, sums: ArmSums) -> Self {
        let mut arms = [ArmSums::default(); 2];
        arms[arm] = sums;
        Self { lowest: prediction, highest: prediction, predictions: prediction, arms }
    }

    pub(super) fn count(&self) -> f64 {
        self.arms[0].n + self.arms[1].n
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
        self.predictions += other.predictions;
        self.arms.iter_mut().zip(&other.arms).for_each(|(arm, other)| arm.add(other));
    }

    fn numbers(&self) -> [f64; Self::NUMBERS] {
        let [a, b] = self.arms.map(|arm| [arm.n, arm.w, arm.wy, arm.ww, arm.mean, arm.spread]);
        let mut numbers =
            [self.lowest, self.highest, self.predictions, 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.];
        numbers[3..9].copy_from_slice(&a);
        numbers[9..].copy_from_slice(&b);
        numbers
    }

    fn of_numbers(numbers: [f64; Self::NUMBERS]) -> Self {
        let [lowest, highest, predictions, ..] = numbers;
        let arm = |at: usize| ArmSums {
            n: numbers[at],
            w: numbers[at + 1],
            wy: numbers[at + 2],
            ww: numbers[at + 3],
            mean: numbers[at + 4],
            spread: numbers[at + 5],
        };
        Self { lowest, highest, predictions, arms: [arm(3), arm(9)] }
    }
}

/// Cells by the leading bits of their predictions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    /// Bits of the prediction that do not count.
    ignored: u32,
    cells: HashMap<u64, Cell>,
    /// What outcomes are about: that of the first row.
    origin: Option<f64>,
    skipped: u64,
}

impl Cells {
    fn push(&mut self, scores: Scores, row: &Scored<Independent>) {
        let origin = *self.origin.get_or_insert(row.outcome);
        let weight = if scores == Scores::Given { 1.0 } else { row.weight };
        let sums = ArmSums::of(weight.abs(), row.outcome - origin);
        let cell = Cell::of(row.prediction, usize::from(weight > 0.0), sums);
        self.add(descending(row.prediction) >> self.ignored, &cell);
    }

    fn add(&mut self, key: u64, cell: &Cell) {
        self.cells.entry(key).and_modify(|known| known.add(cell)).or_insert(*cell);
        while self.cells.len() > CELLS {
            self.ignore(self.ignored + 1);
        }
    }

    /// Ignores some more bits.
    fn ignore(&mut self, bits: u32) {
        let more = bits - self.ignored;
        if more == 0 {
            return;
        }
        self.ignored = bits;
        for (key, cell) in std::mem::take(&mut self.cells) {
            self.cells.entry(key >> more).and_modify(|known| known.add(&cell)).or_insert(cell);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.skipped += other.skipped;
        let Some(other_origin) = other.origin else { return };
        let shift = other_origin - *self.origin.get_or_insert(other_origin);
        self.ignore(self.ignored.max(other.ignored));
        for (key, cell) in &other.cells {
            let cell = Cell { arms: cell.arms.map(|arm| arm.shifted(shift)), ..*cell };
            // More bits may have come to be ignored since.
            self.add(key >> (self.ignored - other.ignored), &cell);
        }
    }

    fn in_order(&self) -> RankedCells {
        let mut cells: Vec<_> = self.cells.iter().map(|(&key, &cell)| (key, cell)).collect();
        cells.sort_unstable_by_key(|&(key, _)| key);
        RankedCells {
            cells: cells.into_iter().map(|(_, cell)| cell).collect(),
            origin: self.origin.unwrap_or_default(),
        }
    }
}

/// Cells in order, that of the largest predictions first.
#[derive(Debug)]
pub(crate) struct RankedCells {
    pub(super) cells: Vec<Cell>,
    pub(super) origin: f64,
}

impl RankedCells {
    pub(super) fn count(&self) -> f64 {
        self.cells.iter().map(Cell::count).sum()
    }

    /// What scores the rows; `None` when an arm has none.
    pub(super) fn scorer(&self, scores: Scores) -> Option<Scorer> {
        let mut arms = [ArmSums::default(); 2];
        for cell in &self.cells {
            arms.iter_mut().zip(&cell.arms).for_each(|(arm, sums)| arm.add(sums));
        }
        let weights = arms.map(|arm| Weights { sum: arm.w, squares: arm.ww, weighted: arm.wy });
        Scorer::of_weights(scores, self.count(), weights, self.origin)
    }
}

/// Cells with what scores them.
struct ScoredCells<'a> {
    cells: &'a [Cell],
    /// A row's score is the base plus or minus its weight times the outcome about its arm's centre.
    base: f64,
    centres: [f64; 2],
}

impl<'a> ScoredCells<'a> {
    fn new(ranked: &'a RankedCells, scorer: &Scorer) -> Self {
        let (base, centres) = scorer.base_and_centres(ranked.origin);
        Self { cells: &ranked.cells, base, centres: centres.map(|centre| centre - ranked.origin) }
    }

    /// Sum of the scores of a cell, and of their squares about their mean.
    fn scores(&self, cell: &Cell) -> (f64, f64) {
        let [(control, control_squares), (treated, treated_squares)] =
            [0, 1].map(|arm| cell.arms[arm].about(self.centres[arm]));
        let (n, about) = (cell.count(), treated - control);
        (n * self.base + about, (treated_squares + control_squares - about * about / n).max(0.0))
    }
}

impl ByPrediction for ScoredCells<'_> {
    type Rows = Cell;

    fn count(&self) -> f64 {
        self.cells.iter().map(Cell::count).sum()
    }

    fn sum(&self) -> f64 {
        self.cells.iter().map(|cell| self.scores(cell).0).sum()
    }

    fn is_constant(&self) -> bool {
        self.cells.len() == 1
    }

    fn upwards(&self, mut visit: impl FnMut(&Cell, &Tie)) {
        let mut above = self.count();
        for cell in self.cells.iter().rev() {
            let count = cell.count();
            above -= count;
            visit(cell, &Tie { above, count, sum: self.scores(cell).0 });
        }
    }
}

impl Measure {
    /// The estimate, and its variance with at least two rows.
    fn of_cells(self, scores: &ScoredCells<'_>) -> (f64, Option<f64>) {
        let n = scores.count();
        let mut sum = 0.0;
        self.influences(scores, |_, tie, influence| sum += influence.factor * tie.sum);
        let estimate = sum / n;
        let mut squares = 0.0;
        self.influences(scores, |cell, tie, influence| {
            let (sum, about_mean) = scores.scores(cell);
            let scored = influence.factor * sum / tie.count;
            let magnitude = scored.abs() + influence.magnitude(estimate);
            let of_mean = unless_cancelled(scored + influence.constant(estimate), magnitude);
            squares += influence.factor.powi(2) * about_mean + tie.count * of_mean * of_mean;
        });
        (estimate, (n >= 2.0).then(|| squares / (n * (n - 1.0))))
    }
}

/// A function of cells.
pub(crate) trait CellFunction: Clone + std::fmt::Debug + Send + Sync + 'static {
    type Output;

    /// Where the scores of rows come from.
    fn scores(&self) -> Scores;
    /// The result.
    fn of_cells(&self, ranked: &RankedCells) -> Self::Output;
}

/// A function of cells that estimates.
pub(crate) trait CellEstimate: CellFunction<Output = Option<f64>> {
    /// The estimate with its error; the counts of rows are filled in.
    fn summary_of_cells(&self, ranked: &RankedCells) -> Summary;
}

/// The aggregate of a function of cells.
#[derive(Clone, Debug)]
pub(crate) struct OverCells<F>(pub(crate) F);

impl<F: CellFunction> Aggregate for OverCells<F> {
    type State = Cells;
    type Output = F::Output;

    const FLOATS: usize = 0;
    const SLIDES: bool = false;

    fn update(&self, state: &mut Cells, rows: Rows<'_>) {
        let scores = self.0.scores();
        (0..rows.len).for_each(|i| state.push(scores, &scores.read(&rows, i)));
    }

    fn update_groups(&self, states: &mut [Cells], groups: &[usize], rows: Rows<'_>) {
        let scores = self.0.scores();
        for (i, &group) in groups.iter().enumerate() {
            states[group].push(scores, &scores.read(&rows, i));
        }
    }

    fn skip(&self, state: &mut Cells) {
        state.skipped += 1;
    }

    fn merge(&self, state: &mut Cells, other: &Cells) {
        state.merge(other);
    }

    fn write(&self, state: &Cells, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.skipped.to_le_bytes());
        out.extend_from_slice(&u64::from(state.ignored).to_le_bytes());
        out.extend_from_slice(&state.origin.unwrap_or(f64::NAN).to_le_bytes());
        for (key, cell) in &state.cells {
            out.extend_from_slice(&key.to_le_bytes());
            cell.numbers().iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
        }
    }

    fn read(&self, bytes: &mut FloatReader<'_>) -> Result<Cells, DecodeError> {
        let skipped = u64::from_le_bytes(bytes.bytes()?);
        let ignored = u64::from_le_bytes(bytes.bytes()?);
        let origin = f64::from_le_bytes(bytes.bytes()?);
        if ignored >= u64::from(u64::BITS) {
            return Err(DecodeError::Content);
        }
        let mut rows = 0.0;
        let mut cells = HashMap::with_capacity((bytes.remaining() / (8 + 8 * Cell::NUMBERS)).min(CELLS));
        while bytes.remaining() > 0 {
            let key = u64::from_le_bytes(bytes.bytes()?);
            let numbers = bytes.floats(Cell::NUMBERS, |next| std::array::from_fn(|_| next()))?;
            let cell = Cell::of_numbers(numbers);
            rows += cell.count();
            let is_possible = cell.arms.iter().all(ArmSums::is_possible)
                && cell.count() >= 1.0
                && rows <= MOST_ROWS
                && cell.lowest <= cell.highest
                && origin.is_finite();
            let fits = key >> (u64::BITS - ignored as u32 - 1) <= 1 && cells.len() < CELLS;
            if !is_possible || !fits {
                return Err(DecodeError::Content);
            }
            cells.insert(key, cell);
        }
        let origin = Some(origin).filter(|origin| origin.is_finite());
        Ok(Cells { ignored: ignored as u32, cells, origin, skipped })
    }

    fn heap_size(&self, state: &Cells) -> usize {
        state.cells.allocation_size()
    }

    fn finish(&self, state: &Cells) -> F::Output {
        self.0.of_cells(&state.in_order())
    }
}

impl<F: CellEstimate> Estimator for OverCells<F> {
    fn missing(&self, _settings: &IntervalSettings) -> Option<&'static str> {
        None
    }

    fn inference(&self, state: &Cells, settings: &IntervalSettings) -> Inference {
        let ranked = state.in_order();
        let summary = self.0.summary_of_cells(&ranked);
        let summary = Summary { n: ranked.count() as u64, n_skipped: state.skipped, ..summary };
        summarise(summary, settings)
    }
}

impl CellFunction for Ranking<Independent> {
    type Output = Option<f64>;

    fn scores(&self) -> Scores {
        self.scores
    }

    fn of_cells(&self, ranked: &RankedCells) -> Option<f64> {
        self.summary_of_cells(ranked).estimate.filter(|estimate| estimate.is_finite())
    }
}

impl CellEstimate for Ranking<Independent> {
    fn summary_of_cells(&self, ranked: &RankedCells) -> Summary {
        let Some(scorer) = ranked.scorer(self.scores) else { return Summary::default() };
        let (estimate, variance) = self.measure.of_cells(&ScoredCells::new(ranked, &scorer));
        Summary { estimate: Some(estimate), variance, ess: Some(scorer.ess), ..Summary::default() }
    }
}

impl CellFunction for UpliftCurve<Independent> {
    type Output = Vec<CurvePoint>;

    fn scores(&self) -> Scores {
        self.scores
    }

    /// A point is the share times the effect among the top.
    fn of_cells(&self, ranked: &RankedCells) -> Vec<CurvePoint> {
        let Some(scorer) = ranked.scorer(self.scores) else { return vec![] };
        let scores = ScoredCells::new(ranked, &scorer);
        let n = scores.count();
        let mut curve = vec![CurvePoint::zero()];
        curve.extend((1..=self.points).map(|point| {
            let share = point as f64 / self.points as f64;
            let (effect, variance) = Measure::UpliftAt { top: share }.of_cells(&scores);
            let (rank, mut through) = (n * point as f64 / self.points as f64, 0.0);
            let last = ranked.cells.iter().find(|cell| {
                through += cell.count();
                through >= rank
            });
            let threshold = last.or(ranked.cells.last()).map(|cell| cell.lowest);
            CurvePoint { share, threshold, uplift: share * effect, ..CurvePoint::default() }.with_error(
                variance.map(|variance| share * variance.sqrt()),
                self.alpha,
                None,
            )
        }));
        curve
    }
}

impl CellFunction for CalibrationBins {
    type Output = Vec<Bin>;

    fn scores(&self) -> Scores {
        self.scores
    }

    /// Cells go to bins as rows of equal predictions do.
    fn of_cells(&self, ranked: &RankedCells) -> Vec<Bin> {
        let n = ranked.count() as usize;
        let mut bins: Vec<(usize, Cell)> = vec![];
        let mut below = 0;
        for cell in ranked.cells.iter().rev() {
            let through = below + cell.count() as usize;
            let number = self.number(cell.lowest, below, through, n);
            match bins.last_mut() {
                Some((last, sums)) if *last == number => sums.add(cell),
                _ => bins.push((number, *cell)),
            }
            below = through;
        }
        bins.into_iter().map(|(number, cell)| self.bin_of_cell(number, &cell, ranked.origin)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::laws::{check_merging, column_rows, infer};
    use crate::estimators::{Convention, OverRows};

    fn rows(n: usize, prediction: impl Fn(f64) -> f64) -> Vec<[f64; 4]> {
        let draw = |i: usize, salt: usize| ((i * i * salt + 31 * i + 7) % 100_003) as f64 / 100_003.0;
        (0..n)
            .map(|i| {
                let (x, treated) = (draw(i, 7), f64::from(draw(i, 11) < 0.4));
                [prediction(x), 1e6 + draw(i, 13) + x * treated, treated, 0.2 + 0.6 * draw(i, 17)]
            })
            .collect()
    }

    #[test]
    fn few_predictions_are_exact() {
        let table = column_rows(&rows(2000, |x| (50.0 * x).floor() - 25.0));
        for measure in [Measure::Qini, Measure::Auuc, Measure::Autoc, Measure::UpliftAt { top: 0.35 }] {
            for scores in [Scores::Centred, Scores::HorvitzThompson, Scores::Given] {
                let ranking = Ranking::<Independent>::new(measure, scores, Convention::Canonical);
                let (exact, cells) =
                    (infer(&OverRows(ranking.clone()), &table), infer(&OverCells(ranking), &table));
                let near = |a: Option<f64>, b: Option<f64>| {
                    (a.unwrap() - b.unwrap()).abs() <= 1e-7 * b.unwrap().abs()
                };
                assert!(near(cells.estimate, exact.estimate), "{measure:?} {scores:?}: {cells:?} {exact:?}");
                assert!(
                    near(cells.std_error, exact.std_error),
                    "{measure:?} {scores:?}: {cells:?} {exact:?}"
                );
            }
        }
    }

    #[test]
    fn cells_merge_in_any_order() {
        let ranking = Ranking::<Independent>::new(Measure::Qini, Scores::Centred, Convention::Canonical);
        check_merging(&OverCells(ranking), &column_rows(&rows(300, |x| (20.0 * x).round() / 20.0)));
    }

    /// Bytes that a user hands in: counts that no rows have are refused, not counted down.
    #[test]
    fn impossible_counts_are_refused() {
        let ranking = Ranking::<Independent>::new(Measure::Autoc, Scores::Given, Convention::Canonical);
        let cells = OverCells(ranking);
        let state = |n: f64| {
            let arm = ArmSums { n, ..ArmSums::of(1.0, 0.5) };
            Cells {
                origin: Some(0.0),
                cells: HashMap::from([(7, Cell::of(1.0, 1, arm))]),
                ..Cells::default()
            }
        };
        for (n, is_read) in
            [(1.0, true), (5.0, true), (0.0, false), (-3.0, false), (1.5, false), (1e18, false)]
        {
            let mut bytes = vec![];
            cells.write(&state(n), &mut bytes);
            assert_eq!(cells.read(&mut FloatReader::new(&bytes)).is_ok(), is_read, "{n}");
        }
    }

    /// More predictions than cells: the result is that of rounded ones, and near the exact one.
    #[test]
    fn many_predictions_are_rounded() {
        let all = rows(2 * CELLS, |x| x + 1e-9);
        let distinct: Vec<[f64; 4]> = all
            .iter()
            .enumerate()
            .map(|(i, row)| [row[0] + i as f64 * 1e-9, row[1], row[2], row[3]])
            .collect();
        let ranking = Ranking::<Independent>::new(Measure::Qini, Scores::Centred, Convention::Canonical);
        let aggregate = OverCells(ranking.clone());
        let table = column_rows(&distinct);
        let (exact, cells) = (infer(&OverRows(ranking), &table), infer(&aggregate, &table));
        let reach = (cells.estimate.unwrap() - exact.estimate.unwrap()).abs();
        assert!(reach > 0.0 && reach < 0.001 * exact.std_error.unwrap(), "{cells:?} {exact:?}");
        let mut state = Cells::default();
        for row in &distinct {
            let weight = if row[2] == 1.0 { 1.0 / row[3] } else { -1.0 / (1.0 - row[3]) };
            let scored = Scored { prediction: row[0], outcome: row[1], weight, dependence: Independent };
            state.push(Scores::Centred, &scored);
        }
        assert!(state.cells.len() <= CELLS && state.cells.len() > CELLS / 4, "{}", state.cells.len());
        let ignored = state.ignored;
        let mut halves = Cells::default();
        for part in distinct.chunks(CELLS / 2).rev() {
            let mut half = Cells::default();
            for row in part {
                let scored =
                    Scored { prediction: row[0], outcome: row[1], weight: 1.0, dependence: Independent };
                half.push(Scores::Centred, &scored);
            }
            halves.merge(&half);
        }
        assert_eq!((halves.ignored, halves.cells.len()), (ignored, state.cells.len()));
    }
}
