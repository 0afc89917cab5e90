//! The engine's aggregate function of a definition that trains a model.

use std::hash::{Hash, Hasher};
use std::mem::size_of_val;
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Documentation, Signature};

use super::bytes::{Data, Trained};
use super::places::Places;
use super::rows::{Collected, Reading, Ready};
use super::settings;
use super::watch::Watch;
use crate::functions::adapter::{
    Definition, Described, Kind, ON_INVALID, Options, Rule, constant_struct, features_signature,
    refuse_distinct, refuse_distinct_in_plan,
};
use crate::learners::{Method, Work, footprint, functions, train};

/// The type of models: every row of a join shares the bytes.
pub(super) fn model_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Binary))
}

/// An aggregate function that trains a model.
#[derive(Debug)]
pub(in crate::functions) struct TrainingFunction(Described);

impl TrainingFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        Self(Described::new(definition, features_signature(definition)))
    }
}

impl PartialEq for TrainingFunction {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for TrainingFunction {}

impl Hash for TrainingFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl AggregateUDFImpl for TrainingFunction {
    fn name(&self) -> &str {
        self.0.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Places::check(self.0.definition, self.name(), arg_types)?;
        Ok(model_type())
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        // Columns are cast where they are read: of booleans the engine would find casts that it allows for none.
        Ok(arg_types.to_vec())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types: Vec<_> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let places = Places::new(self.0.definition, self.name(), &types)?;
        let field = |(i, data_type): (usize, DataType)| {
            let name = format_state_name(args.name, &format!("column{i}"));
            Arc::new(Field::new(name, data_type, true))
        };
        Ok(Collected::state_types(&places, &types).into_iter().enumerate().map(field).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Described { definition, .. } = self.0;
        refuse_distinct(self.name(), args.is_distinct)?;
        let Kind::Training { method } = definition.kind else {
            return internal_err!("{} trains no model", self.name());
        };
        let types: Vec<_> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let places = Places::new(definition, self.name(), &types)?;
        let specs: Vec<_> = definition.options().iter().collect();
        let mut options = match places.options {
            Some(position) => {
                Options::parse(self.name(), &specs, &constant_struct(self.name(), &args.exprs[position])?)?
            }
            None => Options::defaults(&specs),
        };
        settings::check(self.name(), method, &options, places.has(definition, Rule::TreatedPropensity))?;
        settings::complete(&mut options);
        let collected = Collected::new(&places, &types);
        Ok(Box::new(Trainer { definition, method, options, places, collected }))
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        refuse_distinct_in_plan(self.name())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.0.documentation)
    }
}

/// Collects rows and trains a model of them.
#[derive(Debug)]
struct Trainer {
    definition: &'static Definition,
    method: Method,
    options: Options,
    places: Places,
    collected: Collected,
}

impl Accumulator for Trainer {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.collected.add(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.collected.merge(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.collected.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let watch = Watch::current();
        // The columns in one piece, beside the pieces.
        let reserved = watch.reserve(self.name(), self.collected.size())?;
        let columns = self.collected.columns()?;
        let is_empty = columns.first().is_none_or(|column| column.is_empty());
        let bytes = if is_empty { None } else { Some(self.train(columns, &watch, &reserved)?) };
        Ok(ScalarValue::Dictionary(Box::new(DataType::Int32), Box::new(ScalarValue::Binary(bytes))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.collected.size()
    }
}

impl Trainer {
    fn name(&self) -> &'static str {
        self.definition.name
    }

    fn train(&self, columns: Vec<ArrayRef>, watch: &Watch, reserved: &MemoryReservation) -> Result<Vec<u8>> {
        let Self { definition, method, options, places, .. } = self;
        let function = self.name();
        let skip_invalid = options.choice(&ON_INVALID) == "skip";
        let outcome_rule = if *method == Method::Propensity { Rule::Binary } else { Rule::Finite };
        let reading = Reading { definition, function, places, outcome_rule, skip_invalid };
        reserved.try_grow(reading.footprint(&columns))?;
        let Ready { heads, schema, mut sample, skipped } = reading.read(columns)?;
        let has_units = places.has(definition, Rule::Any);
        let clipped = settings::weigh(&mut sample, options);
        let settings = settings::of(*method, options);
        reserved.try_resize(sample.size() + footprint(&sample, &settings, watch.threads))?;
        watch.planned.add(functions(&sample, &settings));
        let work = Work { threads: watch.threads, stopped: &watch.stopped, on_fit: &|| watch.fitted.add(1) };
        let model = match train(&sample, &settings, work) {
            Ok(model) => model,
            Err(error) => return exec_err!("{function}: {error}"),
        };
        let rows = sample.keys.len() as u64;
        let treated = sample.treated.iter().filter(|treated| **treated).count() as u64;
        let trained = Trained {
            function: function.to_string(),
            heads,
            schema,
            data: Data { rows, treated, skipped, clipped, has_units },
            options: options.identity(definition.options()),
            model,
        };
        Ok(trained.to_bytes())
    }
}
