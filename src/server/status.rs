//! The engine's errors as gRPC codes, with the text that a person reads.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use tonic::{Code, Status};

use crate::diagnostics::{Source, locate};
use crate::stores::{Failure, redact};

/// What the engine's error has when temporary files reach their limit, which comes as one of several kinds.
const SPILL_LIMIT: &str = "used disk space during the spilling process has exceeded";

/// An error of the engine about a statement.
pub(super) fn status(error: &DataFusionError, sql: &str) -> Status {
    if error.to_string().contains(SPILL_LIMIT) {
        return Status::resource_exhausted(
            "temporary files of queries take more than limit spill allows; ask for less, or later",
        );
    }
    let is_exhausted = matches!(error.find_root(), DataFusionError::ResourcesExhausted(_));
    let source = Source { text: sql, origin: &"query", is_in_sight: true, is_local: false };
    let mut text = redact(&locate(error, &source, None));
    if is_exhausted && !text.contains("that limit ") {
        text.push_str("; all queries and tables of sessions have what limit memory allows: try again later, or ask for less");
    }
    Status::new(code(error), text)
}

/// What clients are to make of an error: mend the statement, look elsewhere, or try again.
fn code(error: &DataFusionError) -> Code {
    match error.find_root() {
        DataFusionError::SQL(error, _) => match error.as_ref() {
            ParserError::RecursionLimitExceeded => Code::ResourceExhausted,
            _ => Code::InvalidArgument,
        },
        DataFusionError::Plan(text) if text.contains("not found") && text.contains("table") => Code::NotFound,
        DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Configuration(_)
        | DataFusionError::Execution(_)
        | DataFusionError::ArrowError(..) => Code::InvalidArgument,
        DataFusionError::NotImplemented(_) => Code::Unimplemented,
        DataFusionError::ResourcesExhausted(_) => Code::ResourceExhausted,
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Code::Unavailable,
        _ if Failure::behind(error).is_some() => Code::Unavailable,
        _ => Code::Internal,
    }
}
