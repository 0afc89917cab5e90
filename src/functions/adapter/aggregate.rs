//! The engine's aggregate function of a definition: `f`, `f_ci` and `f_state`, or a measure.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, internal_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Documentation, GroupsAccumulator, Signature};

use super::bound::{BoundAggregate, Wanted, state_types};
use super::call::{Call, Layout};
use super::definition::{Definition, Kind};
use super::distinct::{refuse_distinct, refuse_distinct_in_plan};
use super::documentation::{check_interval, check_state_interval, document, interval_settings};
use super::options::{OptionSpec, Shapes};
use super::output::inference_type;
use super::reader::Reader;
use super::signature::{coerce, signature};
use super::state::Header;

/// Which function of a definition's family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::functions) enum Shape {
    /// The estimate, or a measure's result.
    Number,
    /// The whole inference.
    Ci,
    /// A state to be merged later.
    State,
}

impl Shape {
    /// The name of the function.
    pub(super) fn name(self, definition: &Definition) -> String {
        let suffix = match self {
            Self::Number => "",
            Self::Ci => "_ci",
            Self::State => "_state",
        };
        format!("{}{suffix}", definition.name)
    }

    /// Whether the function takes an option.
    pub(super) fn accepts(self, spec: &OptionSpec) -> bool {
        self != Self::State || spec.shapes != Shapes::Interval
    }
}

/// An aggregate function.
#[derive(Debug)]
pub(in crate::functions) struct AggregateFunction {
    definition: &'static Definition,
    shape: Shape,
    name: String,
    signature: Signature,
    documentation: Documentation,
}

impl AggregateFunction {
    pub(in crate::functions) fn new(definition: &'static Definition, shape: Shape) -> Self {
        Self {
            definition,
            shape,
            name: shape.name(definition),
            signature: signature(definition),
            documentation: document(definition, shape),
        }
    }

    fn bind(&self, call: &Call) -> Result<BoundAggregate> {
        match &self.definition.kind {
            Kind::Estimator { bind, .. } | Kind::Measure { bind, .. } => bind(call),
            _ => {
                internal_err!("{} is not an aggregate", self.name)
            }
        }
    }

    /// The fields that `_ci` appends: what the data chose, where they were asked to.
    fn appended(&self, layout: &Layout) -> &'static [&'static str] {
        let mut tunable = self.definition.options().iter().filter(|spec| spec.is_tunable()).peekable();
        let is_tuned = tunable.peek().is_none() || tunable.any(|spec| layout.has_text(spec.name));
        if is_tuned { self.definition.appended() } else { &[] }
    }

    /// What one call needs, from its types and constants.
    fn prepare(&self, args: &AccumulatorArgs<'_>) -> Result<(BoundAggregate, Reader, Wanted)> {
        refuse_distinct(&self.name, args.is_distinct)?;
        let types: Vec<_> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let layout = Layout::new(self.definition, &self.name, &types)?;
        let call =
            Call::new(self.definition, &self.name, &layout, args.exprs, |spec| self.shape.accepts(spec))?;
        let wanted = match self.shape {
            Shape::Number => Wanted::Number,
            Shape::Ci => Wanted::Inference(interval_settings(&call.options), self.appended(&layout)),
            Shape::State => Wanted::State(Header::new(self.definition, &call)),
        };
        let bound = self.bind(&call)?;
        if self.shape == Shape::State {
            check_state_interval(&self.name, self.definition, &call.options, &bound)?;
        }
        if let Wanted::Inference(settings, _) = &wanted {
            check_interval(&self.name, &call.options, &bound, settings)?;
        }
        Ok((bound, Reader::new(self.definition, &call, &layout), wanted))
    }
}

impl PartialEq for AggregateFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for AggregateFunction {}

impl Hash for AggregateFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for AggregateFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        coerce(self.definition, &self.name, arg_types)?;
        Ok(match (self.shape, &self.definition.kind) {
            (_, Kind::Measure { data_type, .. }) => data_type(),
            (Shape::Ci, _) => {
                inference_type(self.appended(&Layout::new(self.definition, &self.name, arg_types)?))
            }
            (Shape::State, _) => DataType::Binary,
            (Shape::Number, _) => DataType::Float64,
        })
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(coerce(self.definition, &self.name, arg_types).unwrap_or_else(|_| arg_types.to_vec()))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types: Vec<_> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let layout = Layout::new(self.definition, &self.name, &types)?;
        let bound = self.bind(&Call::with_defaults(self.definition, &self.name, &layout))?;
        let field = |(i, data_type): (usize, DataType)| {
            let name = format_state_name(args.name, &format!("sum{i}"));
            Arc::new(Field::new(name, data_type, true))
        };
        Ok(state_types(bound.floats()).into_iter().enumerate().map(field).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let (bound, reader, wanted) = self.prepare(&args)?;
        Ok(bound.accumulator(reader, wanted))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let (bound, reader, wanted) = self.prepare(&args)?;
        match bound.sliding_accumulator(reader, wanted) {
            Some(accumulator) => Ok(accumulator),
            None => not_impl_err!(
                "{}: a window whose rows leave it; begin the frame with UNBOUNDED PRECEDING",
                self.name
            ),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let (bound, reader, wanted) = self.prepare(&args)?;
        Ok(bound.groups_accumulator(reader, wanted))
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        refuse_distinct_in_plan(&self.name)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
