//! The engine's scalar function of a definition whose rows have lists, or whose result is no number.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, internal_err};
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::call::Call;
use super::definition::{Argument, Definition, Kind};
use super::described::Described;
use super::option_catalog::ON_INVALID;
use super::rule::Rule;
use super::score::bound_call;
use super::signature::{coerce, row_signature};
use crate::keys::value_keys;

/// A scalar function of rows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::functions) struct RowFunction(Described);

impl RowFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        Self(Described::new(definition, row_signature(definition)))
    }
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        self.0.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let types = coerce(self.0.definition, self.name(), arg_types)?;
        match self.0.definition.kind {
            Kind::Row { data_type, .. } => Ok(data_type(&types)),
            _ => internal_err!("{} is not a function of rows", self.name()),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        // The function casts: of lists and booleans the engine would find casts that it allows for none.
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Kind::Row { apply, .. } = &self.0.definition.kind else {
            return internal_err!("{} is not a function of rows", self.name());
        };
        let (layout, call) = bound_call(self.0.definition, &args.args)?;
        let types: Vec<_> = args.args.iter().map(ColumnarValue::data_type).collect();
        let types = coerce(self.0.definition, self.name(), &types)?;
        let column = |position: &Option<usize>| -> Result<Option<Column>> {
            let Some(position) = *position else { return Ok(None) };
            let is_constant = matches!(args.args[position], ColumnarValue::Scalar(_));
            let array = args.args[position].to_array(if is_constant { 1 } else { args.number_rows })?;
            Ok(Some(Column { array: cast(&array, &types[position])?, is_constant }))
        };
        let columns = layout.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
        let all_constant = columns.iter().flatten().all(|column| column.is_constant);
        let rows = if all_constant { 1 } else { args.number_rows };
        let result = apply(&RowCall { definition: self.0.definition, call, columns, rows })?;
        Ok(if all_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.0.documentation)
    }
}

/// A column of a call: one value where it is a constant.
#[derive(Debug)]
struct Column {
    array: ArrayRef,
    is_constant: bool,
}

/// A call with its rows.
#[derive(Debug)]
pub(crate) struct RowCall {
    definition: &'static Definition,
    pub(crate) call: Call,
    columns: Vec<Option<Column>>,
    pub(crate) rows: usize,
}

/// Why a row is invalid: what follows the function's name in the error.
pub(crate) type Invalid = String;

impl RowCall {
    /// The numbers of an argument.
    pub(crate) fn numbers(&self, argument: usize) -> Result<Numbers> {
        let Argument { name, rule, .. } = &self.definition.arguments[argument];
        let column = self.column(argument)?;
        let Some(numbers) = column.array.as_primitive_opt::<Float64Type>().cloned() else {
            return internal_err!("{}: {name} is no number", self.definition.name);
        };
        Ok(Numbers { name, rule: *rule, numbers, is_constant: column.is_constant })
    }

    /// The same, `None` when the argument was left out.
    pub(crate) fn optional_numbers(&self, argument: usize) -> Result<Option<Numbers>> {
        self.columns[argument].is_some().then(|| self.numbers(argument)).transpose()
    }

    /// The lists of numbers of an argument; a number is a list of one.
    pub(crate) fn number_lists(&self, argument: usize) -> Result<NumberLists> {
        let lists = self.lists(argument)?;
        let Some(numbers) = lists.items.as_primitive_opt::<Float64Type>().cloned() else {
            return internal_err!("{}: the lists hold no numbers", self.definition.name);
        };
        let are_finite = numbers.null_count() == 0 && Rule::Finite.all_hold(numbers.values());
        Ok(NumberLists { name: self.definition.arguments[argument].name, lists, numbers, are_finite })
    }

    /// The lists of an argument.
    pub(crate) fn lists(&self, argument: usize) -> Result<Lists> {
        let Column { array, is_constant } = self.column(argument)?;
        let is_constant = *is_constant;
        if let Some(lists) = array.as_list_opt::<i32>() {
            let (_, offsets, items, nulls) = lists.clone().into_parts();
            return Ok(Lists { offsets, items, nulls, is_constant });
        }
        let offsets = OffsetBuffer::from_repeated_length(1, array.len());
        Ok(Lists { offsets, items: Arc::clone(array), nulls: None, is_constant })
    }

    /// The keys of an argument's values, of which equal ones of one type have equal keys.
    pub(crate) fn keys(&self, argument: usize) -> Result<Keys> {
        let Column { array, is_constant } = self.column(argument)?;
        let nulls = array.logical_nulls();
        let all_null = nulls.as_ref().is_some_and(|nulls| nulls.null_count() == nulls.len());
        let keys = if all_null { vec![0; array.len()] } else { value_keys(array)? };
        Ok(Keys { keys, nulls, is_constant: *is_constant })
    }

    /// The values of an argument as they are; one where it is a constant.
    pub(crate) fn array(&self, argument: usize) -> Result<&ArrayRef> {
        Ok(&self.column(argument)?.array)
    }

    fn column(&self, argument: usize) -> Result<&Column> {
        match &self.columns[argument] {
            Some(column) => Ok(column),
            None => internal_err!(
                "{}: {} was left out",
                self.definition.name,
                self.definition.arguments[argument].name
            ),
        }
    }

    /// The result of a row: `None` where it is invalid and such rows are skipped.
    #[inline]
    pub(crate) fn settled<T>(&self, result: Result<Option<T>, Invalid>) -> Result<Option<T>> {
        match result {
            Ok(result) => Ok(result),
            Err(_) if self.call.options.choice(&ON_INVALID) == "skip" => Ok(None),
            Err(invalid) => Err(self.error(&invalid)),
        }
    }

    /// The error of an invalid row.
    #[cold]
    fn error(&self, invalid: &str) -> DataFusionError {
        let can_skip = self.definition.options().iter().any(|spec| spec.name == ON_INVALID.name);
        let skip = if can_skip { ", or pass {'on_invalid': 'skip'} for NULL" } else { "" };
        exec_datafusion_err!("{}: {invalid}; mend or leave out such rows{skip}", self.definition.name)
    }
}

/// Numbers by row.
#[derive(Debug)]
pub(crate) struct Numbers {
    name: &'static str,
    rule: Rule,
    numbers: Float64Array,
    is_constant: bool,
}

impl Numbers {
    /// The number of a row, whatever the argument's rule.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<f64> {
        let row = if self.is_constant { 0 } else { row };
        self.numbers.is_valid(row).then(|| self.numbers.value(row))
    }

    /// The number of a row if it keeps the argument's rule.
    #[inline]
    pub(crate) fn checked(&self, row: usize) -> Result<Option<f64>, Invalid> {
        match self.get(row) {
            Some(x) if !self.rule.holds(x) => {
                Err(format!("{} must be {}, got {x}", self.name, self.rule.text()))
            }
            number => Ok(number),
        }
    }
}

/// Lists by row.
#[derive(Debug)]
pub(crate) struct Lists {
    offsets: OffsetBuffer<i32>,
    pub(crate) items: ArrayRef,
    nulls: Option<NullBuffer>,
    is_constant: bool,
}

impl Lists {
    /// Where the list of a row has its items.
    #[inline]
    pub(crate) fn range(&self, row: usize) -> Option<Range<usize>> {
        let row = if self.is_constant { 0 } else { row };
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then(|| self.offsets[row] as usize..self.offsets[row + 1] as usize)
    }
}

/// Lists of numbers by row.
#[derive(Debug)]
pub(crate) struct NumberLists {
    name: &'static str,
    lists: Lists,
    numbers: Float64Array,
    /// Whether no number is NULL, NaN or infinite.
    are_finite: bool,
}

impl NumberLists {
    /// The finite numbers of a row; `None` when the list or one of them is NULL.
    #[inline]
    pub(crate) fn finite(&self, row: usize) -> Result<Option<&[f64]>, Invalid> {
        let Some(range) = self.lists.range(row) else { return Ok(None) };
        let numbers = &self.numbers.values()[range.clone()];
        if self.are_finite {
            return Ok(Some(numbers));
        }
        for (i, x) in range.zip(numbers) {
            if self.numbers.is_valid(i) && !x.is_finite() {
                return Err(format!("{} must be finite, got {x}", self.name));
            }
        }
        Ok(self.has_no_null(row).then_some(numbers))
    }

    fn has_no_null(&self, row: usize) -> bool {
        let range = self.lists.range(row).unwrap_or_default();
        self.numbers.nulls().is_none_or(|nulls| range.into_iter().all(|i| nulls.is_valid(i)))
    }
}

/// Keys by row.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<u128>,
    nulls: Option<NullBuffer>,
    is_constant: bool,
}

impl Keys {
    /// The key of a row's value.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<u128> {
        let row = if self.is_constant { 0 } else { row };
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then(|| self.keys[row])
    }
}

/// A list of numbers for each row, with `lengths` items one after the other.
pub(crate) fn number_list_column(
    numbers: Vec<f64>,
    lengths: impl IntoIterator<Item = usize>,
    nulls: NullBuffer,
) -> Result<ArrayRef> {
    let item = Arc::new(Field::new_list_field(DataType::Float64, true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(Float64Array::from(numbers)), Some(nulls))?))
}
