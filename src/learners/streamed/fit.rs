//! A model from the sums of all rows.

use std::sync::atomic::Ordering;

use super::Streamed;
use crate::learners::base::{Base, FitError, Function, Space};
use crate::learners::linear::{Centred, Layout, LinearModel, Products, Totals, Vector, ridge};
use crate::learners::method::{Arm, Method};
use crate::learners::model::{Effect, Member, Model, Share};
use crate::learners::parts::each;
use crate::learners::train::{Pair, Settings, TrainError, Work, pairs};

impl Streamed {
    /// Trains a model. `levels` has the codes of each categorical feature in the order of its levels.
    ///
    /// # Errors
    ///
    /// When rows are too few, a fit fails, or the work is ended from outside.
    pub(crate) fn train(
        &self,
        levels: &[Vec<u32>],
        settings: &Settings,
        work: Work<'_>,
    ) -> Result<Model, TrainError> {
        let Self { rows, flags, cells, undrawn, unweighted, .. } = self;
        let (count, features) = (rows.numbers(), rows.features());
        let of_first_bag = || {
            let mut all = Products::default();
            let cells = cells.chunks(rows.channels()).take(rows.drawing.folds as usize);
            let cells = cells.flat_map(|cells| &cells[..rows.whole()]);
            cells.for_each(|cell| all.merge(cell, count, |flag| flag));
            all
        };
        let all = undrawn.clone().unwrap_or_else(of_first_bag);
        let arm = (features.len() > levels.len()).then(Vec::new);
        let levels: Vec<Vec<u32>> = levels.iter().cloned().chain(arm).collect();
        let (encoding, layout) = Layout::new(&features, &levels, flags, &all, count);
        let fitter = Fitter { streamed: self, settings, work, layout };
        let share = match settings.method {
            Method::X => Some(fitter.share(unweighted.as_ref().unwrap_or(&all))?),
            _ => None,
        };
        let mut members = vec![];
        for bag in 0..settings.drawing.bags {
            members.extend(fitter.members(bag)?);
        }
        Ok(Model { space: Space::Columns(encoding), drawing: settings.drawing, share, members })
    }
}

struct Fitter<'a> {
    streamed: &'a Streamed,
    settings: &'a Settings,
    work: Work<'a>,
    layout: Layout,
}

/// The sums of a bag by fold and channel.
struct Bag {
    channels: usize,
    cells: Vec<Totals>,
}

impl Bag {
    fn cell(&self, fold: u32, channel: usize) -> &Totals {
        &self.cells[fold as usize * self.channels + channel]
    }
}

/// What functions are fitted to: the rows of an arm outside some folds, in some channels.
#[derive(Clone, Copy)]
struct Rows<'a> {
    arm: Arm,
    without: [Option<u32>; 2],
    channels: &'a [usize],
}

/// Functions of the outcomes that have not seen two folds, by nuisance and outcome.
type Nuisances = Vec<(Pair, Vec<Vec<Vector>>)>;

impl Fitter<'_> {
    fn folds(&self) -> u32 {
        self.settings.drawing.folds
    }

    fn left_out(&self, fold: u32) -> Option<u32> {
        (self.folds() > 1).then_some(fold)
    }

    fn outcomes(&self) -> std::ops::Range<usize> {
        let first = self.streamed.rows.first_outcome();
        first..first + self.streamed.rows.outcomes
    }

    /// The folds whose rows functions are fitted to.
    fn kept(&self, without: [Option<u32>; 2]) -> impl Iterator<Item = u32> {
        (0..self.folds()).filter(move |fold| !without.contains(&Some(*fold)))
    }

    /// Fits a function to each target, given by its sums of products.
    fn solve(
        &self,
        base: &Base,
        rows: Rows<'_>,
        totals: &Totals,
        targets: &[Vector],
    ) -> Result<Vec<LinearModel>, TrainError> {
        let Base::Linear(penalty) = base else { unreachable!("linear functions alone come from sums") };
        if self.work.stopped.load(Ordering::Relaxed) {
            return Err(FitError::Stopped.into());
        }
        let (Rows { arm, without, .. }, needed) = (rows, self.settings.min_rows);
        if totals.rows < needed as u64 {
            return Err(TrainError::TooFewRows { arm, rows: totals.rows as usize, needed, without });
        }
        let centred = Centred::new(totals, &self.layout.columns, targets);
        let models = ridge(&centred, *penalty).map_err(FitError::from)?;
        targets.iter().for_each(|_| (self.work.on_fit)());
        Ok(models)
    }

    /// The sums of rows.
    fn totals(&self, bag: &Bag, rows: Rows<'_>) -> Totals {
        let mut totals = Totals::default();
        for fold in self.kept(rows.without) {
            rows.channels.iter().for_each(|&channel| totals.add(bag.cell(fold, channel)));
        }
        totals
    }

    /// How P(treated) follows from the features.
    fn share(&self, all: &Products) -> Result<Share, TrainError> {
        let Streamed { low, high, .. } = *self.streamed;
        if low >= high {
            (self.work.on_fit)();
            return Ok(Share::Constant(low));
        }
        let totals = self.layout.totals(all);
        let rows = Rows { arm: Arm::Both, without: [None; 2], channels: &[] };
        let target = totals.column(self.outcomes().end);
        let mut models = self.solve(&self.settings.base, rows, &totals, &[target])?;
        Ok(Share::Fitted { function: Function::Linear(models.remove(0)), low, high })
    }

    /// The members of a bag: one for each fold.
    fn members(&self, bag: u32) -> Result<Vec<Member>, TrainError> {
        let channels = self.streamed.rows.channels();
        let cells = self.streamed.cells.chunks(channels * self.folds() as usize).nth(bag as usize);
        let cells = cells.unwrap_or_default();
        let cells = each(cells.len(), self.work.threads, |at, _| self.layout.totals(&cells[at]));
        let sums = Bag { channels, cells };
        let nuisances = self.nuisances(&sums)?;
        let finals = self.settings.method.finals();
        let fit = |at: usize, _| {
            let (fold, which) = (at / finals.len(), at % finals.len());
            self.fit_final(&sums, &nuisances, fold as u32, which)
        };
        let fitted = each(finals.len() * self.folds() as usize, self.work.threads, fit);
        let fitted: Vec<Vec<LinearModel>> = fitted.into_iter().collect::<Result<_, _>>()?;
        let member = |(fold, of_finals): (u32, &[Vec<LinearModel>])| Member {
            bag,
            fold: self.left_out(fold),
            heads: (0..self.streamed.rows.outcomes).map(|head| self.effect(of_finals, head)).collect(),
        };
        Ok((0..).zip(fitted.chunks(finals.len())).map(member).collect())
    }

    fn effect(&self, of_finals: &[Vec<LinearModel>], head: usize) -> Effect {
        let function = |which: usize| Function::Linear(of_finals[which][head].clone());
        match self.settings.method {
            Method::X => Effect::Weighted { control: function(0), treated: function(1) },
            Method::T => Effect::Difference { control: function(0), treated: function(1) },
            Method::S => Effect::Switched(function(0)),
            Method::R | Method::Dr | Method::Outcome | Method::Propensity => Effect::Plain(function(0)),
        }
    }

    fn nuisances(&self, sums: &Bag) -> Result<Nuisances, TrainError> {
        let arms = self.settings.method.nuisances();
        if arms.is_empty() {
            return Ok(vec![]);
        }
        let pairs = pairs(self.folds());
        let fit = |at: usize, _| {
            let (pair, which) = (pairs[at / arms.len()], at % arms.len());
            let without = pair.map(|fold| self.left_out(fold));
            let rows = Rows { arm: arms[which], without, channels: &[which] };
            let totals = self.totals(sums, rows);
            let targets: Vec<Vector> = self.outcomes().map(|outcome| totals.column(outcome)).collect();
            let models = self.solve(&self.settings.base, rows, &totals, &targets)?;
            Ok(models.iter().map(|model| self.layout.coefficients(model)).collect())
        };
        let fitted = each(pairs.len() * arms.len(), self.work.threads, fit);
        let fitted: Vec<Vec<Vector>> = fitted.into_iter().collect::<Result<_, TrainError>>()?;
        Ok(pairs.iter().copied().zip(fitted.chunks(arms.len()).map(<[_]>::to_vec)).collect())
    }

    /// Fits a final function of the member of a fold, for each outcome.
    fn fit_final(
        &self,
        sums: &Bag,
        nuisances: &Nuisances,
        fold: u32,
        which: usize,
    ) -> Result<Vec<LinearModel>, TrainError> {
        let Settings { method, base, effect_base, .. } = self.settings;
        let (base, channels): (_, &[usize]) = match method {
            Method::X => (effect_base, &[which]),
            Method::R => (effect_base, &[1]),
            Method::Dr => (effect_base, &[0, 1]),
            Method::T => (base, &[which]),
            Method::S | Method::Outcome | Method::Propensity => (base, &[0]),
        };
        let rows = Rows { arm: method.finals()[which], without: [self.left_out(fold), None], channels };
        let totals = self.totals(sums, rows);
        if nuisances.is_empty() {
            let targets: Vec<Vector> = self.outcomes().map(|outcome| totals.column(outcome)).collect();
            return self.solve(base, rows, &totals, &targets);
        }
        let mut targets = vec![totals.nothing(); self.streamed.rows.outcomes];
        for other in self.kept(rows.without) {
            let pair = [fold.min(other), fold.max(other)];
            let Some((_, of_pair)) = nuisances.iter().find(|(of, _)| *of == pair) else { continue };
            for (head, target) in targets.iter_mut().enumerate() {
                let mut add = |times: f64, channel: usize, says: &Vector| {
                    target.add(times, &sums.cell(other, channel).times(says));
                };
                // What functions say of rows is linear in their columns, and so is the outcome: one of their numbers.
                let outcome = self.layout.unit(self.outcomes().start + head);
                let [mu0, mu1] = [&of_pair[0][head], &of_pair[of_pair.len() - 1][head]];
                match (method, which) {
                    (Method::X, 0) => add(-1.0, 0, &outcome.less(mu1)),
                    (Method::X, _) => add(1.0, 1, &outcome.less(mu0)),
                    // One function for both arms; t - e is negative of controls.
                    (Method::R, _) => {
                        add(1.0, 3, &outcome.less(mu0));
                        add(-1.0, 2, &outcome.less(mu0));
                    }
                    _ => {
                        add(1.0, 0, &mu1.less(mu0));
                        add(1.0, 1, &mu1.less(mu0));
                        add(1.0, 3, &outcome.less(mu1));
                        add(-1.0, 2, &outcome.less(mu0));
                    }
                }
            }
        }
        self.solve(base, rows, &totals, &targets)
    }
}
