//! The engine's scalar function of a definition over lists of points: a record for each list.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray, make_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Fields, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::call::Layout;
use super::definition::{Definition, Kind};
use super::described::Described;
use super::score::bound_call;
use super::signature::{is_number, points_signature};
use crate::estimators::Point;

/// Points of a list, at most: as many as there can be bins.
const MOST_POINTS: usize = 10_000;

/// The points of a list in their order, without those that have no effect or no error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) points: Vec<Point>,
    pub(crate) skipped: usize,
}

/// A scalar function of a list of points.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::functions) struct SeriesFunction(Described);

impl SeriesFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        Self(Described::new(definition, points_signature(definition)))
    }

    /// Whether the list is one of points.
    fn check(&self, types: &[DataType]) -> Result<()> {
        Layout::new(self.0.definition, self.name(), types)?;
        let is_points = match &types[0] {
            DataType::Null => true,
            DataType::List(item) => match item.data_type() {
                DataType::Struct(fields) => {
                    let names = ["predicted", "actual", "cost_per_value", "std_error"];
                    let numbers = names.iter().filter_map(|name| fields.find(name));
                    effect_name(fields).is_some()
                        && numbers.into_iter().all(|(_, field)| is_number(field.data_type()))
                }
                _ => false,
            },
            _ => false,
        };
        if is_points {
            return Ok(());
        }
        plan_err!(
            "{}: {} must be a list of structs with actual (or cost_per_value) and std_error, as uplift_calibration_bins and cost_curve return, got {}",
            self.name(),
            self.0.definition.arguments[0].name,
            types[0]
        )
    }

    fn series(&self, lists: &ArrayRef) -> Result<Vec<Series>> {
        let Some(lists) = lists.as_list_opt::<i32>() else {
            return Ok(vec![Series::default(); lists.len()]);
        };
        let structs = lists.values().as_struct();
        let Some(effect) = effect_name(structs.fields()) else {
            return internal_err!("{}: the points have lost their fields", self.name());
        };
        let number = |name: &str| -> Result<Float64Array> {
            let column = structs.column_by_name(name).map(|column| cast(column, &DataType::Float64));
            match column.transpose()? {
                Some(column) => Ok(column.as_primitive::<Float64Type>().clone()),
                None => Ok(Float64Array::new_null(structs.len())),
            }
        };
        let (predicted, actual, std_error) = (number("predicted")?, number(effect)?, number("std_error")?);
        let is_predicted = predicted.null_count() < predicted.len();
        let mut all = vec![];
        for list in 0..lists.len() {
            let mut series = Series::default();
            let offsets = lists.value_offsets();
            let length = if lists.is_null(list) { 0 } else { lists.value_length(list) as usize };
            if length > MOST_POINTS {
                return exec_err!("{}: points must be at most {MOST_POINTS}, got {length}", self.name());
            }
            for place in 0..length {
                let i = offsets[list] as usize + place;
                let lacks_prediction = is_predicted && predicted.is_null(i);
                if structs.is_null(i) || actual.is_null(i) || std_error.is_null(i) || lacks_prediction {
                    series.skipped += 1;
                    continue;
                }
                // Where nothing was predicted points are in their order.
                let predicted = if is_predicted { predicted.value(i) } else { place as f64 };
                let (actual, std_error) = (actual.value(i), std_error.value(i));
                if !(predicted.is_finite() && actual.is_finite() && (0.0..f64::INFINITY).contains(&std_error))
                {
                    return exec_err!(
                        "{}: points must be finite and their std_error not negative, got {} {actual} with std_error {std_error}",
                        self.name(),
                        effect
                    );
                }
                if std_error == 0.0 {
                    series.skipped += 1;
                } else {
                    series.points.push(Point { predicted, actual, std_error });
                }
            }
            all.push(series);
        }
        Ok(all)
    }
}

/// What the field of the effect is called; `None` unless the fields are those of a point.
fn effect_name(fields: &Fields) -> Option<&'static str> {
    fields.find("std_error")?;
    ["actual", "cost_per_value"].into_iter().find(|name| fields.find(name).is_some())
}

impl ScalarUDFImpl for SeriesFunction {
    fn name(&self) -> &str {
        self.0.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.check(arg_types)?;
        match self.0.definition.kind {
            Kind::Series { data_type, .. } => Ok(data_type()),
            _ => internal_err!("{} is not a function of points", self.name()),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Kind::Series { apply, .. } = &self.0.definition.kind else {
            return internal_err!("{} is not a function of points", self.name());
        };
        let (_, call) = bound_call(self.0.definition, &args.args)?;
        let is_constant = matches!(args.args[0], ColumnarValue::Scalar(_));
        let lists = args.args[0].to_array(if is_constant { 1 } else { args.number_rows })?;
        let records = apply(&call, &self.series(&lists)?);
        // Nothing is known of a list that is NULL.
        let nulls = lists.logical_nulls();
        let records = make_array(records.to_data().into_builder().nulls(nulls).build()?);
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&records, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(StructArray::from(records.to_data())))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.0.documentation)
    }
}
