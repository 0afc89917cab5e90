//! `f_merge` and `f_merge_ci`: states from a table become the number one pass over all rows would give.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, internal_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Documentation, Signature};

use super::bound::MergedState;
use super::call::constant_struct;
use super::definition::{Definition, Kind};
use super::distinct::{refuse_distinct, refuse_distinct_in_plan};
use super::documentation::{check_interval, document_merge, interval_settings};
use super::options::{OptionSpec, Options, Shapes};
use super::output::{Column, inference_column, inference_type};
use super::signature::merge_signature;
use super::state::{Header, damaged};
use crate::estimators::Inference;

/// `f_merge` or `f_merge_ci` of an estimator.
#[derive(Debug)]
pub(in crate::functions) struct MergeFunction {
    definition: &'static Definition,
    /// Whether the result is the whole inference.
    ci: bool,
    name: String,
    signature: Signature,
    documentation: Documentation,
}

impl MergeFunction {
    pub(in crate::functions) fn new(definition: &'static Definition, ci: bool) -> Self {
        let name = format!("{}_merge{}", definition.name, if ci { "_ci" } else { "" });
        Self {
            definition,
            ci,
            signature: merge_signature(if ci { &["state", "options"] } else { &["state"] }),
            documentation: document_merge(definition, &name, ci),
            name,
        }
    }

    /// The types a call is cast to. Views reach states of any total size without copying them.
    fn coerce(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::{Binary, BinaryView, LargeBinary, Null, Struct};
        let (state, options) = match types {
            [state] => (state, None),
            [state, options @ (Struct(_) | Null)] if self.ci => (state, Some(options.clone())),
            _ => {
                let form = if self.ci { "(state [, options])" } else { "(state)" };
                return plan_err!(
                    "{}: expected {}{form}, got {} arguments",
                    self.name,
                    self.name,
                    types.len()
                );
            }
        };
        if !matches!(state, Binary | BinaryView | LargeBinary | Null) {
            return plan_err!(
                "{}: state must be BINARY, made by {}_state, got {state}",
                self.name,
                self.definition.name
            );
        }
        Ok([BinaryView].into_iter().chain(options).collect())
    }

    fn options(&self, args: &AccumulatorArgs<'_>) -> Result<Options> {
        let specs: Vec<&OptionSpec> =
            self.definition.options().iter().filter(|spec| spec.shapes != Shapes::Sums).collect();
        match args.expr_fields.get(1).map(|field| field.data_type()) {
            Some(DataType::Struct(_)) => {
                Options::parse(&self.name, &specs, &constant_struct(&self.name, &args.exprs[1])?)
            }
            _ => Ok(Options::defaults(&specs)),
        }
    }
}

impl PartialEq for MergeFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for MergeFunction {}

impl Hash for MergeFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for MergeFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.coerce(arg_types)?;
        Ok(if self.ci { inference_type(self.definition.appended()) } else { DataType::Float64 })
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.coerce(arg_types).unwrap_or_else(|_| arg_types.to_vec()))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "state");
        Ok(vec![Arc::new(Field::new(name, DataType::LargeBinary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        refuse_distinct(&self.name, args.is_distinct)?;
        Ok(Box::new(MergeAccumulator {
            definition: self.definition,
            function: self.name.clone(),
            options: if self.ci { Some(self.options(&args)?) } else { None },
            merged: None,
        }))
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

/// Merges states; what they are is known from the first one.
#[derive(Debug)]
struct MergeAccumulator {
    definition: &'static Definition,
    function: String,
    /// Of the interval, when the whole inference is wanted.
    options: Option<Options>,
    merged: Option<(Header, Box<dyn MergedState>)>,
}

impl MergeAccumulator {
    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let (header, payload) = Header::open(self.definition, &self.function, bytes)?;
        if let Some((first, _)) = &self.merged {
            first.check_same(&self.function, &header)?;
        } else {
            let merged = self.empty(&header)?;
            self.merged = Some((header, merged));
        }
        let function = &self.function;
        let Some((_, merged)) = &mut self.merged else {
            return internal_err!("{function}: the merged state is missing");
        };
        merged.merge(payload).map_err(|error| exec_datafusion_err!("{function}: state is damaged: {error}"))
    }

    fn empty(&mut self, header: &Header) -> Result<Box<dyn MergedState>> {
        let Kind::Estimator { bind, .. } = &self.definition.kind else {
            return internal_err!("{} is not an estimator", self.definition.name);
        };
        let Some(call) = header.call(self.definition, &self.function) else {
            return damaged(&self.function);
        };
        let bound = bind(&call)?;
        if let Some(options) = self.options.take() {
            let options = options.with_bootstrap_of(&call.options);
            check_interval(&self.function, &options, &bound, &interval_settings(&options))?;
            self.options = Some(options);
        }
        match bound.merged() {
            Some(merged) => Ok(merged),
            None => internal_err!("{} has no states", self.definition.name),
        }
    }
}

impl Accumulator for MergeAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let states = cast(&values[0], &DataType::BinaryView)?;
        states.as_binary_view().iter().flatten().try_for_each(|bytes| self.merge(bytes))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states = states[0].as_binary::<i64>();
        states.iter().flatten().try_for_each(|bytes| self.merge(bytes))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = |(header, merged): &mut (Header, Box<dyn MergedState>)| {
            merged.settle();
            header.seal(|out| merged.write(out))
        };
        Ok(vec![ScalarValue::LargeBinary(self.merged.as_mut().map(bytes))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if let Some((_, merged)) = &mut self.merged {
            merged.settle();
        }
        let merged = self.merged.as_ref().map(|(_, merged)| merged);
        let settings = self.options.as_ref().map(interval_settings);
        let column = match &settings {
            None => Column::column(&[merged.and_then(|merged| merged.number())]),
            Some(settings) => {
                let inference = merged.map_or(Inference::default(), |merged| merged.inference(settings));
                inference_column(&[inference], self.definition.appended())
            }
        };
        ScalarValue::try_from_array(&column, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.merged.as_ref().map_or(0, |(_, merged)| merged.size())
    }
}
