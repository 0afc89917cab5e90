//! The engine's errors as gRPC codes, with the text that a person reads.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use tonic::{Code, Status};

use crate::diagnostics::{Source, locate};
use crate::stores::redact;

/// An error of the engine about a statement.
pub(super) fn status(error: &DataFusionError, sql: &str) -> Status {
    let source = Source { text: sql, origin: &"query", is_in_sight: true, is_local: false };
    Status::new(code(error), redact(&locate(error, &source, None)))
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
        _ => Code::Internal,
    }
}
