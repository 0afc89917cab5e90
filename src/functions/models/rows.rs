//! Training rows: collected as they come, put into an order of their own, checked.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, ListArray, StructArray, UInt32Array, new_empty_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, concat, take};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};

use super::places::Places;
use super::schema::Schema;
use crate::functions::adapter::{Definition, Rule};
use crate::keys::value_keys;
use crate::learners::{Features, Sample};
use crate::math::mixed;

/// Rows that are kept in one piece: small batches, and slices that hold a whole batch in memory, are copied into pieces of so
/// many.
const ROWS_OF_PIECE: usize = 8192;

/// The columns of a call, piece by piece.
#[derive(Debug)]
pub(super) struct Collected {
    /// Types of the columns that are kept.
    types: Vec<DataType>,
    /// Positions of these columns among the arguments.
    positions: Vec<usize>,
    pieces: Vec<Vec<ArrayRef>>,
    /// Bytes of the pieces.
    bytes: usize,
    /// What came since the last piece, and how many rows and bytes that is.
    loose: Vec<Vec<ArrayRef>>,
    loose_rows: usize,
    loose_bytes: usize,
    /// The most bytes that were held at a time.
    peak: usize,
}

impl Collected {
    pub(super) fn new(places: &Places, types: &[DataType]) -> Self {
        let positions: Vec<usize> = places.columns.iter().flatten().copied().collect();
        let types = positions.iter().map(|&position| types[position].clone()).collect();
        Self {
            types,
            positions,
            pieces: vec![],
            bytes: 0,
            loose: vec![],
            loose_rows: 0,
            loose_bytes: 0,
            peak: 0,
        }
    }

    /// The fields of a state: a list of each column's values.
    pub(super) fn state_types(places: &Places, types: &[DataType]) -> Vec<DataType> {
        let of = |position: &usize| DataType::new_list(types[*position].clone(), true);
        places.columns.iter().flatten().map(of).collect()
    }

    pub(super) fn add(&mut self, values: &[ArrayRef]) -> Result<()> {
        let column = |&position: &usize| Arc::clone(&values[position]);
        self.push(self.positions.iter().map(column).collect())
    }

    /// Adds the rows of states.
    pub(super) fn merge(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.iter().map(|state| state.as_list_opt::<i32>()).collect::<Option<Vec<_>>>()
        else {
            return internal_err!("a state of training rows is a list");
        };
        for i in 0..states.first().map_or(0, |state| state.len()) {
            if lists.iter().all(|list| list.is_valid(i)) {
                self.push(lists.iter().map(|list| list.value(i)).collect())?;
            }
        }
        Ok(())
    }

    fn push(&mut self, batch: Vec<ArrayRef>) -> Result<()> {
        for column in &batch {
            self.loose_bytes += size_of::<ArrayRef>() + column.to_data().get_slice_memory_size()?;
        }
        self.loose_rows += batch.first().map_or(0, |column| column.len());
        self.loose.push(batch);
        self.peak = self.peak.max(self.bytes + self.loose_bytes);
        if self.loose_rows >= ROWS_OF_PIECE {
            let piece = joined_columns(&self.types, &self.loose)?.into_iter().map(alone);
            let piece = piece.collect::<Result<Vec<_>>>()?;
            self.bytes += piece.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
            self.pieces.push(piece);
            self.loose.clear();
            (self.loose_rows, self.loose_bytes) = (0, 0);
        }
        Ok(())
    }

    pub(super) fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |column: ArrayRef| {
            let field = Arc::new(Field::new_list_field(column.data_type().clone(), true));
            let offsets = OffsetBuffer::from_lengths([column.len()]);
            Ok(ScalarValue::List(Arc::new(ListArray::try_new(field, offsets, column, None)?)))
        };
        self.columns()?.into_iter().map(list).collect()
    }

    /// All rows, which are given away.
    pub(super) fn columns(&mut self) -> Result<Vec<ArrayRef>> {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.append(&mut self.loose);
        (self.bytes, self.loose_rows, self.loose_bytes) = (0, 0, 0);
        joined_columns(&self.types, &pieces)
    }

    pub(super) fn rows(&self) -> usize {
        let rows = |piece: &Vec<ArrayRef>| piece.first().map_or(0, |column| column.len());
        self.loose_rows + self.pieces.iter().map(rows).sum::<usize>()
    }

    /// Bytes of the rows that are held: the most of them so far, since the engine adds up what a size grows by but not what
    /// it falls by.
    pub(super) fn size(&self) -> usize {
        self.peak
    }
}

/// Columns of all rows of some batches.
fn joined_columns(types: &[DataType], batches: &[Vec<ArrayRef>]) -> Result<Vec<ArrayRef>> {
    let column = |(i, data_type): (usize, &DataType)| {
        let arrays: Vec<&dyn Array> = batches.iter().map(|batch| batch[i].as_ref()).collect();
        Ok(if arrays.is_empty() { new_empty_array(data_type) } else { concat(&arrays)? })
    };
    types.iter().enumerate().map(column).collect()
}

/// A column that holds no text of other rows.
fn alone(column: ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        DataType::Struct(fields) => {
            let (columns, nulls) = (column.as_struct().columns(), column.nulls().cloned());
            let columns = columns.iter().cloned().map(alone).collect::<Result<_>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, column.len())?)
        }
        _ => column,
    })
}

/// Rows that are ready to be learned from.
pub(super) struct Ready {
    pub(super) heads: Vec<String>,
    pub(super) schema: Schema,
    pub(super) sample: Sample,
    pub(super) skipped: u64,
}

/// Reads the columns of a call.
pub(super) struct Reading<'a> {
    pub(super) definition: &'static Definition,
    pub(super) function: &'a str,
    pub(super) places: &'a Places,
    /// What must hold of outcomes.
    pub(super) outcome_rule: Rule,
    pub(super) skip_invalid: bool,
}

impl Reading<'_> {
    /// Bytes that reading takes at most beside the columns: these in the order of the rows, what puts them there, and the
    /// sample.
    pub(super) fn footprint(&self, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        let numbers = |column: &ArrayRef| column.as_struct_opt().map_or(1, StructArray::num_columns);
        let numbers: usize = columns.iter().map(numbers).sum();
        let held: usize = columns.iter().map(|column| column.get_array_memory_size()).sum();
        held + rows * (size_of::<(u128, u128, u32)>() + size_of::<u128>() + numbers * size_of::<f64>())
    }

    /// Checks the rows and puts them into an order that follows from their values alone.
    pub(super) fn read(&self, columns: Vec<ArrayRef>) -> Result<Ready> {
        let checked = self.check(columns)?;
        let rows = checked.is_kept.len();
        if u32::try_from(rows).is_err() {
            return exec_err!("{}: at most {} rows can be trained on, got {rows}", self.function, u32::MAX);
        }
        let mut kept = checked.kept()?;
        kept.sort_unstable();
        let features = checked.features(&kept)?;
        let schema = Schema::of(self.function, &features)?;
        let sample = checked.sample(schema.read(self.function, &features)?, &kept);
        let skipped = (rows - kept.len()) as u64;
        Ok(Ready { heads: checked.heads, schema, sample, skipped })
    }

    /// Checks the rows.
    pub(super) fn check(&self, columns: Vec<ArrayRef>) -> Result<Checked> {
        let mut columns = columns.into_iter();
        let given: Vec<Option<ArrayRef>> =
            self.places.columns.iter().map(|place| place.and_then(|_| columns.next())).collect();
        let Some(features) =
            self.of_rule(&given, Rule::Features).and_then(|array| array.as_struct_opt().cloned())
        else {
            return internal_err!("{}: features are no struct", self.function);
        };
        let (heads, outcomes) = self.heads(&given)?;
        let mut is_kept = vec![true; features.len()];
        // NULL in a feature is a value; in another column, or in place of all features, it skips the row.
        for array in given.iter().flatten() {
            if let Some(nulls) = array.logical_nulls() {
                is_kept.iter_mut().zip(&nulls).for_each(|(kept, valid)| *kept &= valid);
            }
        }
        let mut numbers: Vec<(Rule, &'static str, Float64Array)> = vec![];
        for outcome in &outcomes {
            if let Some(nulls) = outcome.nulls() {
                is_kept.iter_mut().zip(nulls).for_each(|(kept, valid)| *kept &= valid);
            }
            numbers.push((self.outcome_rule, "outcome", outcome.clone()));
        }
        for (argument, array) in self.definition.arguments.iter().zip(&given) {
            if !matches!(argument.rule, Rule::Features | Rule::Heads | Rule::Any)
                && let Some(array) = array
            {
                numbers.push((argument.rule, argument.name, number(array)?));
            }
        }
        for (rule, name, array) in &numbers {
            for (kept, &x) in is_kept.iter_mut().zip(array.values()) {
                if *kept && !rule.holds(x) {
                    if !self.skip_invalid {
                        return Err(rule.error(self.function, name, x, true));
                    }
                    *kept = false;
                }
            }
        }
        if self.skip_invalid {
            for column in features.columns().iter().filter(|column| column.data_type().is_floating()) {
                let is_finite = |x: Option<f64>| x.is_none_or(f64::is_finite);
                is_kept.iter_mut().zip(&number(column)?).for_each(|(kept, x)| *kept &= is_finite(x));
            }
        }
        let unit = self.of_rule(&given, Rule::Any).cloned();
        Ok(Checked { heads, features, numbers, unit, is_kept })
    }

    fn of_rule<'a>(&self, given: &'a [Option<ArrayRef>], rule: Rule) -> Option<&'a ArrayRef> {
        let at = self.definition.arguments.iter().position(|argument| argument.rule == rule)?;
        given[at].as_ref()
    }

    /// The outcomes with their names.
    fn heads(&self, given: &[Option<ArrayRef>]) -> Result<(Vec<String>, Vec<Float64Array>)> {
        match self.of_rule(given, Rule::Heads) {
            Some(array) => {
                let columns = match array.as_struct_opt() {
                    Some(heads) => heads.columns().iter().map(number).collect::<Result<_>>()?,
                    None => vec![number(array)?],
                };
                Ok((head_names(array.data_type()), columns))
            }
            None => exec_err!("{}: outcome is missing", self.function),
        }
    }
}

/// The names of outcomes of a type; one without a name where it is a number.
pub(super) fn head_names(data_type: &DataType) -> Vec<String> {
    match data_type {
        DataType::Struct(heads) => heads.iter().map(|head| head.name().clone()).collect(),
        _ => vec![String::new()],
    }
}

/// A column as numbers.
fn number(array: &ArrayRef) -> Result<Float64Array> {
    Ok(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

/// Key of the unit (0 where there are none), hash and position of a row.
type Kept = (u128, u128, u32);

/// Rows of which it is known which are kept.
pub(super) struct Checked {
    heads: Vec<String>,
    features: StructArray,
    /// The outcomes, then the other numbers in the order of the arguments.
    numbers: Vec<(Rule, &'static str, Float64Array)>,
    unit: Option<ArrayRef>,
    pub(super) is_kept: Vec<bool>,
}

impl Checked {
    /// The rows that are kept, in the order in which they came.
    pub(super) fn kept(&self) -> Result<Vec<Kept>> {
        let mut hashes = vec![0_u128; self.is_kept.len()];
        for column in self.features.columns() {
            let nulls = column.logical_nulls();
            for (i, (hash, key)) in hashes.iter_mut().zip(value_keys(column)?).enumerate() {
                let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(i));
                *hash = joined(*hash, if is_null { 1 } else { key });
            }
        }
        for (_, _, array) in &self.numbers {
            hashes
                .iter_mut()
                .zip(array.values())
                .for_each(|(hash, x)| *hash = joined(*hash, u128::from((x + 0.0).to_bits())));
        }
        let units = self.unit.as_ref().map(value_keys).transpose()?;
        let unit = |row: usize| units.as_ref().map_or(0, |units| units[row].max(1));
        let rows = (0..self.is_kept.len()).filter(|&row| self.is_kept[row]);
        Ok(rows.map(|row| (unit(row), hashes[row], row as u32)).collect())
    }

    /// The features of rows that are kept.
    pub(super) fn features(&self, kept: &[Kept]) -> Result<StructArray> {
        let position: UInt32Array = kept.iter().map(|(_, _, row)| *row).collect::<Vec<_>>().into();
        Ok(take(&self.features, &position, None)?.as_struct().clone())
    }

    /// The rows that are kept, with their features.
    pub(super) fn sample(&self, features: Features, kept: &[Kept]) -> Sample {
        let values =
            |array: &Float64Array| kept.iter().map(|(_, _, row)| array.value(*row as usize)).collect();
        let (outcomes, others) = self.numbers.split_at(self.heads.len());
        let mut sample = Sample {
            features,
            outcomes: outcomes.iter().map(|(_, _, array)| values(array)).collect(),
            treated: vec![],
            propensity: None,
            weight: None,
            keys: kept.iter().map(|(unit, row, _)| key(if *unit == 0 { *row } else { *unit })).collect(),
        };
        for (rule, _, array) in others {
            let values: Vec<f64> = values(array);
            match rule {
                Rule::Binary => sample.treated = values.into_iter().map(|x| x == 1.0).collect(),
                Rule::TreatedPropensity => sample.propensity = Some(values),
                _ => sample.weight = Some(values),
            }
        }
        sample
    }
}

/// A hash of what came before and one more value.
fn joined(hash: u128, key: u128) -> u128 {
    let (low, high) = (hash as u64 ^ mixed(key as u64), (hash >> 64) as u64 ^ mixed((key >> 64) as u64 ^ 1));
    u128::from(mixed(low.wrapping_add(mixed(high)))) << 64 | u128::from(mixed(high ^ mixed(low)))
}

/// The key of a unit as learners draw by it.
pub(super) fn key(unit: u128) -> u64 {
    mixed(unit as u64 ^ mixed((unit >> 64) as u64))
}
