//! Training: what is fitted to which rows, so that no member of a model says anything of a unit it has seen.
//!
//! The member of a fold `k` is fitted to the rows of the other folds. What its target needs of a row of fold `j`, such as the
//! outcome of the other arm, comes from functions fitted without the folds `j` and `k`: the target of a row then holds
//! neither its own outcome nor one of a unit that the member speaks of later; how many trees such a function has is chosen by
//! the rows that it was fitted without. With one fold everything is fitted to all
//! rows, as the methods were first published.
//! Source: Chernozhukov et al. (2018), "Double/Debiased Machine Learning for Treatment and Structural Parameters".

use std::sync::atomic::AtomicBool;

use super::base::{Base, FitError, Function, Problem, Rows, Space, Table, Task};
use super::boosting::{Curve, helpful};
use super::calibration::{Calibration, Calibrator};
use super::drawing::Drawing;
use super::features::Column;
use super::method::{Arm, Method};
use super::model::{Effect, Member, Model, Share, with_last};
use super::parts::each;
use super::sample::Sample;
use super::streamed::{Streamed, StreamedRows};

/// Where a fitted propensity is divided by, it is kept this far from 0 and 1: there it is an extrapolation, not a design.
const LEAST_PROPENSITY: f64 = 0.01;

/// How a model is trained.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) method: Method,
    /// What fits outcomes and propensities, and what fits effects.
    pub(crate) base: Base,
    pub(crate) effect_base: Base,
    pub(crate) drawing: Drawing,
    /// How probabilities are calibrated, where there are folds.
    pub(crate) calibrator: Calibrator,
    /// The fewest rows that anything is fitted to.
    pub(crate) min_rows: usize,
}

/// What a training may take; it changes nothing of the model.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) threads: usize,
    pub(crate) stopped: &'a AtomicBool,
    /// Called after each function that is fitted, of as many as [`functions`] says.
    pub(crate) on_fit: &'a (dyn Fn() + Sync),
}

/// Why there is no model.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum TrainError {
    #[error("{}", too_few(*.arm, *.rows, *.needed, *.without))]
    TooFewRows { arm: Arm, rows: usize, needed: usize, without: [Option<u32>; 2] },
    #[error("{0}")]
    Fit(#[from] FitError),
}

fn too_few(arm: Arm, rows: usize, needed: usize, without: [Option<u32>; 2]) -> String {
    let folds: Vec<String> = without.into_iter().flatten().map(|fold| (fold + 1).to_string()).collect();
    let outside = match folds.as_slice() {
        [] => String::new(),
        [fold] => format!(" outside fold {fold}"),
        folds => format!(" outside folds {}", folds.join(" and ")),
    };
    format!("at least {needed} {}rows{outside} are needed, got {rows}", arm.name())
}

/// How many functions are fitted for a model of so many outcomes.
pub(crate) fn functions(settings: &Settings, outcomes: usize, has_propensity: bool) -> usize {
    let Settings { method, drawing, .. } = settings;
    let (folds, bags) = (drawing.folds as usize, drawing.bags as usize);
    let effects = method.nuisances().len() * pairs(drawing.folds).len() + method.finals().len() * folds;
    let propensities = if method.needs_propensity() && !has_propensity { folds } else { 0 };
    propensities + usize::from(*method == Method::X) + effects * outcomes * bags
}

/// Pairs of folds that are left out together.
pub(super) fn pairs(folds: u32) -> Vec<Pair> {
    match folds {
        1 => vec![[0, 0]],
        folds => (0..folds).flat_map(|a| (a + 1..folds).map(move |b| [a, b])).collect(),
    }
}

/// Trains a model.
///
/// # Errors
///
/// When rows are too few, a fit fails, or the work is ended from outside.
pub(crate) fn train(sample: &Sample, settings: &Settings, work: Work<'_>) -> Result<Model, TrainError> {
    let last = || sample.treated.iter().map(|&treated| f64::from(treated)).collect();
    let switched = (settings.method == Method::S).then(|| with_last(&sample.features, last()));
    let features = switched.as_ref().unwrap_or(&sample.features);
    let space = Space::fit(&settings.base, features, sample.weight.as_deref(), work.threads);
    let table = space.table(features, work.threads).expect("the space was made from these features");
    let mut by_fold = vec![vec![]; settings.drawing.folds as usize];
    (0..).zip(&sample.keys).for_each(|(row, &key)| by_fold[settings.drawing.fold(key) as usize].push(row));
    let mut trainer = Trainer { sample, settings, work, table, by_fold, propensity: vec![] };
    if matches!(settings.base, Base::Linear(_)) && settings.method != Method::Propensity {
        return trainer.train_sums();
    }
    let share = trainer.find_propensity()?;
    let mut members = vec![];
    for bag in 0..settings.drawing.bags {
        members.extend(trainer.members(bag)?);
    }
    drop(trainer);
    Ok(Model { space, drawing: settings.drawing, share, members })
}

struct Trainer<'a> {
    sample: &'a Sample,
    settings: &'a Settings,
    work: Work<'a>,
    table: Table<'a>,
    /// The rows of each fold.
    by_fold: Vec<Vec<u32>>,
    /// P(treated) of each row, where the method needs it.
    propensity: Vec<f64>,
}

/// One function to be fitted.
struct Job<'a> {
    base: &'a Base,
    task: Task,
    arm: Arm,
    /// Folds that are left out, and then say how many trees help.
    without: [Option<u32>; 2],
    target: &'a [f64],
    weight: Option<&'a [f64]>,
}

/// A function, with what its trees do for rows that it has not seen where there are such rows.
type Grown = (Function, Option<Curve>);

/// Two folds that are left out together, in order; the same one twice where there is one fold.
pub(super) type Pair = [u32; 2];

/// What the nuisances that have not seen two folds say of the rows of each, by nuisance.
struct Nuisances {
    pair: Pair,
    values: [Vec<Vec<f64>>; 2],
}

impl Trainer<'_> {
    fn folds(&self) -> u32 {
        self.settings.drawing.folds
    }

    fn is_crossed(&self) -> bool {
        self.folds() > 1
    }

    /// Fits functions, each with the trees that help the rows it has not seen.
    fn fit(&self, jobs: &[Job<'_>]) -> Result<Vec<Function>, TrainError> {
        let grown = self.grow(jobs)?;
        let kept = |(function, curve): Grown| match &curve {
            Some(curve) => function.truncated(curve.surely_helpful()),
            None => function,
        };
        Ok(grown.into_iter().map(kept).collect())
    }

    /// Fits functions, sharing the threads among them.
    fn grow(&self, jobs: &[Job<'_>]) -> Result<Vec<Grown>, TrainError> {
        let fit = |at: usize, threads| self.fit_one(&jobs[at], threads);
        each(jobs.len(), self.work.threads, fit).into_iter().collect()
    }

    fn fit_one(&self, job: &Job<'_>, threads: usize) -> Result<Grown, TrainError> {
        let is_of_arm = |row: &u32| job.arm.has(self.sample, *row);
        let is_weighted = |row: &u32| job.weight.is_none_or(|weight| weight[*row as usize] > 0.0);
        let of_folds = |left_out: bool| -> Vec<u32> {
            let folds = (0..).zip(&self.by_fold);
            let folds = folds.filter(|(fold, _)| job.without.contains(&Some(*fold)) == left_out);
            let mut rows: Vec<u32> = folds.flat_map(|(_, rows)| rows).copied().filter(is_of_arm).collect();
            // Sums go in the order of the table, whatever the folds.
            rows.sort_unstable();
            rows
        };
        let mut rows = of_folds(false);
        rows.retain(is_weighted);
        let needed = self.settings.min_rows;
        if rows.len() < needed {
            return Err(TrainError::TooFewRows {
                arm: job.arm,
                rows: rows.len(),
                needed,
                without: job.without,
            });
        }
        let held_out = of_folds(true);
        let problem = Problem {
            task: job.task,
            rows: &rows,
            target: job.target,
            weight: job.weight,
            keys: &self.sample.keys,
            held_out: &held_out,
        };
        let fitted = job.base.fit(&self.table, problem, threads, self.work.stopped)?;
        (self.work.on_fit)();
        Ok(fitted)
    }

    /// Trains a model of linear functions: these come from sums, once P(treated) is known.
    fn train_sums(&self) -> Result<Model, TrainError> {
        let Self { sample, settings, work, .. } = *self;
        let columns = &sample.features.columns;
        let mut sums = Streamed::new(StreamedRows {
            method: settings.method,
            drawing: settings.drawing,
            is_numeric: columns.iter().map(|column| matches!(column, Column::Numeric(_))).collect(),
            outcomes: sample.outcomes.len(),
            is_weighted: sample.weight.is_some(),
        });
        let propensity = match settings.method.needs_propensity() {
            true => Some(self.propensities()?),
            false => None,
        };
        sums.add(sample, propensity.as_deref(), work.stopped)?;
        let levels = |column: &Column| match column {
            Column::Numeric(_) => vec![],
            Column::Categorical { levels, .. } => (0..*levels).collect(),
        };
        sums.train(&columns.iter().map(levels).collect::<Vec<_>>(), settings, work)
    }

    /// Finds P(treated) of all rows: given, or fitted without each row's fold. Returns how it follows from the features.
    fn find_propensity(&mut self) -> Result<Option<Share>, TrainError> {
        let Self { settings, .. } = *self;
        if !settings.method.needs_propensity() {
            return Ok(None);
        }
        self.propensity = self.propensities()?;
        if settings.method != Method::X {
            return Ok(None);
        }
        let (low, high) =
            self.propensity.iter().fold((1.0_f64, 0.0_f64), |(low, high), &e| (low.min(e), high.max(e)));
        if low >= high {
            (self.work.on_fit)();
            return Ok(Some(Share::Constant(low)));
        }
        let target = &self.propensity;
        let job = Job {
            base: &settings.base,
            task: Task::Mean,
            arm: Arm::Both,
            without: [None; 2],
            target,
            weight: None,
        };
        let (function, _) = self.fit_one(&job, self.work.threads)?;
        Ok(Some(Share::Fitted { function, low, high }))
    }

    /// P(treated) of all rows: given, or fitted without each row's fold.
    fn propensities(&self) -> Result<Vec<f64>, TrainError> {
        if let Some(propensity) = &self.sample.propensity {
            return Ok(propensity.clone());
        }
        let mut fitted = self.fitted_propensity()?;
        if self.settings.method != Method::X {
            fitted.iter_mut().for_each(|e| *e = e.clamp(LEAST_PROPENSITY, 1.0 - LEAST_PROPENSITY));
        }
        Ok(fitted)
    }

    fn fitted_propensity(&self) -> Result<Vec<f64>, TrainError> {
        let target: Vec<f64> = self.sample.treated.iter().map(|&treated| f64::from(treated)).collect();
        let (base, target) = (&self.settings.base, target.as_slice());
        let job = |fold: u32| Job {
            base,
            task: Task::LogOdds,
            arm: Arm::Both,
            without: [self.is_crossed().then_some(fold), None],
            target,
            weight: None,
        };
        let functions = self.fit(&(0..self.folds()).map(job).collect::<Vec<_>>())?;
        let mut propensity = vec![0.0; self.sample.rows()];
        for (function, rows) in functions.iter().zip(&self.by_fold) {
            let values = function.values(Task::LogOdds, &self.table, Rows::Some(rows), self.work.threads);
            rows.iter().zip(values).for_each(|(&row, value)| propensity[row as usize] = value);
        }
        Ok(propensity)
    }

    /// The members of a bag: one for each fold.
    fn members(&self, bag: u32) -> Result<Vec<Member>, TrainError> {
        let weight = self.weights(bag);
        let heads = self.sample.outcomes.iter().map(|outcome| self.effects(outcome, weight.as_deref()));
        let heads: Vec<Vec<Effect>> = heads.collect::<Result<_, _>>()?;
        let member = |fold: u32| Member {
            bag,
            fold: self.is_crossed().then_some(fold),
            heads: heads.iter().map(|effects| effects[fold as usize].clone()).collect(),
        };
        Ok((0..self.folds()).map(member).collect())
    }

    /// How much each row counts in a bag; `None` where all count once.
    fn weights(&self, bag: u32) -> Option<Vec<f64>> {
        let Drawing { bags, .. } = self.settings.drawing;
        let drawn = || self.sample.keys.iter().map(|&key| f64::from(self.settings.drawing.times(bag, key)));
        match (&self.sample.weight, bags > 1) {
            (None, false) => None,
            (None, true) => Some(drawn().collect()),
            (Some(weight), false) => Some(weight.clone()),
            (Some(weight), true) => Some(drawn().zip(weight).map(|(times, weight)| times * weight).collect()),
        }
    }

    /// The effect of each fold's member on an outcome.
    fn effects(&self, outcome: &[f64], weight: Option<&[f64]>) -> Result<Vec<Effect>, TrainError> {
        let Settings { method, base, effect_base, .. } = self.settings;
        let nuisances = self.nuisances(outcome, weight)?;
        let targets: Vec<_> =
            (0..self.folds()).map(|fold| self.targets(fold, outcome, weight, &nuisances)).collect();
        let (base, task) = match method {
            Method::X | Method::R | Method::Dr => (effect_base, Task::Mean),
            Method::T | Method::S | Method::Outcome => (base, Task::Mean),
            Method::Propensity => (base, Task::LogOdds),
        };
        let mut jobs = vec![];
        for (fold, (target, weight)) in (0..).zip(&targets) {
            let without = [self.is_crossed().then_some(fold), None];
            let (target, weight) = (target.as_deref().unwrap_or(outcome), weight.as_deref());
            jobs.extend(method.finals().iter().map(|&arm| Job { base, task, arm, without, target, weight }));
        }
        let mut functions = self.without_a_look(self.grow(&jobs)?).into_iter();
        let mut next = || functions.next().expect("every job gives a function");
        let effect = |_| match method {
            Method::X => Effect::Weighted { control: next(), treated: next() },
            Method::T => Effect::Difference { control: next(), treated: next() },
            Method::S => Effect::Switched(next()),
            Method::R | Method::Dr | Method::Outcome => Effect::Plain(next()),
            Method::Propensity => Effect::Probability(next(), Calibration::None),
        };
        let mut effects: Vec<Effect> = (0..self.folds()).map(effect).collect();
        if *method == Method::Propensity && self.is_crossed() {
            self.calibrate(&mut effects, outcome, weight)?;
        }
        Ok(effects)
    }

    /// Keeps as many trees of each member's functions as help the units that the other members have not seen. By those that it
    /// has not seen itself it would be chosen for what these did, and then speak of them.
    fn without_a_look(&self, grown: Vec<Grown>) -> Vec<Function> {
        let finals = self.settings.method.finals().len();
        let (functions, curves): (Vec<_>, Vec<_>) = grown.into_iter().unzip();
        let kept = |(at, function): (usize, Function)| {
            let others = (at % finals..curves.len()).step_by(finals).filter(|other| *other != at);
            match curves[at] {
                Some(_) => function.truncated(helpful(others.filter_map(|other| curves[other].as_ref()))),
                None => function,
            }
        };
        functions.into_iter().enumerate().map(kept).collect()
    }

    /// Calibrates the probabilities of all folds by what each says of the rows it has not seen.
    fn calibrate(
        &self,
        effects: &mut [Effect],
        outcome: &[f64],
        weight: Option<&[f64]>,
    ) -> Result<(), TrainError> {
        let mut log_odds = vec![0.0; outcome.len()];
        for (effect, rows) in effects.iter().zip(&self.by_fold) {
            let Effect::Probability(function, _) = effect else { continue };
            let values = function.values(Task::Mean, &self.table, Rows::Some(rows), self.work.threads);
            rows.iter().zip(values).for_each(|(&row, value)| log_odds[row as usize] = value);
        }
        let fitted = Calibration::fit(self.settings.calibrator, &log_odds, outcome, weight);
        let fitted = fitted.map_err(FitError::from)?;
        for effect in effects {
            if let Effect::Probability(_, calibration) = effect {
                calibration.clone_from(&fitted);
            }
        }
        Ok(())
    }

    /// The values of the nuisances that were fitted without a pair of folds, at the rows of these folds.
    fn nuisances(&self, outcome: &[f64], weight: Option<&[f64]>) -> Result<Vec<Nuisances>, TrainError> {
        let Settings { method, base, .. } = self.settings;
        let arms = method.nuisances();
        if arms.is_empty() {
            return Ok(vec![]);
        }
        let pairs = pairs(self.folds());
        let left_out = |pair: Pair| pair.map(|fold| self.is_crossed().then_some(fold));
        let of_pair = |&pair: &Pair| {
            let job = move |&arm| Job {
                base,
                task: Task::Mean,
                arm,
                without: left_out(pair),
                target: outcome,
                weight,
            };
            arms.iter().map(job)
        };
        let functions = self.fit(&pairs.iter().flat_map(of_pair).collect::<Vec<_>>())?;
        let values_of = |(pair, functions): (Pair, &[Function])| {
            let at_fold = |fold: u32| -> Vec<Vec<f64>> {
                let rows = Rows::Some(&self.by_fold[fold as usize]);
                let values =
                    |function: &Function| function.values(Task::Mean, &self.table, rows, self.work.threads);
                functions.iter().map(values).collect()
            };
            Nuisances { pair, values: pair.map(at_fold) }
        };
        Ok(pairs.into_iter().zip(functions.chunks(arms.len())).map(values_of).collect())
    }

    /// Targets and weights of the member of a fold; `None` where they are the outcome's own.
    fn targets(
        &self,
        fold: u32,
        outcome: &[f64],
        weight: Option<&[f64]>,
        nuisances: &[Nuisances],
    ) -> (Option<Vec<f64>>, Option<Vec<f64>>) {
        if nuisances.is_empty() {
            return (None, weight.map(<[f64]>::to_vec));
        }
        let (mut targets, mut weights) = (vec![0.0; outcome.len()], vec![0.0; outcome.len()]);
        let mut at_row = vec![0.0; self.settings.method.nuisances().len()];
        for (other, rows) in (0..).zip(&self.by_fold) {
            // Rows of the fold itself only say when to stop: any pair that it is in will do.
            let partner = if other == fold && self.is_crossed() { (fold + 1) % self.folds() } else { other };
            let pair = [fold.min(partner), fold.max(partner)];
            let Some(nuisances) = nuisances.iter().find(|nuisances| nuisances.pair == pair) else { continue };
            let values = &nuisances.values[usize::from(pair[0] != other)];
            for (i, &row) in rows.iter().enumerate() {
                at_row.iter_mut().zip(values).for_each(|(value, column)| *value = column[i]);
                let row = row as usize;
                let (y, t, e) = (outcome[row], self.sample.treated[row], self.propensity[row]);
                let (target, times) = self.settings.method.target(y, t, e, &at_row);
                targets[row] = target;
                weights[row] = times * weight.map_or(1.0, |weight| weight[row]);
            }
        }
        let is_plain = self.settings.method != Method::R && weight.is_none();
        (Some(targets), if is_plain { None } else { Some(weights) })
    }
}
