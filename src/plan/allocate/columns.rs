//! The expressions over the relation that every function of the family takes.

use datafusion::common::Result;

/// Expressions over the relation, as syntax, logical or physical ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(super) struct Columns<E> {
    pub(super) unit: E,
    pub(super) action: E,
    pub(super) value: E,
    pub(super) cost: E,
    pub(super) eligible: Option<E>,
}

impl<E> Columns<E> {
    /// The expressions with the names of their options.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &E)> {
        let always =
            [("unit", &self.unit), ("action", &self.action), ("value", &self.value), ("cost", &self.cost)];
        always.into_iter().chain(self.eligible.iter().map(|eligible| ("eligible", eligible)))
    }

    /// Makes something else of each expression.
    pub(super) fn try_map<F>(&self, mut f: impl FnMut(&E) -> Result<F>) -> Result<Columns<F>> {
        Ok(Columns {
            unit: f(&self.unit)?,
            action: f(&self.action)?,
            value: f(&self.value)?,
            cost: f(&self.cost)?,
            eligible: self.eligible.as_ref().map(f).transpose()?,
        })
    }
}
