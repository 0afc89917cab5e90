//! Runs queries for `compare.py`: a line of SQL in, a line of JSON with its seconds and its columns out.
//!
//! The peers run inside the process of the script, so our queries must not pay for the start of a program.

#[path = "../log/mod.rs"]
#[allow(dead_code, reason = "every benchmark uses a part of the log")]
mod log;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::SessionContext;
use serde_json::{Map, Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let rows = log::rows(10_000_000);
    let runtime = log::session::runtime();
    let context = runtime.block_on(log::session::context(rows))?;
    reply(&json!({ "log": log::file(rows)?, "rows": rows, "threads": log::session::threads() }))?;
    for sql in stdin().lock().lines() {
        let (context, sql) = (context.clone(), sql?);
        let (seconds, batches) = runtime.block_on(runtime.spawn(timed(context, sql)))??;
        reply(&json!({ "seconds": seconds, "columns": columns(&batches)? }))?;
    }
    Ok(())
}

async fn timed(context: SessionContext, sql: String) -> datafusion::error::Result<(f64, Vec<RecordBatch>)> {
    let start = Instant::now();
    let batches = context.sql(&sql).await?.collect().await?;
    Ok((start.elapsed().as_secs_f64(), batches))
}

/// The columns as lists of numbers by name.
fn columns(batches: &[RecordBatch]) -> Result<Map<String, Value>, Box<dyn Error>> {
    let mut columns = Map::new();
    for batch in batches {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let numbers = cast(column, &DataType::Float64)?;
            let list = columns.entry(field.name()).or_insert_with(|| json!([]));
            let list = list.as_array_mut().ok_or("a column is a list")?;
            list.extend(numbers.as_primitive::<Float64Type>().iter().map(Value::from));
        }
    }
    Ok(columns)
}

fn reply(value: &Value) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
