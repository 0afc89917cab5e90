//! Trained models: members that each have not seen some of the units, and what they say together.

use super::base::{Function, Rows, Space, Table, Task};
use super::calibration::Calibration;
use super::drawing::Drawing;
use super::features::{Column, Features};

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    pub(crate) space: Space,
    pub(crate) drawing: Drawing,
    /// How the share that an X-learner weights with follows from the features.
    pub(crate) share: Option<Share>,
    pub(crate) members: Vec<Member>,
}

/// What was learned from one bag without one fold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) bag: u32,
    /// The fold whose units it has not seen; `None` when it has seen all of the bag.
    pub(crate) fold: Option<u32>,
    /// By head.
    pub(crate) heads: Vec<Effect>,
}

/// A function of the features, made of fitted ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// The function itself.
    Plain(Function),
    /// The probability whose log-odds it is, calibrated.
    Probability(Function, Calibration),
    /// That of the treated less that of the controls.
    Difference { control: Function, treated: Function },
    /// That of controls with weight `share`, that of the treated with the rest.
    Weighted { control: Function, treated: Function },
    /// The function with the last feature one, less that with zero.
    Switched(Function),
}

/// P(treated) as a function of the features.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Share {
    Constant(f64),
    /// A function kept within a range.
    Fitted {
        function: Function,
        low: f64,
        high: f64,
    },
}

/// What a model says of rows: a column for each bag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Predictions {
    pub(crate) bags: Vec<Vec<f64>>,
}

/// Why a model says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PredictError {
    #[error("every member of the model has seen all units, since it was trained with folds 1 and bags 1")]
    AllSeen,
}

impl Model {
    /// The predictions of a head for rows of features that are those of the training rows. With the keys of units, only
    /// members that have not seen a unit speak of it.
    ///
    /// # Errors
    ///
    /// When there are keys, and no member has left out anything.
    pub(crate) fn predict(
        &self,
        features: &Features,
        keys: Option<&[u64]>,
        head: usize,
        threads: usize,
    ) -> Result<Predictions, PredictError> {
        let is_switched = matches!(self.members[0].heads[head], Effect::Switched(_));
        let variants: Vec<Features> = match is_switched {
            true => [0.0, 1.0].map(|last| with_last(features, vec![last; features.rows])).into(),
            false => vec![],
        };
        let read =
            |features| self.space.table(features, threads).expect("features are those of the training rows");
        let tables: Vec<Table> = match is_switched {
            true => variants.iter().map(read).collect(),
            false => vec![read(features)],
        };
        let values = |member: &Member, rows: Rows<'_>| {
            member.heads[head].values(self.share.as_ref(), &tables, rows, threads)
        };
        let bags = self.drawing.bags as usize;
        let mut predictions = Predictions { bags: vec![vec![f64::NAN; features.rows]; bags] };
        let Some(keys) = keys else {
            let mut members = vec![0.0; bags];
            predictions.bags.iter_mut().for_each(|bag| bag.fill(0.0));
            for member in &self.members {
                let values = values(member, Rows::All);
                let bag = &mut predictions.bags[member.bag as usize];
                bag.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                members[member.bag as usize] += 1.0;
            }
            for (bag, members) in predictions.bags.iter_mut().zip(members) {
                bag.iter_mut().for_each(|sum| *sum /= members);
            }
            return Ok(predictions);
        };
        if self.drawing.folds == 1 && self.drawing.bags == 1 {
            return Err(PredictError::AllSeen);
        }
        let mut by_fold = vec![vec![]; self.drawing.folds as usize];
        (0..).zip(keys).for_each(|(row, &key)| by_fold[self.drawing.fold(key) as usize].push(row));
        for member in &self.members {
            let bag = member.bag;
            let out_of_bag = |row: &u32| self.drawing.times(bag, keys[*row as usize]) == 0;
            let rows: Vec<u32> = match member.fold {
                Some(fold) => by_fold[fold as usize].clone(),
                None => (0..features.rows as u32).filter(out_of_bag).collect(),
            };
            let values = values(member, Rows::Some(&rows));
            let said = &mut predictions.bags[bag as usize];
            rows.iter().zip(values).for_each(|(&row, value)| said[row as usize] = value);
        }
        Ok(predictions)
    }
}

impl Effect {
    /// The fitted functions that it is made of.
    fn functions(&self) -> Vec<&Function> {
        match self {
            Self::Plain(function) | Self::Probability(function, _) | Self::Switched(function) => {
                vec![function]
            }
            Self::Difference { control, treated } | Self::Weighted { control, treated } => {
                vec![control, treated]
            }
        }
    }

    /// The values at rows of a table; of a switched function with the last feature zero, and one.
    fn values(
        &self,
        share: Option<&Share>,
        tables: &[Table<'_>],
        rows: Rows<'_>,
        threads: usize,
    ) -> Vec<f64> {
        let of = |function: &Function| function.values(Task::Mean, &tables[0], rows, threads);
        match self {
            Self::Plain(function) => of(function),
            Self::Probability(function, calibration) => {
                of(function).into_iter().map(|log_odds| calibration.probability(log_odds)).collect()
            }
            Self::Difference { control, treated } => {
                let pairs = of(treated).into_iter().zip(of(control));
                pairs.map(|(treated, control)| treated - control).collect()
            }
            Self::Weighted { control, treated } => {
                let share = share.map_or_else(
                    || vec![0.5; rows.len(&tables[0])],
                    |share| share.values(&tables[0], rows, threads),
                );
                let effects = of(control).into_iter().zip(of(treated)).zip(share);
                effects.map(|((control, treated), share)| share * control + (1.0 - share) * treated).collect()
            }
            Self::Switched(function) => {
                let [without, with] = [0, 1].map(|i| function.values(Task::Mean, &tables[i], rows, threads));
                with.into_iter().zip(without).map(|(with, without)| with - without).collect()
            }
        }
    }
}

impl Share {
    fn values(&self, table: &Table<'_>, rows: Rows<'_>, threads: usize) -> Vec<f64> {
        match self {
            Self::Constant(share) => vec![*share; rows.len(table)],
            Self::Fitted { function, low, high } => {
                let values = function.values(Task::Mean, table, rows, threads);
                values.into_iter().map(|share| share.clamp(*low, *high)).collect()
            }
        }
    }
}

/// Features with a last one more.
pub(super) fn with_last(features: &Features, last: Vec<f64>) -> Features {
    let mut features = features.clone();
    features.columns.push(Column::Numeric(last));
    features
}

impl Model {
    /// What the splits of each feature gained in all trees, as shares of all gains; empty where there are no trees.
    pub(crate) fn gains(&self) -> Vec<f64> {
        let Space::Bins(binning) = &self.space else { return vec![] };
        let mut gains = vec![0.0; binning.features.len()];
        for function in self.members.iter().flat_map(|member| &member.heads).flat_map(Effect::functions) {
            if let Function::Trees(ensemble) = function {
                let of_ensemble = ensemble.gains(gains.len());
                gains.iter_mut().zip(of_ensemble).for_each(|(sum, gain)| *sum += gain);
            }
        }
        let all: f64 = gains.iter().sum();
        gains.iter_mut().filter(|_| all > 0.0).for_each(|gain| *gain /= all);
        gains
    }

    /// Trees of all functions; `None` where there are none.
    pub(crate) fn trees(&self) -> Option<usize> {
        let functions = self.members.iter().flat_map(|member| &member.heads).flat_map(Effect::functions);
        let trees = functions.map(|function| match function {
            Function::Trees(ensemble) => Some(ensemble.trees.len()),
            Function::Linear(_) => None,
        });
        trees.sum()
    }
}
