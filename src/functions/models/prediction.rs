//! The engine's scalar functions of a model and rows of features.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray, UInt32Array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use hashbrown::HashMap;
use twox_hash::XxHash3_128;

use super::bytes::Trained;
use super::places::Places;
use super::rows::key;
use crate::functions::adapter::{
    Cell, Definition, Described, HEAD, Kind, Options, Record, constant_scalar_struct, features_signature,
};
use crate::keys::value_keys;
use crate::learners::Predictions;

/// Decoded models that are kept, by their bytes in all.
const KEPT_BYTES: usize = 64 << 20;

/// A scalar function of a model and rows of features.
#[derive(Debug)]
pub(in crate::functions) struct PredictionFunction {
    described: Described,
    models: Mutex<Models>,
}

impl PredictionFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        let described = Described::new(definition, features_signature(definition));
        Self { described, models: Mutex::default() }
    }

    /// A decoded model; batches of a query bring the same bytes again and again.
    fn model(&self, bytes: &[u8]) -> Result<Arc<Trained>> {
        let hash = XxHash3_128::oneshot(bytes);
        let lock = || self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().find(hash) {
            return Ok(found);
        }
        let trained = Arc::new(Trained::from_bytes(self.name(), bytes)?);
        lock().keep(hash, bytes.len(), &trained);
        Ok(trained)
    }
}

impl PartialEq for PredictionFunction {
    fn eq(&self, other: &Self) -> bool {
        self.described == other.described
    }
}

impl Eq for PredictionFunction {}

impl std::hash::Hash for PredictionFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.described.hash(state);
    }
}

/// Models by the hash of their bytes, the latest used last.
#[derive(Debug, Default)]
struct Models(Vec<(u128, usize, Arc<Trained>)>);

impl Models {
    fn find(&mut self, hash: u128) -> Option<Arc<Trained>> {
        let at = self.0.iter().position(|(known, ..)| *known == hash)?;
        let found = self.0.remove(at);
        let model = Arc::clone(&found.2);
        self.0.push(found);
        Some(model)
    }

    fn keep(&mut self, hash: u128, bytes: usize, model: &Arc<Trained>) {
        self.0.push((hash, bytes, Arc::clone(model)));
        let mut sum: usize = self.0.iter().map(|(_, bytes, _)| bytes).sum();
        while sum > KEPT_BYTES && self.0.len() > 1 {
            sum -= self.0.remove(0).1;
        }
    }
}

impl ScalarUDFImpl for PredictionFunction {
    fn name(&self) -> &str {
        self.described.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.described.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let definition = self.described.definition;
        Places::check(definition, self.name(), arg_types)?;
        match definition.kind {
            Kind::Prediction { data_type, .. } => Ok(data_type()),
            _ => internal_err!("{} predicts nothing", self.name()),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let definition = self.described.definition;
        let Kind::Prediction { column, .. } = definition.kind else {
            return internal_err!("{} predicts nothing", self.name());
        };
        let types: Vec<_> = args.args.iter().map(ColumnarValue::data_type).collect();
        let places = Places::new(definition, self.name(), &types)?;
        let specs: Vec<_> = definition.options().iter().collect();
        let options = match places.options {
            Some(position) => Options::parse(
                self.name(),
                &specs,
                &constant_scalar_struct(self.name(), &args.args[position])?,
            )?,
            None => Options::defaults(&specs),
        };
        let all_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if all_constant { 1 } else { args.number_rows };
        let array = |argument: usize| -> Result<Option<ArrayRef>> {
            places.columns[argument].map(|position| args.args[position].to_array(rows)).transpose()
        };
        let Some(features) = array(1)?.and_then(|array| array.as_struct_opt().cloned()) else {
            return internal_err!("{}: features are no struct", self.name());
        };
        let asked = Asked { function: self.name(), head: options.text(&HEAD), features, units: array(2)? };
        let mut said = Said { bags: vec![], rows };
        for (bytes, of_model) in models_of(&args.args[0], rows)? {
            let model = self.model(&bytes)?;
            asked.answer(&model, of_model.as_deref(), &mut said)?;
        }
        let result = column(&said, &options);
        Ok(if all_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.described.documentation)
    }
}

/// The rows that have a model, `None` being all.
type RowsOfModel = Option<Vec<u32>>;

/// The models of rows, each once, with the rows that have it; `None` is all rows. Rows without a model are left out.
pub(super) fn models_of(model: &ColumnarValue, rows: usize) -> Result<Vec<(Vec<u8>, RowsOfModel)>> {
    let array = match model {
        ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        ColumnarValue::Array(array) => Arc::clone(array),
    };
    let (values, keys) = match array.as_any_dictionary_opt() {
        Some(dictionary) if dictionary.values().is_empty() => return Ok(vec![]),
        Some(dictionary) => (Arc::clone(dictionary.values()), dictionary.normalized_keys()),
        None => (Arc::clone(&array), (0..array.len()).collect()),
    };
    if values.data_type().is_null() {
        return Ok(vec![]);
    }
    let bytes = cast(&values, &DataType::BinaryView)?;
    let bytes = bytes.as_binary_view();
    let nulls = array.logical_nulls();
    let is_there = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    if matches!(model, ColumnarValue::Scalar(_)) {
        let only = (!keys.is_empty() && is_there(0)).then(|| (bytes.value(keys[0]).to_vec(), None));
        return Ok(only.into_iter().collect());
    }
    // By where the bytes lie: rows of a join share them, and reading them for each row would take longer than predicting.
    let mut places: HashMap<(usize, usize), usize> = HashMap::new();
    let mut found: Vec<(&[u8], Vec<u32>)> = vec![];
    for row in (0..rows.min(keys.len())).filter(|&row| is_there(row)) {
        let value = bytes.value(keys[row]);
        let at = *places.entry((value.as_ptr() as usize, value.len())).or_insert(found.len());
        if at == found.len() {
            found.push((value, vec![]));
        }
        found[at].1.push(row as u32);
    }
    Ok(found.into_iter().map(|(bytes, rows)| (bytes.to_vec(), Some(rows))).collect())
}

/// What models are asked.
struct Asked<'a> {
    function: &'a str,
    head: Option<&'a str>,
    features: StructArray,
    units: Option<ArrayRef>,
}

/// What models said: a column of each bag, NaN where nothing was said.
#[derive(Debug)]
pub(in crate::functions) struct Said {
    bags: Vec<Vec<f64>>,
    rows: usize,
}

impl Asked<'_> {
    /// Asks a model about some rows, or about all.
    fn answer(&self, trained: &Trained, rows: Option<&[u32]>, said: &mut Said) -> Result<()> {
        let head = self.head(trained)?;
        trained.schema.check(self.function, &self.features)?;
        // Rows without features or unit have no prediction.
        let nulls =
            [self.features.logical_nulls(), self.units.as_ref().and_then(|units| units.logical_nulls())];
        let nulls = nulls.iter().fold(None, |all, nulls| NullBuffer::union(all.as_ref(), nulls.as_ref()));
        let is_asked = |row: &u32| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row as usize));
        let all = nulls.as_ref().is_none_or(|nulls| nulls.null_count() == 0);
        let rows: Option<Vec<u32>> = match rows {
            None if all => None,
            None => Some((0..said.rows as u32).filter(is_asked).collect()),
            Some(rows) => Some(rows.iter().copied().filter(is_asked).collect()),
        };
        let selected = |array: &dyn Array| match &rows {
            Some(rows) => Ok(Some(take(array, &UInt32Array::from(rows.clone()), None)?)),
            None => Ok::<_, datafusion::error::DataFusionError>(None),
        };
        let some = selected(&self.features)?;
        let features = some.as_ref().map_or(&self.features, |some| some.as_struct());
        let features = trained.schema.read(self.function, features)?;
        let keys: Option<Vec<u64>> = match &self.units {
            Some(_) if !trained.data.has_units => {
                return exec_err!(
                    "{}: the model was trained without unit, so it cannot tell who was seen; leave unit out",
                    self.function
                );
            }
            Some(units) => {
                let some = selected(units)?;
                let keys = value_keys(some.as_ref().unwrap_or(units))?;
                Some(keys.into_iter().map(|unit| key(unit.max(1))).collect())
            }
            None => None,
        };
        let Predictions { bags } = match trained.model.predict(&features, keys.as_deref(), head, 1) {
            Ok(predictions) => predictions,
            Err(error) => return exec_err!("{}: {error}; leave unit out", self.function),
        };
        said.bags.resize(said.bags.len().max(bags.len()), vec![f64::NAN; said.rows]);
        for (said, bag) in said.bags.iter_mut().zip(bags) {
            match &rows {
                None => *said = bag,
                Some(rows) => rows.iter().zip(bag).for_each(|(&row, value)| said[row as usize] = value),
            }
        }
        Ok(())
    }

    /// The position of the head that is asked for.
    fn head(&self, trained: &Trained) -> Result<usize> {
        let heads = || trained.heads.iter().map(|head| format!("'{head}'")).collect::<Vec<_>>().join(", ");
        match (self.head, trained.heads.as_slice()) {
            (None, [_]) => Ok(0),
            (None, _) => {
                exec_err!("{}: the model has the heads {}; pass {{'head': …}}", self.function, heads())
            }
            (Some(head), [name]) if name.is_empty() => {
                exec_err!("{}: the model has no heads, got head '{head}'; leave it out", self.function)
            }
            (Some(head), names) => match names.iter().position(|name| name == head) {
                Some(position) => Ok(position),
                None => {
                    exec_err!("{}: the model has the heads {}, got '{head}'", self.function, heads())
                }
            },
        }
    }
}

/// What several bags said of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::functions) struct Spread {
    estimate: Option<f64>,
    bag_sd: Option<f64>,
    bag_low: Option<f64>,
    bag_high: Option<f64>,
}

impl Record for Spread {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("estimate", |r| r.estimate),
        Cell::Number("bag_sd", |r| r.bag_sd),
        Cell::Number("bag_low", |r| r.bag_low),
        Cell::Number("bag_high", |r| r.bag_high),
    ];
}

impl Said {
    /// What the bags said of a row.
    fn of(&self, row: usize) -> impl Iterator<Item = f64> {
        self.bags.iter().map(move |bag| bag[row]).filter(|x| !x.is_nan())
    }

    /// The mean over the bags, NULL where none said anything.
    pub(in crate::functions) fn means(&self) -> ArrayRef {
        let mean = |row: usize| {
            let (sum, n) = self.of(row).fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
            (n > 0.0).then(|| sum / n)
        };
        Arc::new((0..self.rows).map(mean).collect::<Float64Array>())
    }

    /// Mean, standard deviation and two quantiles over the bags.
    pub(in crate::functions) fn spreads(&self, alpha: f64) -> Vec<Spread> {
        let spread = |row: usize| {
            let mut said: Vec<f64> = self.of(row).collect();
            let n = said.len() as f64;
            if said.is_empty() {
                return Spread::default();
            }
            let mean = said.iter().sum::<f64>() / n;
            if said.len() < 2 {
                return Spread { estimate: Some(mean), ..Spread::default() };
            }
            let squares: f64 = said.iter().map(|x| (x - mean).powi(2)).sum();
            said.sort_unstable_by(f64::total_cmp);
            let [low, high] =
                [alpha / 2.0, 1.0 - alpha / 2.0].map(|share| crate::math::quantile(&said, share));
            let bag_sd = Some((squares / (n - 1.0)).sqrt());
            Spread { estimate: Some(mean), bag_sd, bag_low: Some(low), bag_high: Some(high) }
        };
        (0..self.rows).map(spread).collect()
    }
}
