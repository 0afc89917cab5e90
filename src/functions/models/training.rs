//! The engine's aggregate function of a definition that trains a model.

use std::hash::{Hash, Hasher};
use std::mem::size_of_val;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Documentation, Signature};

use super::bytes::{Counts, Data, Trained};
use super::places::Places;
use super::rows::{Collected, Reading, Ready};
use super::schema::Schema;
use super::settings;
use super::sums::Summed;
use super::watch::Watch;
use crate::functions::adapter::{
    Definition, Described, Kind, ON_INVALID, Options, Rule, constant_struct, features_signature,
    refuse_distinct, refuse_distinct_in_plan,
};
use crate::learners::{Method, Model, TrainError, Work, footprint, functions, train};

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
        // Which of both a training holds depends on its options, which are not known here: the other one is empty.
        let columns = Collected::state_types(&places, &types).into_iter();
        Ok(columns.chain([DataType::Binary]).enumerate().map(field).collect())
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
        let summed = Summed::new(definition, &places, &types, method, &options)?;
        let collected = Collected::new(&places, &types);
        Ok(Box::new(Trainer { definition, method, options, places, collected, summed }))
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

/// Rows that are collected before they are summed: of many groups each has few rows of a batch.
const ROWS_TO_SUM: usize = 256;

/// Takes up rows and trains a model of them.
#[derive(Debug)]
struct Trainer {
    definition: &'static Definition,
    method: Method,
    options: Options,
    places: Places,
    collected: Collected,
    /// The sums of all rows where these are enough: then few are collected at a time.
    summed: Option<Summed>,
}

impl Accumulator for Trainer {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.collected.add(values)?;
        if self.summed.is_some() && self.collected.rows() >= ROWS_TO_SUM { self.sum() } else { Ok(()) }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some((sums, columns)) = states.split_last() else {
            return internal_err!("{}: a state has no fields", self.name());
        };
        let Some(summed) = &mut self.summed else { return self.collected.merge(columns) };
        let Some(sums) = sums.as_binary_opt::<i32>() else {
            return internal_err!("{}: a state of sums is binary", self.definition.name);
        };
        sums.iter().flatten().try_for_each(|state| summed.merge(state))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.sum()?;
        let mut state = self.collected.state()?;
        state.push(ScalarValue::Binary(self.summed.as_ref().map(Summed::state)));
        Ok(state)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.sum()?;
        let watch = Watch::current();
        let trained = match &self.summed {
            Some(summed) => self.train_sums(summed, &watch)?,
            None => {
                // The columns in one piece, beside the pieces.
                let reserved = watch.reserve(self.name(), self.collected.size())?;
                let columns = self.collected.columns()?;
                let is_empty = columns.first().is_none_or(|column| column.is_empty());
                if is_empty { None } else { Some(self.train(columns, &watch, &reserved)?) }
            }
        };
        let bytes = trained.map(|trained| trained.to_bytes());
        Ok(ScalarValue::Dictionary(Box::new(DataType::Int32), Box::new(ScalarValue::Binary(bytes))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.collected.size() + self.summed.as_ref().map_or(0, Summed::size)
    }
}

impl Trainer {
    fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Adds rows that were collected to the sums, where these are enough.
    fn sum(&mut self) -> Result<()> {
        let Some(mut summed) = self.summed.take() else { return Ok(()) };
        let columns = self.collected.columns()?;
        let added = summed.add(&self.reading(), columns, &self.options);
        self.summed = Some(summed);
        added
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            definition: self.definition,
            function: self.name(),
            places: &self.places,
            outcome_rule: if self.method == Method::Propensity { Rule::Binary } else { Rule::Finite },
            skip_invalid: self.options.choice(&ON_INVALID) == "skip",
        }
    }

    fn train(&self, columns: Vec<ArrayRef>, watch: &Watch, reserved: &MemoryReservation) -> Result<Trained> {
        let reading = self.reading();
        reserved.try_grow(reading.footprint(&columns))?;
        let Ready { heads, schema, mut sample, skipped } = reading.read(columns)?;
        let clipped = settings::weigh(&mut sample, &self.options);
        let settings = settings::of(self.method, &self.options);
        reserved.try_resize(sample.size() + footprint(&sample, &settings, watch.threads))?;
        watch.planned.add(functions(&settings, sample.outcomes.len(), sample.propensity.is_some()));
        let model = train(&sample, &settings, work(watch, &|| watch.fitted.add(1)));
        let rows = sample.keys.len() as u64;
        let treated = sample.treated.iter().filter(|treated| **treated).count() as u64;
        self.trained(model, heads, schema, Counts { rows, treated, skipped, clipped })
    }

    /// Trains a model of sums; `None` where there were no rows.
    fn train_sums(&self, summed: &Summed, watch: &Watch) -> Result<Option<Trained>> {
        if summed.counts.rows + summed.counts.skipped == 0 {
            return Ok(None);
        }
        let (schema, levels, sums) = summed.finish();
        let _reserved = watch.reserve(self.name(), sums.footprint(watch.threads))?;
        let settings = settings::of(self.method, &self.options);
        watch.planned.add(functions(&settings, summed.heads.len(), true));
        let model = sums.train(&levels, &settings, work(watch, &|| watch.fitted.add(1)));
        self.trained(model, summed.heads.clone(), schema, summed.counts).map(Some)
    }

    fn trained(
        &self,
        model: std::result::Result<Model, TrainError>,
        heads: Vec<String>,
        schema: Schema,
        counts: Counts,
    ) -> Result<Trained> {
        let function = self.name();
        let model = match model {
            Ok(model) => model,
            Err(error) => return exec_err!("{function}: {error}"),
        };
        let has_units = self.places.has(self.definition, Rule::Any);
        let options = self.options.identity(self.definition.options());
        let data = Data { counts, has_units };
        Ok(Trained { function: function.to_string(), heads, schema, data, options, model })
    }
}

fn work<'a>(watch: &'a Watch, on_fit: &'a (dyn Fn() + Sync)) -> Work<'a> {
    Work { threads: watch.threads, stopped: &watch.stopped, on_fit }
}
