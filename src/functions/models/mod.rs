//! Functions that train models and ask them.
//!
//! `places` finds the arguments of a call, `rows` collects training rows and puts them in order, `sums` adds
//! up those of linear functions instead, `schema` reads features by
//! name, `settings` the options, `bytes` are models as values; `training`, `prediction` and
//! `features` are what the engine calls. `operator` keeps trainings within the limits of their query, of which `watch`
//! tells them.

mod bytes;
mod card;
mod features;
mod operator;
mod places;
mod prediction;
mod rows;
mod schema;
mod settings;
mod sums;
mod training;
mod watch;

pub(super) use card::card;
pub(super) use features::FeaturesFunction;
pub(crate) use operator::WatchTraining;
pub(super) use prediction::{PredictionFunction, Said, Spread};
pub(super) use settings::{
    EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS, OUTCOME_OPTIONS, PROPENSITY_OPTIONS, TRAINING_UNIT,
};
pub(super) use training::TrainingFunction;
