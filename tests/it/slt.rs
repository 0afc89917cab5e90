//! Runs the files of `tests/slt`. Neither batches and partitions nor the way to a client must show in a result: each file is run
//! in three configurations and through the server against the one expected text.
//!
//! Type letters: `B` boolean, `I` integer, `R` float or decimal, `T` text, `?` anything else. Floats are shown with
//! nine decimals at most, trailing zeros cut (`4`, `0.75`): partial sums meet in any order, so the last bits vary.
//!
//! `SLT=qini cargo test -- slt` runs the files whose names contain that.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use sqllogictest::{ColumnType, DB, DBOutput, Record, Runner, strict_column_validator};
use tokio::runtime::{Builder, Runtime};

#[test]
fn in_a_default_session() {
    run_all(&SessionConfig::new());
}

#[test]
fn row_by_row_in_one_partition() {
    run_all(&SessionConfig::new().with_batch_size(1).with_target_partitions(1));
}

#[test]
fn in_small_batches_over_four_partitions() {
    run_all(&SessionConfig::new().with_batch_size(2).with_target_partitions(4));
}

fn run_all(config: &SessionConfig) {
    run_files(|| Ok(Engine::new(config.clone())));
}

/// Runs the files, each in a session of its own.
pub(crate) fn run_files<D: DB<ColumnType = Letter> + Send>(session: impl Fn() -> Result<D, D::Error>) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the directory is part of the package")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    if let Ok(part) = std::env::var("SLT") {
        files.retain(|file| file.to_string_lossy().contains(&part));
    }
    assert!(!files.is_empty(), "no files in tests/slt");
    let failures: Vec<String> = files.iter().flat_map(|file| run(file, &session)).collect();
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n"));
}

/// Runs all records of a file in one session and returns those that failed.
fn run<D: DB<ColumnType = Letter> + Send>(
    file: &Path,
    session: &impl Fn() -> Result<D, D::Error>,
) -> Vec<String> {
    let records = match sqllogictest::parse_file::<Letter>(file) {
        Ok(records) => records,
        Err(error) => return vec![error.to_string()],
    };
    let mut runner = Runner::new(|| async { session() });
    runner.with_column_validator(strict_column_validator);
    records
        .into_iter()
        .take_while(|record| !matches!(record, Record::Halt { .. }))
        .filter_map(|record| runner.run(record).err().map(|failure| failure.to_string()))
        .collect()
}

/// A session with everything of this crate.
struct Engine {
    context: SessionContext,
    runtime: Runtime,
}

impl Engine {
    fn new(config: SessionConfig) -> Self {
        Self {
            context: SessionContext::new_with_state(datafusion_causal::session::builder(config).build()),
            runtime: Builder::new_multi_thread().worker_threads(2).build().expect("threads can be started"),
        }
    }
}

impl DB for Engine {
    type Error = DataFusionError;
    type ColumnType = Letter;

    fn run(&mut self, sql: &str) -> Result<DBOutput<Letter>, DataFusionError> {
        let (schema, batches) = self.runtime.block_on(async {
            let frame = self.context.sql(sql).await?;
            Ok::<_, DataFusionError>((Arc::clone(frame.schema().inner()), frame.collect().await?))
        })?;
        if schema.fields().is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(rows(&schema, &batches)?)
    }
}

/// A result as the files have it.
pub(crate) fn rows(schema: &Schema, batches: &[RecordBatch]) -> Result<DBOutput<Letter>, ArrowError> {
    let types = schema.fields().iter().map(|field| Letter::of(field.data_type())).collect();
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| cells(batch, row)));
    Ok(DBOutput::Rows { types, rows: rows.collect::<Result<_, _>>()? })
}

/// The texts of a row.
fn cells(batch: &RecordBatch, row: usize) -> Result<Vec<String>, ArrowError> {
    batch.columns().iter().map(|column| cell(column, row)).collect()
}

fn cell(column: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if column.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
        return Ok("NULL".to_string());
    }
    if column.data_type() == &DataType::Float64 {
        return Ok(float(column.as_primitive::<Float64Type>().value(row)));
    }
    let text = array_value_to_string(column, row)?;
    Ok(if text.is_empty() { "(empty)".to_string() } else { text })
}

fn float(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.to_string();
    }
    let decimals = format!("{x:.9}");
    let shortest = if decimals.contains('.') { decimals.trim_end_matches('0') } else { &decimals };
    match shortest.trim_end_matches('.') {
        "-0" => "0".to_string(),
        text => text.to_string(),
    }
}

/// The letter of a column's type in `query RRI`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter(char);

impl Letter {
    fn of(data_type: &DataType) -> Self {
        Self(match data_type {
            DataType::Boolean => 'B',
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => 'T',
            DataType::Dictionary(_, values) => return Self::of(values),
            data_type if data_type.is_integer() => 'I',
            data_type if data_type.is_numeric() => 'R',
            _ => '?',
        })
    }
}

impl ColumnType for Letter {
    fn from_char(letter: char) -> Option<Self> {
        "BIRT?".contains(letter).then_some(Self(letter))
    }

    fn to_char(&self) -> char {
        self.0
    }
}
