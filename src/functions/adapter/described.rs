//! What the engine is told of a scalar function, whatever its kind.

use std::hash::{Hash, Hasher};

use datafusion::logical_expr::{Documentation, Signature};

use super::aggregate::Shape;
use super::definition::Definition;
use super::documentation::document;

/// A definition with its signature and documentation in the engine's terms; two are equal when their names are.
#[derive(Debug)]
pub(in crate::functions) struct Described {
    pub(in crate::functions) definition: &'static Definition,
    pub(in crate::functions) signature: Signature,
    pub(in crate::functions) documentation: Documentation,
}

impl Described {
    pub(in crate::functions) fn new(definition: &'static Definition, signature: Signature) -> Self {
        Self { definition, signature, documentation: document(definition, Shape::Number) }
    }
}

impl PartialEq for Described {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for Described {}

impl Hash for Described {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}
