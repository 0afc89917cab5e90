//! Results as arrays.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};

use crate::estimators::{Bin, GoodnessOfFit, Inference, TestResult};

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

static GOODNESS_OF_FIT: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("chi2", DataType::Float64, true),
        Field::new("df", DataType::Int64, true),
        Field::new("p_value", DataType::Float64, true),
        Field::new("n", DataType::Int64, true),
    ])
});

impl Column for GoodnessOfFit {
    fn data_type() -> DataType {
        DataType::Struct(GOODNESS_OF_FIT.clone())
    }

    fn column(results: &[Self]) -> ArrayRef {
        let columns = vec![
            numbers(results, |r: &Self| r.chi2),
            counts(results, |r: &Self| r.df),
            numbers(results, |r: &Self| r.p_value),
            counts(results, |r: &Self| r.n),
        ];
        Arc::new(StructArray::new(GOODNESS_OF_FIT.clone(), columns, None))
    }
}

static TEST_RESULT: LazyLock<Fields> = LazyLock::new(|| {
    let number = |name| Field::new(name, DataType::Float64, true);
    Fields::from(vec![number("statistic"), number("p_value")])
});

impl Column for TestResult {
    fn data_type() -> DataType {
        DataType::Struct(TEST_RESULT.clone())
    }

    fn column(results: &[Self]) -> ArrayRef {
        let columns = vec![numbers(results, |r: &Self| r.statistic), numbers(results, |r: &Self| r.p_value)];
        Arc::new(StructArray::new(TEST_RESULT.clone(), columns, None))
    }
}

static BIN: LazyLock<Fields> = LazyLock::new(|| {
    let number = |name| Field::new(name, DataType::Float64, true);
    let count = |name| Field::new(name, DataType::Int64, true);
    Fields::from(vec![
        count("bin"),
        number("lower"),
        number("upper"),
        count("n"),
        count("n_treated"),
        count("n_control"),
        number("predicted"),
        number("actual"),
        number("std_error"),
        number("ci_low"),
        number("ci_high"),
    ])
});

impl Column for Vec<Bin> {
    fn data_type() -> DataType {
        DataType::new_list(DataType::Struct(BIN.clone()), true)
    }

    fn column(results: &[Self]) -> ArrayRef {
        let bins: Vec<Bin> = results.iter().flatten().copied().collect();
        let number = |field: fn(&Bin) -> Option<f64>| numbers(&bins, field);
        let count = |field: fn(&Bin) -> Option<u64>| -> ArrayRef {
            Arc::new(bins.iter().map(|bin| field(bin).map(|count| count as i64)).collect::<Int64Array>())
        };
        let columns = vec![
            count(|bin| Some(bin.number)),
            number(|bin| Some(bin.lower)),
            number(|bin| Some(bin.upper)),
            count(|bin| Some(bin.n)),
            count(|bin| bin.n_treated),
            count(|bin| bin.n_control),
            number(|bin| Some(bin.predicted)),
            number(|bin| bin.actual),
            number(|bin| bin.std_error),
            number(|bin| bin.ci_low),
            number(|bin| bin.ci_high),
        ];
        let values = Arc::new(StructArray::new(BIN.clone(), columns, None));
        let item = Arc::new(Field::new_list_field(DataType::Struct(BIN.clone()), true));
        let lengths = OffsetBuffer::from_lengths(results.iter().map(Vec::len));
        Arc::new(ListArray::new(item, lengths, values, None))
    }
}

fn numbers<T>(results: &[T], field: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(results.iter().map(field).collect::<Float64Array>())
}

fn counts<T>(results: &[T], field: impl Fn(&T) -> u64) -> ArrayRef {
    Arc::new(results.iter().map(|r| Some(field(r) as i64)).collect::<Int64Array>())
}
