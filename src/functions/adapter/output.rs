//! Results as arrays.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};

use crate::estimators::{
    Bin, CostPoint, CurvePoint, Drift, GoodnessOfFit, Inference, Monotonicity, Stability, TestResult,
};

/// A result that makes a column.
pub(crate) trait Column: Sized {
    /// The type of the column.
    fn data_type() -> DataType;
    /// The column of some results.
    fn column(results: &[Self]) -> ArrayRef;
}

impl Column for Option<f64> {
    fn data_type() -> DataType {
        DataType::Float64
    }

    fn column(results: &[Self]) -> ArrayRef {
        Arc::new(results.iter().copied().collect::<Float64Array>())
    }
}

/// The type of an inference with some appended fields.
pub(super) fn inference_type(appended: &[&str]) -> DataType {
    let number = |name| Field::new(name, DataType::Float64, true);
    let count = |name| Field::new(name, DataType::Int64, true);
    let mut fields = vec![
        number("estimate"),
        number("std_error"),
        number("ci_low"),
        number("ci_high"),
        number("p_value"),
        count("n"),
        count("n_skipped"),
        number("ess"),
    ];
    fields.extend(appended.iter().map(|name| number(name)));
    DataType::Struct(fields.into())
}

/// The column of some inferences.
pub(super) fn inference_column(results: &[Inference], appended: &[&str]) -> ArrayRef {
    let number = |field: fn(&Inference) -> Option<f64>| numbers(results, field);
    let count = |field: fn(&Inference) -> u64| counts(results, field);
    let mut columns = vec![
        number(|r| r.estimate),
        number(|r| r.std_error),
        number(|r| r.ci_low),
        number(|r| r.ci_high),
        number(|r| r.p_value),
        count(|r| r.n),
        count(|r| r.n_skipped),
        number(|r| r.ess),
    ];
    columns.extend((0..appended.len()).map(|i| numbers(results, |r| r.appended[i])));
    let DataType::Struct(fields) = inference_type(appended) else {
        unreachable!("an inference is a struct");
    };
    Arc::new(StructArray::new(fields, columns, None))
}

/// A result of several named numbers: a struct in SQL, and a list of structs where there are several of them.
pub(crate) trait Record: Sized + 'static {
    /// The fields, in their order.
    const FIELDS: &'static [Cell<Self>];
}

/// A field of a record: its name, and its value of which `None` is NULL.
pub(crate) enum Cell<T> {
    Number(&'static str, fn(&T) -> Option<f64>),
    Count(&'static str, fn(&T) -> Option<u64>),
    /// A whole number of either sign.
    Whole(&'static str, fn(&T) -> i64),
    Text(&'static str, fn(&T) -> &'static str),
    /// A column of another kind, such as a list of records.
    Column(&'static str, fn() -> DataType, fn(&[T]) -> ArrayRef),
}

impl<T> Cell<T> {
    fn field(&self) -> Field {
        match self {
            Self::Number(name, _) => Field::new(*name, DataType::Float64, true),
            Self::Count(name, _) => Field::new(*name, DataType::Int64, true),
            Self::Whole(name, _) => Field::new(*name, DataType::Int64, true),
            Self::Text(name, _) => Field::new(*name, DataType::Utf8, true),
            Self::Column(name, data_type, _) => Field::new(*name, data_type(), true),
        }
    }

    fn column(&self, records: &[T]) -> ArrayRef {
        match self {
            Self::Number(_, value) => numbers(records, value),
            Self::Count(_, value) => {
                Arc::new(records.iter().map(|r| value(r).map(|count| count as i64)).collect::<Int64Array>())
            }
            Self::Whole(_, value) => Arc::new(records.iter().map(value).collect::<Int64Array>()),
            Self::Text(_, value) => Arc::new(StringArray::from_iter_values(records.iter().map(value))),
            Self::Column(_, _, column) => column(records),
        }
    }
}

impl<T: Record> Column for T {
    fn data_type() -> DataType {
        DataType::Struct(T::FIELDS.iter().map(Cell::field).collect())
    }

    fn column(results: &[Self]) -> ArrayRef {
        let fields: Fields = T::FIELDS.iter().map(Cell::field).collect();
        let columns = T::FIELDS.iter().map(|cell| cell.column(results)).collect();
        Arc::new(StructArray::new(fields, columns, None))
    }
}

impl<T: Record + Copy> Column for Vec<T> {
    fn data_type() -> DataType {
        DataType::new_list(T::data_type(), true)
    }

    fn column(results: &[Self]) -> ArrayRef {
        let records: Vec<T> = results.iter().flatten().copied().collect();
        let item = Arc::new(Field::new_list_field(T::data_type(), true));
        let lengths = OffsetBuffer::from_lengths(results.iter().map(Vec::len));
        Arc::new(ListArray::new(item, lengths, T::column(&records), None))
    }
}

impl Record for GoodnessOfFit {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("chi2", |r| r.chi2),
        Cell::Count("df", |r| Some(r.df)),
        Cell::Number("p_value", |r| r.p_value),
        Cell::Count("n", |r| Some(r.n)),
    ];
}

impl Record for TestResult {
    const FIELDS: &'static [Cell<Self>] =
        &[Cell::Number("statistic", |r| r.statistic), Cell::Number("p_value", |r| r.p_value)];
}

impl Record for Drift {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("statistic", |r| r.statistic),
        Cell::Number("p_value", |r| r.p_value),
        Cell::Count("bins", |r| Some(r.bins)),
        Cell::Count("empty_bins", |r| Some(r.empty_bins)),
    ];
}

impl Record for Stability {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("spearman", |r| r.spearman),
        Cell::Number("kendall_tau", |r| r.kendall_tau),
        Cell::Number("top_overlap", |r| r.top_overlap),
    ];
}

impl Record for Monotonicity {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Count("violations", |r| Some(r.violations)),
        Cell::Number("largest_violation", |r| r.largest_violation),
        Cell::Number("kendall_tau", |r| r.kendall_tau),
        Cell::Number("p_value", |r| r.p_value),
        Cell::Count("n", |r| Some(r.n)),
        Cell::Count("n_skipped", |r| Some(r.n_skipped)),
    ];
}

impl Record for Bin {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Count("bin", |r| Some(r.number)),
        Cell::Number("lower", |r| Some(r.lower)),
        Cell::Number("upper", |r| Some(r.upper)),
        Cell::Count("n", |r| Some(r.n)),
        Cell::Count("n_treated", |r| r.n_treated),
        Cell::Count("n_control", |r| r.n_control),
        Cell::Number("predicted", |r| Some(r.predicted)),
        Cell::Number("actual", |r| r.actual),
        Cell::Number("std_error", |r| r.std_error),
        Cell::Number("ci_low", |r| r.ci_low),
        Cell::Number("ci_high", |r| r.ci_high),
    ];
}

impl Record for CurvePoint {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("share", |r| Some(r.share)),
        Cell::Number("threshold", |r| r.threshold),
        Cell::Number("uplift", |r| Some(r.uplift)),
        Cell::Number("std_error", |r| r.std_error),
        Cell::Number("ci_low", |r| r.ci_low),
        Cell::Number("ci_high", |r| r.ci_high),
    ];
}

impl Record for CostPoint {
    const FIELDS: &'static [Cell<Self>] = &[
        Cell::Number("share", |r| Some(r.share)),
        Cell::Number("threshold", |r| r.threshold),
        Cell::Number("value", |r| Some(r.value)),
        Cell::Number("value_std_error", |r| r.value_std_error),
        Cell::Number("cost", |r| Some(r.cost)),
        Cell::Number("cost_std_error", |r| r.cost_std_error),
        Cell::Number("cost_per_value", |r| r.cost_per_value),
        Cell::Number("std_error", |r| r.std_error),
        Cell::Number("ci_low", |r| r.ci_low),
        Cell::Number("ci_high", |r| r.ci_high),
    ];
}

fn numbers<T>(results: &[T], field: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    // Infinite ends of intervals are results, what is no number is none.
    let number = |result| field(result).filter(|number| !number.is_nan());
    Arc::new(results.iter().map(number).collect::<Float64Array>())
}

fn counts<T>(results: &[T], field: impl Fn(&T) -> u64) -> ArrayRef {
    Arc::new(results.iter().map(|r| Some(field(r) as i64)).collect::<Int64Array>())
}
