//! Functions that train models and ask them.
//!
//! `places` finds the arguments of a call, `rows` collects training rows and puts them in order, `schema` reads features by
//! name, `settings` the options, `bytes` are models as values; `training`, `prediction` and
//! `features` are what the engine calls.

mod bytes;
mod card;
mod features;
mod places;
mod prediction;
mod rows;
mod schema;
mod settings;
mod training;

pub(super) use card::card;
pub(super) use features::FeaturesFunction;
pub(super) use prediction::{PredictionFunction, Said, Spread};
pub(super) use settings::{
    EFFECT_ARGUMENTS, EFFECT_HOLDS, EFFECT_OPTIONS, OUTCOME_OPTIONS, PROPENSITY_OPTIONS, TRAINING_UNIT,
};
pub(super) use training::TrainingFunction;
