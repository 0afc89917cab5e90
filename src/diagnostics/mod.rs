//! The engine's errors for the person who wrote the query: what is wrong, where in the text, and what to do.

mod caret;
mod problems;

pub(crate) use caret::{Source, locate};
pub(crate) use problems::problems;
