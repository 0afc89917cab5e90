//! Values of established libraries on real data, and published ones, at the tolerances of `reference/README.md`.
//!
//! The data lie in `$CAUSAL_SHARED`, else in `../shared`; where they are absent the tests say so and check nothing.

mod allocation;
mod experiment;
mod fixtures;
mod learners;
mod observational;
mod policies;
mod rankings;
mod relations;
mod sequences;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use serde_json::Value;

/// How near a number has to be.
#[derive(Clone, Copy)]
enum Tolerance {
    Relative(f64),
    Absolute(f64),
}

/// Closed forms agree to this.
const CLOSED_FORM: Tolerance = Tolerance::Relative(1e-9);
/// Numbers published with six decimals agree to half of the last one.
const SIX_DECIMALS: Tolerance = Tolerance::Absolute(5.1e-7);

impl Tolerance {
    fn accepts(self, got: f64, expected: f64) -> bool {
        let margin = match self {
            Self::Relative(tolerance) => tolerance * expected.abs(),
            Self::Absolute(tolerance) => tolerance,
        };
        (got - expected).abs() <= margin
    }
}

/// The folder of data and reference values, if it is there.
struct Shared(PathBuf);

impl Shared {
    /// Finds the folder, or says on behalf of `test` that it is absent.
    fn find(test: &str) -> Option<Self> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
        let folder = std::env::var_os("CAUSAL_SHARED").map_or_else(beside, PathBuf::from);
        if folder.join("reference").is_dir() {
            return Some(Self(folder));
        }
        let folder = folder.display();
        let notice = format!("NOT CHECKED: {test} needs data in {folder}; set CAUSAL_SHARED to its folder\n");
        // Not by a macro: the harness keeps to itself what macros print in passing tests.
        io::stderr().write_all(notice.as_bytes()).unwrap();
        None
    }

    fn reference(&self, name: &str) -> Value {
        let path = self.0.join("reference").join(name).with_extension("json");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// A session in which the data sets are tables.
    async fn session(&self, tables: &[&str]) -> SessionContext {
        let context = session();
        for table in tables {
            let path = self.0.join("data").join(table).with_extension("parquet");
            let options = ParquetReadOptions::default();
            context.register_parquet(*table, path.to_string_lossy(), options).await.unwrap();
        }
        context
    }
}

fn session() -> SessionContext {
    SessionContext::new_with_state(datafusion_causal::session::builder(SessionConfig::new()).build())
}

/// What an expression should return.
type Expected<'a> = (&'a str, f64);

/// Checks expressions over `from`, a table with whatever may follow it, to a tolerance.
async fn check(context: &SessionContext, from: &str, tolerance: Tolerance, expected: &[Expected<'_>]) {
    let expressions: Vec<String> =
        expected.iter().enumerate().map(|(i, (expression, _))| format!("{expression} AS c{i}")).collect();
    let sql = format!("SELECT {} FROM {from}", expressions.join(", "));
    let batches = context.sql(&sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let batches = batches.collect().await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1, "{sql}");
    let row = batches.iter().find(|batch| batch.num_rows() == 1).unwrap();
    let mut wrong = vec![];
    for ((expression, expected), column) in expected.iter().zip(row.columns()) {
        let column = cast(column, &DataType::Float64).unwrap();
        let numbers = column.as_primitive::<Float64Type>();
        let got = numbers.iter().next().flatten();
        if !got.is_some_and(|got| tolerance.accepts(got, *expected)) {
            wrong.push(format!("{expression}: expected {expected}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "over {from}:\n{}", wrong.join("\n"));
}

/// The error with n - 1 of one with n.
fn unbiased(std_error: f64, n: f64) -> f64 {
    std_error * (n / (n - 1.0)).sqrt()
}

/// The error of Thornton's experiment by village with the correction G / (G - 1), which the reference leaves out.
fn thornton_cr1(thornton: &Value) -> f64 {
    let clusters = number(thornton, "cluster_by_village/n_clusters");
    number(thornton, "cluster_by_village/se_without_correction") * (clusters / (clusters - 1.0)).sqrt()
}

/// The number at a path of keys and positions, as in `a/0/b`.
fn number(value: &Value, path: &str) -> f64 {
    let found = value.pointer(&format!("/{path}")).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {path} in {value}"))
}
