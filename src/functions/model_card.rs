//! `model_card`: what a model says of itself.

use std::sync::Arc;

use datafusion::arrow::array::StringArray;
use datafusion::arrow::datatypes::DataType;

use super::adapter::{Argument, Constants, Definition, Kind};
use super::models::card;

pub(super) static DEFINITION: Definition = Definition {
    name: "model_card",
    summary: "What a trained model says of itself, as JSON.",
    details: "An object with the function and options that made the model, its heads, rows (used, treated, skipped, with capped \
        weight), whether folds follow units, folds, bags, seed, members, trees of all functions (NULL without boosting), and its \
        features with type, levels of texts, and share of all gains of splits (NULL without boosting). NULL of a model that \
        is NULL; damaged, foreign or newer bytes are an error.",
    holds: "",
    source: "Mitchell et al. (2019), \"Model Cards for Model Reporting\", FAccT, for the idea.",
    arguments: &[Argument::any("model", "what a training function such as cate_xlearner returned")],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[]),
    example: "\
SELECT model_card(outcome_model(1 + 2 * visits, {'visits': visits}, {'learner': 'linear', 'folds': 1})) AS card
FROM generate_series(0, 199) AS t(visits);",
    kind: Kind::Row {
        returns: "VARCHAR",
        data_type: |_| DataType::Utf8,
        apply: |rows| Ok(Arc::new(card("model_card", rows.array(0)?, rows.rows)?.into_iter().collect::<StringArray>())),
    },
};
