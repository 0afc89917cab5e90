//! `features`: columns as a struct that learners take.

use super::adapter::{Constants, Definition, Kind};

pub(super) static DEFINITION: Definition = Definition {
    name: "features",
    summary: "A struct of columns, named after them, for functions that train and ask models.",
    details: "features(recency, channel) is {'recency': recency, 'channel': channel}. Expressions have no name of their own: name \
        them in the struct form. A model knows its features by name, whatever their order.",
    holds: "",
    source: "the form is ours.",
    arguments: &[],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[]),
    example: "\
SELECT features(recency, channel) AS known FROM (VALUES (3, 'email'), (9, 'web')) AS t(recency, channel);",
    kind: Kind::Features,
};
