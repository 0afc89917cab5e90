//! The logical node.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::common::{DFSchema, DFSchemaRef, Result, TableReference, internal_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::columns::Columns;
use super::relation::Purpose;
use super::{audit, chosen, frontier, summary};

/// A call of `allocate` or one of its siblings, planned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AllocateNode {
    pub(super) purpose: Purpose,
    pub(super) input: LogicalPlan,
    /// The guardrail relation, whose columns are those of [`super::guardrails::COLUMNS`].
    pub(super) guardrails: Option<LogicalPlan>,
    /// The columns of the input that guardrails are on, when the query says it.
    dimensions: Option<Vec<String>>,
    pub(super) columns: Columns<Expr>,
    pub(super) constants: Vec<(&'static str, Expr)>,
    schema: DFSchemaRef,
}

impl AllocateNode {
    pub(super) fn new(
        purpose: Purpose,
        input: LogicalPlan,
        guardrails: Option<LogicalPlan>,
        dimensions: Option<Vec<String>>,
        columns: Columns<Expr>,
        constants: Vec<(&'static str, Expr)>,
    ) -> Result<Self> {
        let with_no_offer = constants.iter().any(|(name, _)| *name == "include_no_offer");
        let schema = schema(purpose, input.schema(), with_no_offer)?;
        Ok(Self { purpose, input, guardrails, dimensions, columns, constants, schema })
    }

    /// The columns that come out, for the operator.
    pub(super) fn schema_ref(&self) -> &SchemaRef {
        self.schema.inner()
    }
}

/// The columns that come out.
fn schema(purpose: Purpose, input: &DFSchema, with_no_offer: bool) -> Result<DFSchemaRef> {
    let added = match purpose {
        Purpose::Allocate => chosen::fields(),
        Purpose::Summary => summary::fields(),
        Purpose::Frontier => frontier::fields(),
        Purpose::Audit => audit::fields(),
    };
    let mut fields: Vec<(Option<TableReference>, FieldRef)> = vec![];
    if purpose == Purpose::Allocate {
        let nullable = |field: &FieldRef| match with_no_offer {
            true => Arc::new(field.as_ref().clone().with_nullable(true)),
            false => Arc::clone(field),
        };
        fields.extend(input.iter().map(|(qualifier, field)| (qualifier.cloned(), nullable(field))));
    }
    fields.extend(added.into_iter().map(|field| (None, Arc::new(field))));
    Ok(Arc::new(DFSchema::new_with_metadata(fields, input.metadata().clone())?))
}

impl PartialOrd for AllocateNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |node: &Self| (node.purpose, node.columns.clone(), node.constants.clone());
        match key(self).partial_cmp(&key(other)) {
            Some(Ordering::Equal) => match self.input.partial_cmp(&other.input) {
                Some(Ordering::Equal) => self.guardrails.partial_cmp(&other.guardrails),
                other => other,
            },
            other => other,
        }
    }
}

impl UserDefinedLogicalNodeCore for AllocateNode {
    fn name(&self) -> &str {
        self.purpose.operator()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        [&self.input].into_iter().chain(&self.guardrails).collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let columns = self.columns.named().map(|(_, expr)| expr);
        columns.chain(self.constants.iter().map(|(_, expr)| expr)).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: ", self.purpose.operator())?;
        let columns = self.columns.named();
        let constants = self.constants.iter().map(|(name, expr)| (*name, expr));
        for (i, (name, expr)) in columns.chain(constants).enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={}", shown(expr))?;
        }
        Ok(())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut exprs = exprs.into_iter();
        let mut next = || match exprs.next() {
            Some(expr) => Ok(expr),
            None => internal_err!("{}: too few expressions", self.purpose),
        };
        let columns = self.columns.try_map(|_| next())?;
        let constants = self.constants.iter().map(|(name, _)| Ok((*name, next()?))).collect::<Result<_>>()?;
        let mut inputs = inputs.into_iter();
        let Some(input) = inputs.next() else {
            return internal_err!("{}: the relation is missing", self.purpose);
        };
        Self::new(self.purpose, input, inputs.next(), self.dimensions.clone(), columns, constants)
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let fields = self.input.schema().fields();
        let returned = |i: usize| self.purpose == Purpose::Allocate && output_columns.contains(&i);
        let is_dimension = |i: usize| match (&self.guardrails, &self.dimensions) {
            (None, _) => false,
            (Some(_), Some(dimensions)) => dimensions.contains(fields[i].name()),
            (Some(_), None) => true,
        };
        let needed = (0..fields.len()).filter(|&i| returned(i) || is_dimension(i)).collect();
        let all = |plan: &LogicalPlan| (0..plan.schema().fields().len()).collect();
        Some([needed].into_iter().chain(self.guardrails.as_ref().map(all)).collect())
    }
}

/// An expression without the casts and names that planning wraps around it.
fn shown(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => shown(&alias.expr),
        Expr::Cast(cast) if *cast.field.data_type() == DataType::Float64 => shown(&cast.expr),
        other => other,
    }
}
